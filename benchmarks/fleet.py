"""A steady load from many connections in one thread: an open loop that owns its lateness."""

import selectors
import time
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from domain.times import now_micros
from domain.topics import telemetry
from runtime.broker_address import parse

#: Pressures that fall each second; each comes back with the first message two seconds later.
_FALLS_PER_S = 20
_LOW_S = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """What to publish."""

    mqtt_url: str
    area: str
    devices: int
    connections: int
    rate: int
    duration_s: int


def publish(load: Load, answers: Any) -> None:  # noqa: ANN401 - a multiprocessing queue
    """Runs the load and puts the pacing error of every message, in microseconds, into `answers`."""
    chooser = selectors.DefaultSelector()
    acknowledged = [0]
    clients = [_connect(load, number, chooser, acknowledged) for number in range(load.connections)]
    topics = [telemetry(load.area, "water", f"{load.area}-{n}") for n in range(load.devices)]
    errors: list[int] = []
    began = time.perf_counter() + 0.2
    # One more than a divisor, so that the falls go round all devices.
    every = max(1, load.rate // _FALLS_PER_S) + 1
    low_until: dict[int, float] = {}
    total = load.rate * load.duration_s
    for number in range(total):
        due = began + number / load.rate
        while (wait_s := due - time.perf_counter()) > 0:
            _serve(chooser, wait_s)
        errors.append(round((time.perf_counter() - due) * 1e6))
        device = number % load.devices
        if number % every == 0:
            low_until[device] = due + _LOW_S
        value = 0.05 if low_until.get(device, 0.0) > due else 0.3
        body = b'{"time":%d,"values":{"water.pressure":%g}}' % (now_micros() // 1000, value)
        client = clients[device % load.connections]
        client.publish(topics[device], body, qos=1)
        client.loop_write()
    deadline = time.monotonic() + 10
    while acknowledged[0] < total and time.monotonic() < deadline:
        _serve(chooser, 0.05)
    answers.put(errors)
    for client in clients:
        client.disconnect()
        client.loop_write()


def _connect(load: Load, number: int, chooser: selectors.BaseSelector, acknowledged: list[int]) -> mqtt.Client:
    address = parse(load.mqtt_url)
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2, client_id=f"bench-fleet-{number}", protocol=MQTTProtocolVersion.MQTTv311
    )
    if address.username:
        client.username_pw_set(address.username, address.password)

    def count(*_: object) -> None:
        acknowledged[0] += 1

    client.on_publish = count
    client.max_inflight_messages_set(1000)
    # Without this hook paho would write inside `publish` and read nothing in between.
    client.on_socket_register_write = lambda *_: None
    client.connect(address.host, address.port, keepalive=120)
    deadline = time.monotonic() + 10
    while not client.is_connected():
        if client.loop(0.05) != MQTTErrorCode.MQTT_ERR_SUCCESS or time.monotonic() > deadline:
            raise ConnectionError(f"connection {number} was not accepted")
    chooser.register(client.socket(), selectors.EVENT_READ, client)  # type: ignore[arg-type]
    return client


def _serve(chooser: selectors.BaseSelector, wait_s: float) -> None:
    for key, _ in chooser.select(wait_s):
        key.data.loop_read()
        if key.data.want_write():
            key.data.loop_write()
