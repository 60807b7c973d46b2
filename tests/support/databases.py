"""The databases that tests run on: PostgreSQL from the wheel, TimescaleDB in WebAssembly, and any server you name.

Each gives every test a database of its own, freshly migrated.
"""

import json
import select
import shutil
import subprocess
from itertools import count
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

import psutil

from runtime.embedded import EmbeddedDatabase
from storage import migrate
from storage.database import connect
from tests.support.optional import missing

TIMESCALE = Path(__file__).parent / "timescale"
_DAY = 86_400
OPTIONS = migrate.TimeSeriesOptions(lateness_s=7 * _DAY, retention_s=400 * _DAY)


class DatabaseServer(Protocol):
    """Where a test's database comes from."""

    def fresh(self, *, migrated: bool = True) -> str:
        """The URL of a database that holds nothing but, unless told otherwise, the migrated schema."""

    def release(self, url: str) -> None:
        """The test is over."""

    def stop(self) -> None:
        """All tests are over."""


def migrate_now(url: str) -> None:
    """Brings a database to the schema of this program."""
    with connect(url, application="tests") as connection:
        migrate.migrate(connection, OPTIONS)


class GivenServer:
    """Any PostgreSQL or TimescaleDB server, by the URL of a user who may create databases."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._numbers = count(1)
        self._template: str | None = None

    def fresh(self, *, migrated: bool = True) -> str:
        if migrated and self._template is None:
            self._template = self._create("template0")
            migrate_now(self._named(self._template))
        return self._named(self._create(self._template or "template0" if migrated else "template0"))

    def _create(self, template: str) -> str:
        name = f"lifeline_test_{psutil.Process().pid}_{next(self._numbers)}"
        with connect(self._url, application="tests") as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def _named(self, name: str) -> str:
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{name}"))

    def release(self, url: str) -> None:
        self._drop(urlsplit(url).path.removeprefix("/"))

    def _drop(self, name: str) -> None:
        with connect(self._url, application="tests") as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def stop(self) -> None:
        if self._template is not None:
            self._drop(self._template)


class PlainServer(GivenServer):
    """PostgreSQL from the wheel, started for this run of tests."""

    def __init__(self, folder: Path) -> None:
        self._server = EmbeddedDatabase(folder)
        self._server.start()
        super().__init__(self._server.url)

    def stop(self) -> None:
        self._server.stop()


class TimescaleServer:
    """Real TimescaleDB behind timescale/server.mjs: one backend, one database, emptied for each test."""

    #: WebAssembly never gives memory back, so a grown server is replaced.
    _RESIDENT_LIMIT_BYTES = 1_200_000_000
    _START_S = 60

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._url = ""

    def _start(self) -> None:
        node = shutil.which("node")
        if node is None:
            missing("timescaledb", "install Node 20 or newer")
        if not (TIMESCALE / "node_modules").is_dir():
            missing("timescaledb", f"run `npm ci` in {TIMESCALE.relative_to(TIMESCALE.parents[2])}")
        self._process = subprocess.Popen(
            [str(node), str(TIMESCALE / "server.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        stdout = self._process.stdout
        ready, _, _ = select.select([stdout] if stdout else [], [], [], self._START_S)
        line = stdout.readline() if ready and stdout else b""
        if not line:
            self.stop()
            raise AssertionError("the TimescaleDB server did not start; its message stands above")
        self._url = f"postgresql://postgres@127.0.0.1:{json.loads(line)['port']}/postgres"

    def _grown(self) -> bool:
        return self._process is not None and (
            self._process.poll() is not None
            or psutil.Process(self._process.pid).memory_info().rss > self._RESIDENT_LIMIT_BYTES
        )

    def fresh(self, *, migrated: bool = True) -> str:
        if self._grown():
            self.stop()
        if self._process is None:
            self._start()
        with connect(self._url, application="tests") as connection:
            connection.execute("DISCARD ALL")
            connection.execute("SET timezone = 'UTC'; SET search_path = public")
            connection.execute((TIMESCALE / "empty.sql").read_text(encoding="utf-8"))
            if migrated:
                migrate.migrate(connection, OPTIONS)
        return self._url

    def release(self, url: str) -> None:
        """Nothing: the next test empties the database."""

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin and process.stdout:
            process.stdin.close()
            process.stdout.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
