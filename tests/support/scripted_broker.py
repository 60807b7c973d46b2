"""A broker that does exactly what a test says: which session it remembers, what it sends under which identifier."""

import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

CONNECT, PUBACK, SUBSCRIBE, PINGREQ = 0x10, 0x40, 0x80, 0xC0


class Session:
    """One connection of one client."""

    def __init__(self, connection: socket.socket, version: int) -> None:
        self._connection = connection
        self.version = version
        self.subscribed = threading.Event()
        #: Identifiers acknowledged on this connection, in order.
        self.acknowledged: list[int] = []
        self.left = threading.Event()

    def send(self, packet: bytes) -> None:
        self._connection.sendall(packet)

    def publish(self, mid: int, topic: str, payload: bytes) -> None:
        """Sends a message at QoS 1."""
        name = topic.encode()
        body = len(name).to_bytes(2, "big") + name + mid.to_bytes(2, "big")
        body += (b"\x00" if self.version == 5 else b"") + payload
        assert len(body) < 16_384
        length = bytes([len(body)]) if len(body) < 128 else bytes([len(body) % 128 | 128, len(body) // 128])
        self.send(b"\x32" + length + body)

    def cut(self) -> None:
        """Ends the connection."""
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


class ScriptedBroker:
    """Listens on a free port of 127.0.0.1; a context manager.

    Attributes:
        remembers: Whether it tells the next client that its session is there.
        versions: MQTT versions (4 is 3.1.1) that it speaks; others are refused as the standard has it.
        sessions: Accepted connections, in order.
    """

    def __init__(self, *, remembers: bool = False, versions: tuple[int, ...] = (4, 5)) -> None:
        self.remembers = remembers
        self.versions = versions
        self.subscribable = True
        self.sessions: list[Session] = []
        self.refused: list[int] = []
        self._listener = socket.create_server(("127.0.0.1", 0))

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self._listener.getsockname()[1]}"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), name="scripted session", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        session: Session | None = None
        with connection:
            try:
                for kind, body in Packets(connection.recv):
                    if kind == CONNECT:
                        session = self._connected(connection, version=body[6])
                        if session is None:
                            return
                    elif session is not None:
                        self._answer(session, kind, body)
            except OSError:
                pass
            finally:
                if session is not None:
                    session.left.set()

    def _connected(self, connection: socket.socket, version: int) -> Session | None:
        if version not in self.versions:
            self.refused.append(version)
            connection.sendall(b"\x20\x02\x00\x01")
            return None
        session = Session(connection, version)
        self.sessions.append(session)
        properties = b"\x00" if version == 5 else b""
        session.send(bytes([0x20, 2 + len(properties), int(self.remembers), 0]) + properties)
        return session

    def _answer(self, session: Session, kind: int, body: bytes) -> None:
        if kind == SUBSCRIBE:
            properties = b"\x00" if session.version == 5 else b""
            code = b"\x01" if self.subscribable else b"\x80"
            session.send(bytes([0x90, 3 + len(properties)]) + body[:2] + properties + code)
            session.subscribed.set()
        elif kind == PUBACK:
            session.acknowledged.append(body[0] << 8 | body[1])
        elif kind == PINGREQ:
            session.send(b"\xd0\x00")

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="scripted broker", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for session in self.sessions:
            session.cut()


class Packets:
    """The control packets of a stream: kind (upper four bits of the first byte) and body."""

    def __init__(self, recv: Callable[[int], bytes]) -> None:
        self._recv = recv
        self._data = b""

    def __iter__(self) -> "Packets":
        return self

    def __next__(self) -> tuple[int, bytes]:
        kind = self._exactly(1)[0] & 0xF0
        length, shift = 0, 0
        while True:
            digit = self._exactly(1)[0]
            length |= (digit & 0x7F) << shift
            shift += 7
            if digit < 0x80:
                return kind, self._exactly(length)

    def _exactly(self, size: int) -> bytes:
        while len(self._data) < size:
            more = self._recv(65_536)
            if not more:
                raise StopIteration
            self._data += more
        taken, self._data = self._data[:size], self._data[size:]
        return taken
