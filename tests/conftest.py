"""Fixtures: a fresh database and a fresh broker for each test, a way between them that can fail, and real processes."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import pytest

from runtime.embedded import EmbeddedBroker
from tests.support.brokers import open_broker
from tests.support.databases import DatabaseServer, GivenServer, PlainServer, TimescaleServer
from tests.support.processes import Lifeline
from tests.support.proxy import Proxy

GIVEN_DATABASE = os.environ.get("LIFELINE_TEST_DATABASE_URL")
DATABASES = ["postgresql", "timescaledb", *(["given"] if GIVEN_DATABASE else [])]

# Settings of the person who runs the tests must not reach them.
for _name in [name for name in os.environ if name.startswith("LIFELINE_") and not name.startswith("LIFELINE_TEST_")]:
    del os.environ[_name]
# Nor a platform that runs in their folder.
os.environ["LIFELINE_DATA_DIR"] = os.devnull


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with a long test come first; everything else stays in its order."""
    first = {item.path for item in items if item.get_closest_marker("long")}
    items.sort(key=lambda item: item.path not in first)


@pytest.fixture(scope="session")
def database_servers() -> Iterator[Callable[[str], DatabaseServer]]:
    """Servers by kind, each started when first asked for."""
    running: dict[str, DatabaseServer] = {}
    folder = Path(mkdtemp(prefix="lifeline-tests-"))

    def server(kind: str) -> DatabaseServer:
        if kind not in running:
            if kind == "postgresql":
                running[kind] = PlainServer(folder / "postgresql")
            elif kind == "timescaledb":
                running[kind] = TimescaleServer()
            else:
                running[kind] = GivenServer(str(GIVEN_DATABASE))
        return running[kind]

    yield server
    for one in running.values():
        one.stop()
    rmtree(folder)


@pytest.fixture
def server_folder() -> Iterator[Path]:
    """A folder for an embedded server.

    Not pytest's `tmp_path`: every run of pytest closes those to other users, and root's PostgreSQL runs as one.
    """
    folder = Path(mkdtemp(prefix="lifeline-tests-"))
    yield folder
    rmtree(folder)


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, database_servers: Callable[[str], DatabaseServer]) -> Iterator[str]:
    """A fresh, migrated database, on each kind of server."""
    server = database_servers(request.param)
    url = server.fresh()
    yield url
    server.release(url)


@pytest.fixture(params=DATABASES)
def empty_database_url(
    request: pytest.FixtureRequest, database_servers: Callable[[str], DatabaseServer]
) -> Iterator[str]:
    """A database that was never migrated, on each kind of server."""
    server = database_servers(request.param)
    url = server.fresh(migrated=False)
    yield url
    server.release(url)


@pytest.fixture
def empty_plain_database_url(database_servers: Callable[[str], DatabaseServer]) -> Iterator[str]:
    """A database on PostgreSQL that was never migrated."""
    server = database_servers("postgresql")
    url = server.fresh(migrated=False)
    yield url
    server.release(url)


@pytest.fixture
def empty_timescaledb_url(database_servers: Callable[[str], DatabaseServer]) -> Iterator[str]:
    """A database on TimescaleDB that was never migrated."""
    server = database_servers("timescaledb")
    url = server.fresh(migrated=False)
    yield url
    server.release(url)


@pytest.fixture
def plain_database_url(database_servers: Callable[[str], DatabaseServer]) -> Iterator[str]:
    """A fresh, migrated database on PostgreSQL, for tests that need real concurrency."""
    server = database_servers("postgresql")
    url = server.fresh()
    yield url
    server.release(url)


@pytest.fixture
def timescaledb_url(database_servers: Callable[[str], DatabaseServer]) -> Iterator[str]:
    """A fresh, migrated database on TimescaleDB alone."""
    server = database_servers("timescaledb")
    url = server.fresh()
    yield url
    server.release(url)


@pytest.fixture(params=["nats", "mosquitto"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EmbeddedBroker]:
    """A running broker with an empty store, of each kind."""
    with open_broker(request.param, tmp_path / "broker") as running:
        yield running


@pytest.fixture
def nats_broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    """A running embedded broker with an empty store."""
    with open_broker("nats", tmp_path / "broker") as running:
        yield running


@pytest.fixture
def proxy() -> Iterator[Callable[[str], Proxy]]:
    """Opens a way to the server of a URL: `way = proxy(database_url)`, then connect to `way.url`."""
    opened: list[Proxy] = []

    def open_way(url: str) -> Proxy:
        way = Proxy(url)
        way.start()
        opened.append(way)
        return way

    yield open_way
    for way in opened:
        way.thaw()
        way.stop()


@pytest.fixture
def lifeline(tmp_path: Path) -> Iterator[Callable[..., Lifeline]]:
    """Starts the real command line: `process = lifeline("ingest", LIFELINE_MQTT_URL=broker.url)`."""
    started: list[Lifeline] = []

    def start(*arguments: str, **environment: str) -> Lifeline:
        # A platform that a person runs in this folder is not asked.
        own = {"LIFELINE_DATA_DIR": str(tmp_path / "data"), **_checked(environment)}
        process = Lifeline(arguments, folder=tmp_path / "processes", environment=own)
        started.append(process)
        return process

    yield start
    for process in reversed(started):
        process.close()


def _checked(environment: Mapping[str, str]) -> Mapping[str, str]:
    return {name: str(text) for name, text in environment.items()}
