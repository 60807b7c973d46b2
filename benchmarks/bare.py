"""The baselines: what the broker alone gives, and the shortest path that stores.

The bare path is paho, decode, `unnest`, acknowledge. It checks nothing: no time window, no range, no duplicates, no
dead letters, no journal, no counters; a bad message would end it. It is what remains when everything this project
promises is left out; its arrays travel in the same binary form as ours, so that it is as fast as it can be.
"""

import queue
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import numpy as np
import paho.mqtt.client as mqtt
import psycopg
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from runtime.broker_address import parse
from storage.arrays import FLOAT8, INT4, TIMESTAMPTZ, Column, register

BATCH = 5000
_CREATE = """
CREATE TABLE IF NOT EXISTS bare_observations (
    datastream integer NOT NULL, time timestamptz NOT NULL, value double precision NOT NULL,
    PRIMARY KEY (datastream, time))
"""
_INSERT = """
INSERT INTO bare_observations
SELECT * FROM unnest(%s, %s, %s)
ON CONFLICT DO NOTHING
"""


class _Message(msgspec.Struct):
    time: int
    values: dict[str, float]


@contextmanager
def session(mqtt_url: str, client_id: str, topic: str) -> Iterator[tuple[mqtt.Client, "queue.SimpleQueue[Any]"]]:
    """A persistent session as anyone would write it; MQTT 5 with a window, else 3.1.1."""
    arrived: queue.SimpleQueue[Any] = queue.SimpleQueue()
    client = _connect(mqtt_url, client_id, MQTTProtocolVersion.MQTTv5) or _connect(
        mqtt_url, client_id, MQTTProtocolVersion.MQTTv311
    )
    if client is None:
        raise ConnectionError(f"no broker at {mqtt_url}")
    client.on_message = lambda _client, _userdata, message: arrived.put(message)
    client.subscribe(topic, qos=1)
    client.loop_start()
    try:
        yield client, arrived
    finally:
        client.disconnect()
        client.loop_stop()


def _connect(mqtt_url: str, client_id: str, version: MQTTProtocolVersion) -> mqtt.Client | None:
    address = parse(mqtt_url)
    is_v5 = version == MQTTProtocolVersion.MQTTv5
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=None if is_v5 else False,
        protocol=version,
        manual_ack=True,
    )
    if address.username:
        client.username_pw_set(address.username, address.password)
    properties = None
    if is_v5:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 3600
        properties.ReceiveMaximum = 2 * BATCH
    client.connect(address.host, address.port, clean_start=False if is_v5 else 3, properties=properties)
    deadline = time.monotonic() + 2
    while not client.is_connected() and time.monotonic() < deadline and client.loop(0.1) == mqtt.MQTT_ERR_SUCCESS:
        pass
    return client if client.is_connected() else None


def drain(mqtt_url: str, client_id: str, topic: str, messages: int) -> float:
    """The broker alone: receive and acknowledge; seconds from the first message to the last."""
    with session(mqtt_url, client_id, topic) as (client, arrived):
        first = arrived.get(timeout=30)
        began = time.perf_counter()
        client.ack(first.mid, 1)
        for _ in range(messages - 1):
            client.ack(arrived.get(timeout=30).mid, 1)
        return time.perf_counter() - began


def store(
    mqtt_url: str, database_url: str, client_id: str, topic: str, ids: dict[str, dict[str, int]], messages: int
) -> float:
    """The bare path; seconds from the first message to the last COMMIT."""
    decode = msgspec.json.Decoder(_Message).decode
    with (
        psycopg.connect(database_url, prepare_threshold=None) as link,
        session(mqtt_url, client_id, topic) as (client, arrived),
    ):
        register(link)
        link.execute(_CREATE)
        link.commit()
        taken = [arrived.get(timeout=30)]
        began = time.perf_counter()
        done = 0
        while done < messages:
            while len(taken) < BATCH and done + len(taken) < messages and not (arrived.empty() and taken):
                taken.append(arrived.get(timeout=30))
            streams: list[int] = []
            times: list[int] = []
            values: list[float] = []
            for message in taken:
                decoded = decode(message.payload)
                device = ids[message.topic]
                for name, value in decoded.values.items():
                    streams.append(device[name])
                    times.append(decoded.time)
                    values.append(value)
            columns = (
                Column(np.array(streams, np.int32), INT4),
                Column(np.array(times, np.int64) * 1000, TIMESTAMPTZ),
                Column(np.array(values), FLOAT8),
            )
            link.execute(_INSERT, columns)
            link.commit()
            for message in taken:
                client.ack(message.mid, 1)
            done += len(taken)
            taken = []
            if done < messages:
                taken.append(arrived.get(timeout=30))
        return time.perf_counter() - began
