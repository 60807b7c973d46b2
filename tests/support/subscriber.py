"""A plain MQTT subscriber with a persistent session, to see what a broker really passes on."""

import threading
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from runtime import broker_address
from tests.support.waiting import wait_until


class Subscriber:
    """Collects every message of a topic filter, in order of arrival; comes back by itself when the broker does."""

    def __init__(self, url: str, topic: str) -> None:
        self.received: list[bytes] = []
        #: The topic of each, at the same position.
        self.topics: list[str] = []
        self._topic = topic
        self._subscribed = threading.Event()
        address = broker_address.parse(url)
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id="test-subscriber", clean_session=False, protocol=mqtt.MQTTv311
        )
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.connect(address.host, address.port)

    def __enter__(self) -> Self:
        self._client.loop_start()
        wait_until(self._subscribed.is_set, what="the subscription is granted")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: mqtt.Client, *_: Any) -> None:  # noqa: ANN401
        client.subscribe(self._topic, qos=1)

    def _on_subscribe(self, *_: Any) -> None:  # noqa: ANN401
        self._subscribed.set()

    def _on_message(self, _client: mqtt.Client, _userdata: Any, message: mqtt.MQTTMessage) -> None:  # noqa: ANN401
        self.topics.append(message.topic)
        self.received.append(bytes(message.payload))
