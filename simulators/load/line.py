"""One MQTT connection of a fleet: never blocks, keeps a bounded window, comes back by itself and forgets no message."""

import contextlib
import errno
import os
import selectors
import socket
import ssl
from collections import deque
from pathlib import Path
from typing import Any

from domain.errors import UnavailableError
from runtime.backoff import Backoff
from runtime.broker_address import BrokerAddress
from simulators.load import packets
from simulators.load.tally import Message, Tally

#: Bytes handed to a socket at once; what is on its way is late only when the socket is full.
_WRITE_BYTES = 65_536
_READ_BYTES = 65_536
#: Longest wait for a connection to stand.
_CONNECT_S = 10.0
#: Family and socket address.
Target = tuple[int, Any]
DOWN, CONNECTING, SHAKING, GREETING, READY = range(5)


class Line:
    """A connection and the messages that belong to it.

    Args:
        address: Of the broker.
        target: The same, looked up: of `resolve`.
        client_id: Unique at the broker.
        selector: Tells its owner when the socket can be read or written; `data` is this line.
        tally: What is told of every message.
        window: Most messages without an answer; a smaller one of the broker wins.
        qos: 0 or 1.
        version: Of MQTT.
        keepalive_s: Longest silence.
        tls: For mqtts.
    """

    def __init__(
        self,
        address: BrokerAddress,
        target: Target,
        client_id: str,
        selector: selectors.BaseSelector,
        tally: Tally,
        *,
        window: int,
        qos: int,
        version: int,
        keepalive_s: int,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._address = address
        self._target = target
        self._client_id = client_id
        self._selector = selector
        self._tally = tally
        self._window = window
        self._allowed = window
        self._qos = qos
        self.version = version
        self._keepalive_s = keepalive_s
        self._tls = tls
        self._backoff = Backoff(0.1, 5.0)
        self.state = DOWN
        #: What the broker or the network said when it last failed.
        self.problem: str | None = None
        #: Reason of the last CONNACK that refused, None if none did.
        self.refusal: int | None = None
        self.waiting: deque[Message] = deque()
        self._flight: dict[int, Message] = {}
        self._mid = 0
        self._socket: socket.socket | None = None
        self._out = b""
        #: Messages that are not written whole, each with the byte of this connection after its last.
        self._writing: deque[tuple[int, Message]] = deque()
        self._handed = self._written = 0
        self._in = bytearray()
        self._interest = 0
        self._next_s = 0.0
        self._heard_s = self._pinged_s = self._opened_s = 0.0

    @property
    def idle(self) -> bool:
        """Whether nothing waits, is being written, or lacks an answer."""
        return not (self.waiting or self._writing or self._flight)

    @property
    def sendable(self) -> bool:
        """Whether `write` could do something now."""
        return self.state == READY and not self._out and bool(self.waiting) and len(self._flight) < self._allowed

    def write(self, now_s: float) -> None:
        """Writes as many waiting messages as window and socket take."""
        while self.sendable:
            room = self._allowed - len(self._flight)
            pieces, size = [], 0
            while self.waiting and len(self._writing) < room and size < _WRITE_BYTES:
                message = self.waiting.popleft()
                mid = self._next_mid() if self._qos else 0
                packet = packets.publish(
                    message.topic, message.payload, mid, version=self.version, again=message.sent_s > 0
                )
                if mid:
                    self._flight[mid] = message
                pieces.append(packet)
                size += len(packet)
                self._writing.append((self._handed + size, message))
            self._put(b"".join(pieces), now_s)

    def tend(self, now_s: float) -> None:
        """Connects when it is time to, keeps the connection alive, gives up on a silent broker."""
        if self.state == DOWN:
            if now_s >= self._next_s:
                self._open(now_s)
        elif self.state != READY:
            if now_s - self._opened_s > _CONNECT_S:
                self._fail(now_s, f"not connected within {_CONNECT_S:g} s")
        elif now_s - self._heard_s > 1.5 * self._keepalive_s:
            self._fail(now_s, f"the broker was silent for {1.5 * self._keepalive_s:g} s")
        elif not self._out and now_s - max(self._pinged_s, self._heard_s) > self._keepalive_s / 2:
            self._pinged_s = now_s
            self._put(packets.PINGREQ, now_s)

    def ready(self, events: int, now_s: float) -> None:
        """The socket can be read or written."""
        try:
            if self.state == CONNECTING:
                self._connected(now_s)
            if self.state == SHAKING:
                self._shake(now_s)
            elif self.state in (GREETING, READY):
                if events & selectors.EVENT_WRITE:
                    self._flush(now_s)
                if events & selectors.EVENT_READ:
                    self._read(now_s)
        except (OSError, packets.ProtocolError) as exc:
            self._fail(now_s, str(exc) or type(exc).__name__)

    def close(self) -> None:
        """Ends the connection in order."""
        if self._socket is not None:
            if self.state == READY and not self._out:
                with contextlib.suppress(OSError):
                    self._socket.send(packets.GOODBYE)
            self._drop()
        self.state = DOWN

    def unsent(self) -> list[Message]:
        """Messages that were never written."""
        return [m for m in (*(m for _, m in self._writing), *self.waiting) if not m.sent_s]

    def _next_mid(self) -> int:
        while True:
            self._mid = self._mid % 65_535 + 1
            if self._mid not in self._flight:
                return self._mid

    def _open(self, now_s: float) -> None:
        self._opened_s = now_s
        family, where = self._target
        try:
            self._socket = socket.socket(family, socket.SOCK_STREAM)
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            code = self._socket.connect_ex(where)
        except OSError as exc:
            self._fail(now_s, str(exc))
            return
        if code not in (0, errno.EINPROGRESS):
            self._fail(now_s, os.strerror(code))
            return
        self.state = CONNECTING
        self._interest = 0
        self._want(selectors.EVENT_WRITE)

    def _connected(self, now_s: float) -> None:
        if self._socket is None:
            return
        error = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
        if self._tls is None:
            self._greet(now_s)
            return
        self._selector.unregister(self._socket)
        self._interest = 0
        self._socket = self._tls.wrap_socket(
            self._socket, server_hostname=self._address.host, do_handshake_on_connect=False
        )
        self.state = SHAKING

    def _shake(self, now_s: float) -> None:
        if not isinstance(self._socket, ssl.SSLSocket):
            return
        try:
            self._socket.do_handshake()
        except ssl.SSLWantReadError:
            self._want(selectors.EVENT_READ)
        except ssl.SSLWantWriteError:
            self._want(selectors.EVENT_WRITE)
        else:
            self._greet(now_s)

    def _greet(self, now_s: float) -> None:
        self.state = GREETING
        self._heard_s = now_s
        self._put(
            packets.connect(self._address, self._client_id, version=self.version, keepalive_s=self._keepalive_s), now_s
        )

    def _put(self, data: bytes, now_s: float) -> None:
        self._out = data
        self._handed += len(data)
        self._flush(now_s)

    def _flush(self, now_s: float) -> None:
        """Writes what is to be written; messages count as sent once their last byte was taken."""
        if self._socket is None:
            return
        if self._out:
            try:
                taken = self._socket.send(self._out)
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                taken = 0
            except OSError as exc:
                self._fail(now_s, str(exc))
                return
            self._written += taken
            self._out = self._out[taken:]
        self._want(selectors.EVENT_READ | (selectors.EVENT_WRITE if self._out else 0))
        while self._writing and self._writing[0][0] <= self._written:
            _, message = self._writing.popleft()
            self._tally.sent(message, now_s)
            if not self._qos:
                self._tally.taken(message)

    def _read(self, now_s: float) -> None:
        if self._socket is None:
            return
        while True:
            try:
                data = self._socket.recv(_READ_BYTES)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                break
            if not data:
                self._fail(now_s, "the broker closed the connection")
                return
            self._in += data
            # Bytes that TLS has decrypted already wake nobody.
            if len(data) < _READ_BYTES and self._tls is None:
                break
        self._heard_s = now_s
        for kind, body in list(packets.split(self._in)):
            if self.state == DOWN:
                return
            self._hear(kind, body, now_s)

    def _hear(self, kind: int, body: bytes, now_s: float) -> None:
        if kind == packets.PUBACK:
            mid, reason = packets.answer(body)
            message = self._flight.pop(mid, None)
            if message is not None:
                refused, unmatched = reason >= packets.REFUSED, reason == packets.NO_SUBSCRIBERS
                self._tally.answered(message, now_s, refused=refused, unmatched=unmatched)
        elif kind == packets.CONNACK:
            self._welcomed(packets.welcome(body, version=self.version), now_s)
        elif kind == packets.DISCONNECT:
            self._fail(now_s, "the broker ended the connection" + (f" (reason {body[0]:#x})" if body else ""))

    def _welcomed(self, welcome: packets.Welcome, now_s: float) -> None:
        if not welcome.accepted:
            self.refusal = welcome.reason
            self._fail(now_s, f"the broker refused the connection (reason {welcome.reason:#x})")
            return
        self.state = READY
        self.problem = None
        self._allowed = min(self._window, welcome.receive_maximum)
        self._backoff.reset()

    def _fail(self, now_s: float, problem: str) -> None:
        """The connection is over; what has no answer goes first when it is back."""
        if self.state == READY:
            self._tally.connections_lost += 1
        self.state = DOWN
        self.problem = problem
        self._drop()
        unanswered = {m.number: m for m in (*self._flight.values(), *(m for _, m in self._writing))}
        self.waiting.extendleft(unanswered[number] for number in sorted(unanswered, reverse=True))
        self._flight.clear()
        self._writing.clear()
        self._out = b""
        self._handed = self._written = 0
        self._in.clear()
        self._next_s = now_s + self._backoff.next_s()

    def _drop(self) -> None:
        if self._socket is not None:
            self._want(0)
            self._socket.close()
            self._socket = None

    def _want(self, interest: int) -> None:
        if self._socket is None or interest == self._interest:
            return
        if not self._interest:
            self._selector.register(self._socket, interest, self)
        elif interest:
            self._selector.modify(self._socket, interest, self)
        else:
            self._selector.unregister(self._socket)
        self._interest = interest


def tls_context(address: BrokerAddress, ca_file: Path | None) -> ssl.SSLContext | None:
    """For mqtts; None for mqtt."""
    return ssl.create_default_context(cafile=str(ca_file) if ca_file else None) if address.tls else None


def resolve(address: BrokerAddress) -> Target:
    """Looks up where a broker is, once for all lines.

    Raises:
        UnavailableError: The name is unknown.
    """
    try:
        family, _, _, _, where = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
    except OSError as exc:
        raise UnavailableError(f"no broker at {address.host}:{address.port}: {exc}") from exc
    return family, where
