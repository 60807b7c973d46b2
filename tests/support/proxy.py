"""A TCP proxy that misbehaves on request: the way between a client and its server as a fault to inject."""

import contextlib
import socket
import threading
import time
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

_CHUNK = 65_536


class Proxy:
    """Listens on a free port of 127.0.0.1, the same one for its whole life, and passes everything to the target.

    Attributes:
        delay_s: Each chunk, in both directions, is passed on this many seconds late.
        accepted: Connections accepted so far.
        swallowed: Replies to COMMIT that never reached the client.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.hostname is None or parts.port is None:
            raise ValueError(f"{url} names no host and port")
        self._target = (parts.hostname, parts.port)
        self._parts = parts
        self.delay_s = 0.0
        self.accepted = 0
        self.swallowed = 0
        self._flowing = threading.Event()
        self._flowing.set()
        self._swallow = 0
        self._budget: int | None = None
        self._guard = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self._port = 0

    @property
    def port(self) -> int:
        return self._port

    @property
    def url(self) -> str:
        """The target's URL with this proxy in place of its host and port."""
        credentials, at, _ = self._parts.netloc.rpartition("@")
        return urlunsplit(self._parts._replace(netloc=f"{credentials}{at}127.0.0.1:{self._port}"))

    def start(self) -> None:
        """Opens the way."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        listener.listen(256)
        self._port = int(listener.getsockname()[1])
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), name="proxy", daemon=True).start()

    def stop(self) -> None:
        """Cuts every connection and refuses new ones until `start`."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.cut()

    def cut(self) -> None:
        """Resets every connection that is open now; new ones are accepted."""
        with self._guard:
            connections = list(self._connections)
            self._connections.clear()
        for connection in connections:
            _reset(connection)

    def freeze(self) -> None:
        """Connections stay open and nothing passes: a half-open way, as behind a dead router."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Lets pass what was held."""
        self._flowing.set()

    def cut_after(self, size: int) -> None:
        """Cuts every connection once `size` more bytes have passed, both directions together."""
        with self._guard:
            self._budget = size

    def swallow_commit_replies(self, times: int = 1) -> None:
        """The next `times` COMMITs reach the server and are carried out; the reply is lost with the connection."""
        with self._guard:
            self._swallow = times

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.accepted += 1
            try:
                server = socket.create_connection(self._target, timeout=5)
            except OSError:
                _reset(client)
                continue
            server.settimeout(None)
            # Before anybody can cut them.
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._guard:
                self._connections |= {client, server}
            committed = threading.Event()
            for source, sink, upward in ((client, server, True), (server, client, False)):
                threading.Thread(
                    target=self._pass, args=(source, sink, upward, committed), name="proxy way", daemon=True
                ).start()

    def _pass(self, source: socket.socket, sink: socket.socket, upward: bool, committed: threading.Event) -> None:  # noqa: FBT001
        try:
            while data := source.recv(_CHUNK):
                self._flowing.wait()
                if self.delay_s:
                    time.sleep(self.delay_s)
                if upward and self._is_fatal_commit(data):
                    committed.set()
                if not upward and committed.is_set():
                    self.swallowed += 1
                    break
                sink.sendall(data)
                if self._spent(len(data)):
                    break
        except OSError:
            pass
        finally:
            for connection in (source, sink):
                with self._guard:
                    self._connections.discard(connection)
                _reset(connection)

    def _is_fatal_commit(self, data: bytes) -> bool:
        if b"COMMIT" not in data:
            return False
        with self._guard:
            if self._swallow == 0:
                return False
            self._swallow -= 1
            return True

    def _spent(self, size: int) -> bool:
        with self._guard:
            if self._budget is None:
                return False
            self._budget -= size
            if self._budget > 0:
                return False
            self._budget = None
        self.cut()
        return True

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.thaw()
        self.stop()


def _reset(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        connection.close()
