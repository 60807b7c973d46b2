"""One MQTT connection of a fleet: never blocks its loop, keeps a bounded window, comes back and forgets no message.

The protocol is paho's: CONNECT, packets, acknowledgements, sending again, keep-alive, TLS and both versions. The loop
of the fleet drives its socket, and gives it a message only when it can be written now, so that nothing waits unseen.
"""

import socket
import ssl
import time
from collections import deque
from concurrent.futures import Executor, Future
from itertools import chain
from selectors import EVENT_READ, EVENT_WRITE, BaseSelector
from typing import Any

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from runtime.backoff import Backoff
from runtime.broker_address import BrokerAddress
from simulators.load.tally import Message, Tally
from simulators.load.wire import Client

V311, V5 = MQTTProtocolVersion.MQTTv311, MQTTProtocolVersion.MQTTv5
DOWN, DIALLING, GREETING, READY = range(4)
#: Longest wait for TCP, for TLS, and for the broker's welcome.
_CONNECT_S = 10.0
#: Most messages written in one go: the other lines want their turn.
_TOGETHER = 32
#: Linux has it.
_CORK: int | None = getattr(socket, "TCP_CORK", None)
#: PUBACK (MQTT 5): the broker took a message that nobody subscribes to; refusals begin at the second.
_NO_SUBSCRIBERS, _REFUSED = 0x10, 0x80


class Line:
    """A connection and the messages that belong to it.

    Args:
        address: Of the broker.
        client_id: Unique at the broker.
        selector: Tells its owner when the socket can be read or written; `data` is this line.
        pool: Its threads open connections, which takes its time; all else happens in the owner's thread.
        tally: What is told of every message.
        window: Most messages without an answer; a smaller one of the broker wins.
        qos: 0 or 1.
        version: Of MQTT, V311 or V5.
        keepalive_s: Longest silence.
        tls: For mqtts.
    """

    def __init__(
        self,
        address: BrokerAddress,
        client_id: str,
        selector: BaseSelector,
        pool: Executor,
        tally: Tally,
        *,
        window: int,
        qos: int,
        version: MQTTProtocolVersion,
        keepalive_s: int,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._address = address
        self._selector = selector
        self._pool = pool
        self._tally = tally
        self._window = window
        self._allowed = window
        self._qos = qos
        self.version = version
        self._keepalive_s = keepalive_s
        self._backoff = Backoff(0.1, 5.0)
        self.state = DOWN
        #: Whether a connection to the broker has ever stood, welcome or not.
        self.reached = False
        #: What the broker or the network said when it last failed.
        self.problem: str | None = None
        self.waiting: deque[Message] = deque()
        #: What has no answer yet, by its identifier in MQTT.
        self._flight: dict[int, Message] = {}
        #: What paho may not have written whole, by number: one message, or all that it sends again.
        self._writing: dict[int, Message] = {}
        self._dialling: Future[MQTTErrorCode] | None = None
        self._ending: str | None = None
        self._interest = 0
        self._next_s = self._opened_s = 0.0
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, protocol=version, reconnect_on_failure=False
        )
        self._prepare(tls)

    @property
    def idle(self) -> bool:
        """Whether nothing waits, is being written, or lacks an answer."""
        return not (self.waiting or self._writing or self._flight)

    @property
    def sendable(self) -> bool:
        """Whether `write` could do something now."""
        return self.state == READY and not self._writing and bool(self.waiting) and len(self._flight) < self._allowed

    def write(self) -> None:
        """Writes waiting messages as window and socket take them, a limited number in one go."""
        if not self.sendable:
            return
        many = len(self.waiting) > 1
        if many:
            self._cork(shut=True)
        client = self._client
        for _ in range(_TOGETHER):
            message = self.waiting.popleft()
            info = client.publish(message.topic, message.payload, self._qos)
            while info.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
                # The identifier is still held by an older message without an answer: take the next one.
                info = client.publish(message.topic, message.payload, self._qos)
            if self._qos:
                self._flight[info.mid] = message
            if client.want_write() or client.socket() is None:
                self._writing[message.number] = message
                self._flush()
            else:
                self._written(message, time.monotonic())
            if not self.sendable:
                break
        if many:
            self._cork(shut=False)

    def tend(self, now_s: float) -> None:
        """Connects when it is time to, keeps the connection alive, gives up on a silent broker."""
        if self.state == DOWN:
            if now_s >= self._next_s:
                self.state = DIALLING
                self._ending = None
                self._client.unread = b""
                self._dialling = self._pool.submit(self._client.reconnect)
        elif self.state == DIALLING:
            if self._dialling is not None and self._dialling.done():
                self._dialled(self._dialling.exception(), now_s)
        elif self.state == GREETING and now_s - self._opened_s > _CONNECT_S:
            self._aim()
            self._fail(f"no welcome within {_CONNECT_S:g} s")
        else:
            self._client.loop_misc()
            self._flush()

    def ready(self, events: int) -> None:
        """The socket can be read or written."""
        if events & EVENT_READ:
            self._client.loop_read()
            # What is here already, read or decrypted, wakes nobody.
            while (wire := self._client.socket()) is not None and (
                self._client.unread or (isinstance(wire, ssl.SSLSocket) and wire.pending())
            ):
                self._client.loop_read()
        self._flush()

    def close(self) -> None:
        """Ends the connection in order."""
        if self._dialling is not None:
            # Its thread owns the client until it is through.
            self._dialling.add_done_callback(lambda _: self._aim())
            self._dialling.cancel()
        elif self._client.socket() is not None:
            self._client.disconnect()
            self._client.loop_write()
            self._aim()
        self.state = DOWN

    def unsent(self) -> list[Message]:
        """Messages that were never written."""
        given = {m.number: m for m in chain(self._flight.values(), self._writing.values(), self.waiting)}
        return [message for message in given.values() if not message.sent_s]

    def _prepare(self, tls: ssl.SSLContext | None) -> None:
        client = self._client
        if self._address.username is not None:
            client.username_pw_set(self._address.username, self._address.password)
        if tls is not None:
            client.tls_set_context(tls)
        client.connect_timeout = _CONNECT_S
        # The window is kept here; paho must not queue behind our back.
        client.max_inflight_messages_set(0)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_socket_close = self._on_socket_close
        self._aim()

    def _aim(self) -> None:
        """Where to connect to; what is connected ends at once."""
        self._client.connect_async(
            self._address.host,
            self._address.port,
            self._keepalive_s,
            clean_start=True if self.version == V5 else mqtt.MQTT_CLEAN_START_FIRST_ONLY,
        )

    def _dialled(self, error: BaseException | None, now_s: float) -> None:
        self._dialling = None
        wire: Any = self._client.socket()
        if wire is None or error is not None:
            if error is not None and not isinstance(error, OSError):
                raise error
            self._fail(self._ending or str(error) or type(error).__name__)
            return
        # Without it a message may wait for the acknowledgement of the one before.
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.state = GREETING
        self.reached = True
        self._opened_s = now_s
        self._flush()

    def _flush(self) -> None:
        """Lets paho write; messages count as sent once the socket has taken all that there was."""
        if self._client.want_write():
            self._client.loop_write()
        wire = self._client.socket()
        if wire is None:
            if self.state != DOWN:
                self._fail(self._ending or "the connection broke")
            return
        blocked = self._client.want_write()
        self._want(EVENT_READ | EVENT_WRITE if blocked else EVENT_READ)
        if self._writing and not blocked:
            now_s = time.monotonic()
            for message in self._writing.values():
                self._written(message, now_s)
            self._writing.clear()

    def _written(self, message: Message, now_s: float) -> None:
        self._tally.sent(message, now_s)
        if not self._qos:
            self._tally.taken(message)

    def _cork(self, *, shut: bool) -> None:
        """Holds packets back in the kernel, and lets them go together.

        paho writes each with a call of its own. Each would wake the broker, which on a busy machine then runs instead
        of us: without this, lateness at 5,000 messages/s was seconds there, with it tens of milliseconds.
        """
        wire: Any = self._client.socket()
        if _CORK is not None and wire is not None:
            wire.setsockopt(socket.IPPROTO_TCP, _CORK, int(shut))

    def _fail(self, problem: str) -> None:
        """The connection is over; what has no answer goes first when it is back."""
        if self.state == READY:
            self._tally.connections_lost += 1
        self.state = DOWN
        self.problem = problem
        if not self._qos:
            # Messages with an answer to come are kept by paho, others by nobody.
            self.waiting.extendleft(reversed(self._writing.values()))
        self._writing.clear()
        self._next_s = time.monotonic() + self._backoff.next_s()

    def _want(self, interest: int) -> None:
        wire: Any = self._client.socket()
        if interest == self._interest:
            return
        if self._interest:
            self._selector.modify(wire, interest, self)
        else:
            self._selector.register(wire, interest, self)
        self._interest = interest

    # From here on: what paho calls.

    def _on_connect(
        self,
        client: mqtt.Client,  # noqa: ARG002
        userdata: Any,  # noqa: ANN401, ARG002
        flags: mqtt.ConnectFlags,  # noqa: ARG002
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._ending = f"the broker refused the connection ({reason}, reason {reason.value:#x})"
            return
        self.state = READY
        self.problem = None
        self._allowed = min(self._window, getattr(properties, "ReceiveMaximum", self._window))
        self._backoff.reset()
        # After this call paho sends all of it again.
        self._writing = {message.number: message for message in self._flight.values()}

    def _on_disconnect(
        self,
        client: mqtt.Client,  # noqa: ARG002
        userdata: Any,  # noqa: ANN401, ARG002
        flags: mqtt.DisconnectFlags,
        reason: ReasonCode,
        properties: Properties | None,  # noqa: ARG002
    ) -> None:
        if self._ending is None:
            if self.state == GREETING:
                said = "the broker ended the connection instead of accepting it"
            elif flags.is_disconnect_packet_from_server:
                said = "the broker ended the connection"
            else:
                said = "the connection broke"
            self._ending = f"{said} ({reason})"

    def _on_publish(
        self,
        client: mqtt.Client,  # noqa: ARG002
        userdata: Any,  # noqa: ANN401, ARG002
        mid: int,
        reason: ReasonCode,
        properties: Properties | None,  # noqa: ARG002
    ) -> None:
        message = self._flight.pop(mid, None)
        if message is None:
            # At QoS 0 paho tells of what was written.
            return
        now_s = time.monotonic()
        if self._writing.pop(message.number, None) is not None:
            # An answer shows that it was written, although others are not yet.
            self._tally.sent(message, now_s)
        code = reason.value
        self._tally.answered(message, now_s, refused=code >= _REFUSED, unmatched=code == _NO_SUBSCRIBERS)

    def _on_socket_close(self, client: mqtt.Client, userdata: Any, wire: Any) -> None:  # noqa: ANN401, ARG002
        if self._interest:
            self._selector.unregister(wire)
            self._interest = 0
