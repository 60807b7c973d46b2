"""Where a measurement runs: a broker and a database (embedded, or given ones) with a registry made for it.

On a given server the measurement makes a database of its own and drops it afterwards; nothing else there is touched.
"""

import contextlib
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow

from domain.catalogue import properties
from domain.registry import Asset, Datastream, Device, Registry
from runtime.embedded.broker import EmbeddedBroker
from runtime.embedded.database import EmbeddedDatabase
from storage.database import connect
from storage.migrate import TimeSeriesOptions, migrate
from storage.registry import import_registry

DAY = 86_400
#: Ten properties of a water network: packs of up to ten observations.
PROPERTIES = tuple(p for p in properties() if p.network == "water" and p.type == "number")[:10]


@dataclass(frozen=True, kw_only=True)
class Rig:
    """Addresses of the parts, and a connection to the measurement's own database."""

    mqtt_url: str
    database_url: str
    link: Connection[TupleRow]
    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def row(self, query: str) -> tuple[Any, ...]:
        """The first row of a query of ours."""
        found = self.link.execute(query).fetchone()
        if found is None:
            raise AssertionError(f"no row: {query}")
        return tuple(found)

    def start(self, *command: str, **environment: str) -> subprocess.Popen[bytes]:
        """Starts a stage as its own process, its log in the rig's folder."""
        log = (self.folder / f"{'-'.join(command)}-{len(self.processes)}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", "lifeline", *command],
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith("LIFELINE_")},
                "LIFELINE_DATABASE_URL": self.database_url,
                "LIFELINE_MQTT_URL": self.mqtt_url,
                "LIFELINE_LATENESS_S": str(30 * DAY),
                **environment,
            },
            stdout=log,
            stderr=log,
        )
        self.processes.append(process)
        return process

    def wait(self, condition: Callable[[], bool], timeout_s: float, what: str) -> None:
        """Polls until true; TimeoutError names what did not come, RuntimeError a stage that ended."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            for process in self.processes:
                if process.poll() not in {None, 0}:
                    log = max(self.folder.glob("*.log"), key=lambda path: path.stat().st_mtime)
                    last = log.read_text(encoding="utf-8", errors="replace")[-1500:]
                    raise RuntimeError(f"{process.args!r} ended with {process.returncode}:\n{last}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} did not come within {timeout_s:g} s")
            time.sleep(0.01)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ends a stage in order."""
    process.terminate()
    process.wait(timeout=20)


@contextlib.contextmanager
def rig(mqtt_url: str | None, database_url: str | None) -> Iterator[Rig]:
    """The parts, ready and migrated; embedded ones live in a temporary folder."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lifeline-bench-")))
        if mqtt_url is None:
            mqtt_url = stack.enter_context(EmbeddedBroker(folder / "broker")).url
        server = database_url or stack.enter_context(EmbeddedDatabase(folder / "database")).url
        own = stack.enter_context(_own_database(server))
        link = stack.enter_context(contextlib.closing(connect(own, application="bench", statement_timeout_s=600)))
        migrate(link, TimeSeriesOptions(lateness_s=30 * DAY, retention_s=400 * DAY))
        made = Rig(mqtt_url=mqtt_url, database_url=own, link=link, folder=folder)
        try:
            yield made
        finally:
            for process in made.processes:
                if process.poll() is None:
                    process.kill()
                    process.wait()


@contextlib.contextmanager
def _own_database(server: str) -> Iterator[str]:
    name = f"lifeline_bench_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield make_conninfo(server, dbname=name)
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def register(rig_: Rig, *, areas: tuple[str, ...], devices: int, pack: int, interval_s: int = 3600) -> None:
    """Devices `{area}-{n}` in each area, each with the first `pack` of PROPERTIES."""
    names = [(area, f"{area}-{n}") for area in areas for n in range(devices)]
    import_registry(
        rig_.link,
        Registry(
            assets=tuple(
                Asset(
                    id=name,
                    network="water",
                    kind="junction",
                    name_en=name,
                    name_zh=name,
                    area=area,
                    geometry={"type": "Point", "coordinates": [102.7, 25.0]},
                    longitude=102.7,
                    latitude=25.0,
                )
                for area, name in names
            ),
            devices=tuple(
                Device(id=name, asset=name, model="bench", reporting_interval_s=interval_s) for _, name in names
            ),
            datastreams=tuple(
                Datastream(device=name, property=p.id, unit=p.unit) for _, name in names for p in PROPERTIES[:pack]
            ),
            links=(),
        ),
    )
