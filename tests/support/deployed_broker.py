"""Mosquitto as docker-compose.yml mounts it, run as a plain process: only paths and the port are moved."""

import os
import shutil
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support import compose
from tests.support.brokers import executable
from tests.support.optional import missing
from tests.support.ports import free_port, listening
from tests.support.waiting import wait_until

#: A build of Mosquitto 2.1: a folder with src/mosquitto and plugins/. With it the tests run on 2.1 as well.
BUILD_2_1 = os.environ.get("LIFELINE_TEST_MOSQUITTO_2_1")
VERSIONS = ["2.0", *(["2.1"] if BUILD_2_1 else [])]
#: What stands in for conf.d/2.1.conf on 2.0: the same files by the options that 2.1 calls deprecated.
_FOR_2_0 = """\
persistence true
persistence_location {data}/
password_file {passwords}
acl_file {acl}
"""


class DeployedBroker:
    """The service mosquitto, with the secrets of a folder."""

    def __init__(self, version: str, secrets: Path, folder: Path) -> None:
        self.port = free_port()
        self.secrets = secrets
        self.data = folder / "data"
        self._folder = folder
        self._version = version
        self._process: subprocess.Popen[bytes] | None = None
        self._mounts = compose.load(LIFELINE_SECRETS="secrets").mounts("mosquitto", secrets)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(signal.SIGTERM)

    def moved(self, text: str) -> str:
        """A configuration or command with the container's paths and port replaced by those of this machine."""
        for inside, here in sorted(self._mounts.items(), key=lambda item: -len(item[0])):
            text = text.replace(inside, str(here))
        return text.replace("/mosquitto/data", str(self.data)).replace("8883", str(self.port))

    def start(self) -> None:
        """Starts it and waits until it listens."""
        self.data.mkdir(parents=True, exist_ok=True)
        included = self._folder / "conf.d"
        included.mkdir(exist_ok=True)
        own = "user root\n" if os.geteuid() == 0 else ""
        (included / "version.conf").write_text(own + self._version_specific(), encoding="utf-8")
        text = self._mounts["/mosquitto/config/mosquitto.conf"].read_text(encoding="utf-8")
        text = text.replace("include_dir /mosquitto/config/conf.d", f"include_dir {included}")
        text = text.replace("listener 8883", "listener 8883 127.0.0.1")
        main = self._folder / "mosquitto.conf"
        main.write_text(self.moved(text), encoding="utf-8")
        with (self._folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen([self._executable(), "-c", str(main)], stdout=log, stderr=log)
        wait_until(lambda: listening(self.port) or self._ended(), what="mosquitto listens")
        assert not self._ended(), self.log()

    def _executable(self) -> str:
        return executable() if self._version == "2.0" else f"{BUILD_2_1}/src/mosquitto"

    def _version_specific(self) -> str:
        acl, passwords = self._mounts["/mosquitto/config/acl"], self._mounts["/run/secrets/mqtt_passwords"]
        if self._version == "2.0":
            return _FOR_2_0.format(data=self.data, passwords=passwords, acl=acl)
        text = (self._mounts["/mosquitto/config/conf.d"] / "2.1.conf").read_text(encoding="utf-8")
        for plugin in ("persist-sqlite", "password-file", "acl-file"):
            library = f"mosquitto_{plugin.replace('-', '_')}.so"
            text = text.replace(f"/usr/lib/{library}", f"{BUILD_2_1}/plugins/{plugin}/{library}")
        return self.moved(text)

    def _ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def end(self, how: signal.Signals) -> None:
        """Ends it with a signal and waits."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(10)
            self._process = None

    def reload(self) -> None:
        """Lets it read its files again, as `docker compose kill -s HUP mosquitto` does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def log(self) -> str:
        """What it has said so far."""
        return (self._folder / "mosquitto.log").read_text(encoding="utf-8")

    def messages_on_disk(self) -> int:
        """How many queued messages the persistence plugin of 2.1 has committed."""
        with closing(sqlite3.connect(f"file:{self.data}/mosquitto.sqlite3?mode=ro", uri=True)) as store:
            return int(store.execute("SELECT count(*) FROM client_msgs").fetchone()[0])

    def health_check(self) -> subprocess.CompletedProcess[str]:
        """Runs the health check of the container."""
        if shutil.which("mosquitto_sub") is None:
            missing("mosquitto", "apt-get install mosquitto-clients")
        service = compose.load(LIFELINE_SECRETS="secrets").services["mosquitto"]
        kind, command = service["healthcheck"]["test"]
        assert kind == "CMD-SHELL"
        text = self.moved(command.replace("$$", "$"))
        return subprocess.run(["sh", "-c", text], capture_output=True, text=True, timeout=20, check=False)
