"""A fleet of devices for load tests of any MQTT broker: no physics, steady pacing, and a report that hides nothing."""
