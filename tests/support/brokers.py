"""The brokers that tests run on: the embedded NATS, and Debian's Mosquitto as a plain process."""

import shutil
import signal
from collections.abc import Sequence
from pathlib import Path

from runtime.embedded import EmbeddedBroker
from tests.support.optional import missing
from tests.support.waiting import wait_until


class Mosquitto(EmbeddedBroker):
    """Mosquitto 2, persistent, without a limit on what it queues; saves each second, and at once on `save`."""

    name = "mosquitto"

    @property
    def _configuration(self) -> Path:
        return self.folder / "mosquitto.conf"

    @property
    def _store(self) -> Path:
        return self.folder / "mosquitto.db"

    def _take_over(self) -> None:
        """Nothing: tests never leave one running."""

    def _prepare(self) -> None:
        self._configuration.write_text(
            f"""\
listener {self.port} 127.0.0.1
allow_anonymous true
user root
persistence true
persistence_location {self.folder}/
autosave_interval 1
max_queued_messages 0
max_inflight_messages 10000
set_tcp_nodelay true
log_dest stdout
connection_messages false
""",
            encoding="utf-8",
        )

    def _command(self) -> Sequence[str]:
        return [executable(), "-c", str(self._configuration)]

    def save(self) -> None:
        """Writes everything to disk now."""
        before = self._written()
        if self._process is None:
            raise AssertionError("mosquitto does not run")
        self._process.send_signal(signal.SIGUSR1)
        wait_until(lambda: self._written() > before, what="mosquitto saves")

    def _written(self) -> int:
        return self._store.stat().st_mtime_ns if self._store.exists() else 0


def executable() -> str:
    """Where mosquitto is; fails or skips when it is not installed."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        missing("mosquitto", "apt-get install mosquitto")
    return str(found)


def open_broker(kind: str, folder: Path) -> EmbeddedBroker:
    """A broker of a kind, `nats` or `mosquitto`, not started yet."""
    return Mosquitto(folder) if kind == "mosquitto" else EmbeddedBroker(folder, ack_wait_s=3)
