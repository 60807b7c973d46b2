"""A city that publishes: the county of the demo, the device contract, replay of recorded feeds.

Knows the topic, the payload and the registry folder, and nothing of the platform behind the broker.
"""
