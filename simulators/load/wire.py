"""What paho lacks for a load test: reads in large pieces, sockets closed when TLS fails, names looked up once.

`Client` leans on one underscored member of paho (`_sock_recv`); the integration tests of the fleet fail if it changes.
"""

import socket
import ssl
from pathlib import Path

from paho.mqtt import client as mqtt

from domain.errors import UnavailableError
from runtime.broker_address import BrokerAddress

#: Bytes: a thousand acknowledgements.
_CHUNK = 4096


class Client(mqtt.Client):
    """A client that asks the kernel once for what has arrived; paho alone asks three times for each packet."""

    unread = b""

    def _sock_recv(self, bufsize: int) -> bytes:
        if not self.unread:
            self.unread = super()._sock_recv(_CHUNK)
        taken, self.unread = self.unread[:bufsize], self.unread[bufsize:]
        return taken


class _Handshake(ssl.SSLSocket):
    """A socket that is closed when it comes to nothing; paho leaves it to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002
        """Agrees with the broker."""
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def tls_context(address: BrokerAddress, ca_file: Path | None) -> ssl.SSLContext | None:
    """For mqtts; None for mqtt."""
    if not address.tls:
        return None
    context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    context.sslsocket_class = _Handshake
    return context


def look_up(address: BrokerAddress) -> None:
    """Tells at once that a name is unknown, rather than after many attempts to connect.

    Raises:
        UnavailableError: It is.
    """
    try:
        socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except OSError as exc:
        raise UnavailableError(f"no broker at {address.host}:{address.port}: {exc}") from exc
