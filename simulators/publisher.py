"""Publishes over MQTT at QoS 1 and never forgets what the broker has not acknowledged.

`publish` puts a message into a bounded queue; one thread owns the network. It keeps at most `window` messages
unacknowledged, comes back after any outage with jittered waits, sends again what was not acknowledged (so a message may
arrive twice, never not at all), and writes every acknowledgement into the ledger.
"""

import contextlib
import math
import random
import select
import socket
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import structlog
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from domain.errors import UnavailableError
from runtime import broker_address
from runtime.backoff import Backoff
from simulators.ledger import Entry, Ledger

log = structlog.get_logger(__name__)

Version = Literal["auto", "5", "3.1.1"]
#: PUBACK reason "no matching subscribers" of MQTT 5.
_NO_SUBSCRIBERS = 0x10
_IDLE_S = 1.0


class Publisher:
    """One MQTT identity that publishes; a context manager that starts and closes it. Call `drain` before leaving.

    Args:
        url: mqtt://user:password@host:port, or mqtts:// for TLS.
        client_id: MQTT client identifier, unique at the broker.
        ledger: Where acknowledgements are written; a new counting one by default. May be shared.
        window: Most messages sent and not acknowledged; a smaller Receive Maximum of the broker wins.
        version: `auto` tries MQTT 5 and falls back to 3.1.1.
        ca_file: Certificate authority that signed the broker's certificate; default the system's.
        keepalive_s: Longest silence before the broker counts as gone.
        rng: Source of the jitter; seeded in tests.
    """

    def __init__(
        self,
        url: str,
        client_id: str,
        *,
        ledger: Ledger | None = None,
        window: int = 2000,
        version: Version = "auto",
        ca_file: Path | None = None,
        keepalive_s: int = 15,
        rng: random.Random | None = None,
    ) -> None:
        if not 1 <= window <= 60_000:
            raise ValueError(f"window={window} is not within 1 and 60000")
        self._address = broker_address.parse(url)
        self._client_id = client_id
        self.ledger = ledger or Ledger()
        self._window = window
        self._allowed = window
        self._capacity = 2 * window
        self._negotiating = version == "auto"
        self._protocol = mqtt.MQTTv311 if version == "3.1.1" else mqtt.MQTTv5
        self._ca_file = ca_file
        self._keepalive_s = keepalive_s
        self._backoff = Backoff(0.1, 5.0, rng)
        self._changed = threading.Condition()
        # Guarded by _changed: what waits to be sent, and how many messages are not yet answered.
        self._queue: deque[tuple[str, bytes, int | Sequence[Entry]]] = deque()
        self._pending = 0
        self._asleep = False
        self._failure: BaseException | None = None
        self._last_refusal = "no broker answered"
        self._connected = False
        # Owned by the network thread.
        self._unanswered: dict[int, int | Sequence[Entry]] = {}
        self._answered = 0
        self.connections = 0
        self._stop = threading.Event()
        self._wakee, self._waker = socket.socketpair()
        self._wakee.setblocking(False)
        self._waker.setblocking(False)
        self._thread = threading.Thread(target=self._run, name=f"publisher {client_id}", daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted this connection."""
        return self._connected

    @property
    def protocol(self) -> str:
        """The MQTT version in use: 5 or 3.1.1."""
        return "5" if self._protocol == mqtt.MQTTv5 else "3.1.1"

    @property
    def window(self) -> int:
        """Most messages that are sent and not acknowledged, as agreed with the broker."""
        return self._allowed

    @property
    def pending(self) -> int:
        """Messages handed over and not yet answered by the broker."""
        return self._pending

    def start(self) -> None:
        """Starts connecting in the background; messages may be published at once."""
        self._thread.start()

    def wait_connected(self, timeout_s: float) -> None:
        """Returns when the broker has accepted us; raises UnavailableError with its last answer otherwise."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._connected or self._failure is not None, timeout_s):
                raise UnavailableError(
                    f"broker {self._address.host}:{self._address.port} did not accept {self._client_id}"
                    f" within {timeout_s:g} s: {self._last_refusal}"
                )
            self._check()

    def publish(
        self, topic: str, payload: bytes, entries: int | Sequence[Entry] = 1, *, timeout_s: float | None = None
    ) -> None:
        """Hands one message over; waits while the queue is full, UnavailableError when that lasts `timeout_s`.

        Args:
            topic: Where to.
            payload: What.
            entries: The entries in the payload, or only how many they are: what the ledger gets once acknowledged.
            timeout_s: Longest wait for room; None waits for ever.
        """
        with self._changed:
            # After a full queue wait for half of it: waking at each acknowledgement costs more than it brings.
            if self._pending >= self._capacity and not self._changed.wait_for(
                lambda: self._pending <= self._capacity // 2 or self._failure is not None, timeout_s
            ):
                raise UnavailableError(f"the broker took no message for {timeout_s:g} s: {self._last_refusal}")
            self._check()
            self._queue.append((topic, payload, entries))
            self._pending += 1
            if self._asleep:
                self._asleep = False
                self._wake()

    def drain(self, timeout_s: float) -> bool:
        """Waits until every message is answered; False if some still are not after `timeout_s`."""
        with self._changed:
            done = self._changed.wait_for(lambda: self._pending == 0 or self._failure is not None, timeout_s)
            self._check()
            return done

    def close(self) -> None:
        """Disconnects; what is not acknowledged by now stays out of the ledger."""
        self._stop.set()
        self._wake()
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        self._wakee.close()
        self._waker.close()

    def _check(self) -> None:
        if self._failure is not None:
            raise UnavailableError(f"the publisher's thread ended: {self._failure!r}") from self._failure
        if self._stop.is_set():
            raise UnavailableError("the publisher is closed")

    def _wake(self) -> None:
        # A full pipe means that it is awake already; a closed one that nobody is left to wake.
        with contextlib.suppress(OSError):
            self._waker.send(b"x")

    # From here on: the network thread.

    def _run(self) -> None:
        try:
            client = self._client()
            while not self._stop.is_set():
                try:
                    client.reconnect()
                except OSError as exc:
                    self._last_refusal = str(exc) or type(exc).__name__
                else:
                    self._serve(client)
                    if self._negotiating and not self._stop.is_set():
                        # The broker ended the connection instead of accepting it: perhaps it speaks only the other.
                        self._protocol = mqtt.MQTTv311 if self._protocol == mqtt.MQTTv5 else mqtt.MQTTv5
                        client = self._client()
                        if self._protocol == mqtt.MQTTv311:
                            continue
                self._stop.wait(self._backoff.next_s())
        except BaseException as exc:
            # Whoever publishes must hear that nobody sends any more.
            log.exception("publisher_failed", client_id=self._client_id)
            with self._changed:
                self._failure = exc
                self._connected = False
                self._changed.notify_all()

    def _client(self) -> mqtt.Client:
        address = self._address
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            protocol=self._protocol,
            reconnect_on_failure=False,
        )
        if address.username is not None:
            client.username_pw_set(address.username, address.password)
        if address.tls:
            client.tls_set(ca_certs=str(self._ca_file) if self._ca_file else None)
        # The window is kept here; paho must not queue behind our back.
        client.max_inflight_messages_set(0)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        # With a loop of our own registered, paho queues packets for one write instead of writing each at once.
        client.on_socket_register_write = _leave_writing_to_the_loop
        client.connect_async(address.host, address.port, self._keepalive_s)
        return client

    def _serve(self, client: mqtt.Client) -> None:
        while client.socket() is not None:
            if self._stop.is_set():
                client.disconnect()
                client.loop_write()
                return
            self._hand_over(client)
            client.loop_write()
            self._wait(client)
            client.loop_misc()
            self._settle()

    def _hand_over(self, client: mqtt.Client) -> None:
        if not self._connected:
            return
        room = self._allowed - len(self._unanswered)
        with self._changed:
            batch = [self._queue.popleft() for _ in range(min(room, len(self._queue)))]
        for topic, payload, entries in batch:
            info = client.publish(topic, payload, qos=1)
            while info.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
                # The identifier is still held by an older message without an answer: take the next one.
                info = client.publish(topic, payload, qos=1)
            self._unanswered[info.mid] = entries

    def _wait(self, client: mqtt.Client) -> None:
        connection: Any = client.socket()
        if connection is None:
            return
        with self._changed:
            sendable = self._connected and bool(self._queue) and len(self._unanswered) < self._allowed
            self._asleep = not sendable
        # Bytes that TLS has already decrypted do not wake poll().
        buffered = hasattr(connection, "pending") and connection.pending() > 0
        poll = select.poll()
        poll.register(connection, select.POLLIN | (select.POLLOUT if client.want_write() else 0))
        poll.register(self._wakee, select.POLLIN)
        ready = dict(poll.poll(0 if sendable or buffered else math.ceil(_IDLE_S * 1000)))
        self._asleep = False
        if self._wakee.fileno() in ready:
            with contextlib.suppress(BlockingIOError):
                self._wakee.recv(4096)
        if connection.fileno() in ready or buffered:
            client.loop_read()

    def _settle(self) -> None:
        if self._answered:
            with self._changed:
                self._pending -= self._answered
                self._changed.notify_all()
            self._answered = 0

    def _on_connect(
        self,
        client: mqtt.Client,  # noqa: ARG002
        userdata: Any,  # noqa: ANN401, ARG002
        flags: mqtt.ConnectFlags,  # noqa: ARG002
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._last_refusal = str(reason)
            say = log.debug if self._negotiating else log.warning
            say("broker_refused", client_id=self._client_id, reason=str(reason), protocol=self.protocol)
            return
        self._negotiating = False
        self._allowed = min(self._window, getattr(properties, "ReceiveMaximum", self._window))
        self._backoff.reset()
        self.connections += 1
        with self._changed:
            self._connected = True
            self._changed.notify_all()
        log.debug("publisher_connected", client_id=self._client_id, protocol=self.protocol, window=self._allowed)

    def _on_disconnect(
        self,
        client: mqtt.Client,  # noqa: ARG002
        userdata: Any,  # noqa: ANN401, ARG002
        flags: mqtt.DisconnectFlags,  # noqa: ARG002
        reason: ReasonCode,
        properties: Properties | None,  # noqa: ARG002
    ) -> None:
        was_connected, self._connected = self._connected, False
        if was_connected and not self._stop.is_set():
            self._last_refusal = f"connection lost: {reason}"
            log.warning(
                "publisher_disconnected",
                client_id=self._client_id,
                reason=str(reason),
                unacknowledged=len(self._unanswered),
            )

    def _on_publish(
        self,
        client: mqtt.Client,  # noqa: ARG002
        userdata: Any,  # noqa: ANN401, ARG002
        mid: int,
        reason: ReasonCode,
        properties: Properties | None,  # noqa: ARG002
    ) -> None:
        entries = self._unanswered.pop(mid)
        self._answered += 1
        if reason.value >= 0x80:
            log.warning("message_refused", client_id=self._client_id, reason=str(reason))
            self.ledger.refuse()
        else:
            self.ledger.acknowledged(entries, unmatched=reason.value == _NO_SUBSCRIBERS)


def _leave_writing_to_the_loop(client: mqtt.Client, userdata: Any, sock: Any) -> None:  # noqa: ANN401
    """Called by paho when it has something to write: `_serve` writes before each wait."""
