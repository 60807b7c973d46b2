"""Broker -> storage: the MQTT subscriber, decoders, batches and the writer.

In: messages at QoS 1. Out: observations, dead letters and journal rows, committed before a message is acknowledged.
Imported by `commands` only.
"""
