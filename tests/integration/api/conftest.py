"""A seeded city behind the API."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import pytest

from tests.conftest import DATABASES
from tests.support.api import ApiServer
from tests.support.databases import DatabaseServer
from tests.support.seeding import SeededCity, seed_city


@dataclass(frozen=True, slots=True)
class City:
    """What was written, where it is, and who answers for it."""

    seeded: SeededCity
    database_url: str
    server: ApiServer

    @property
    def client(self) -> httpx.Client:
        return self.server.client


@pytest.fixture
def city(database_url: str) -> Iterator[City]:
    """On each kind of database."""
    seeded = seed_city(database_url, now=datetime.now(UTC))
    with ApiServer(database_url) as server:
        yield City(seeded, database_url, server)


@pytest.fixture
def plain_city(plain_database_url: str) -> Iterator[City]:
    """On PostgreSQL, for what does not depend on the database or needs real concurrency."""
    seeded = seed_city(plain_database_url, now=datetime.now(UTC))
    with ApiServer(plain_database_url) as server:
        yield City(seeded, plain_database_url, server)


@contextmanager
def _standing(server: DatabaseServer) -> Iterator[City]:
    url = server.fresh()
    seeded = seed_city(url, now=datetime.now(UTC))
    with ApiServer(url) as api:
        yield City(seeded, url, api)
    server.release(url)


@pytest.fixture(scope="module", params=DATABASES)
def standing_city(request: pytest.FixtureRequest, database_servers: Callable[[str], DatabaseServer]) -> Iterator[City]:
    """On each kind of database, one for all tests of a module: they only read. Not for modules that also use `city`."""
    with _standing(database_servers(request.param)) as city:
        yield city


@pytest.fixture(scope="module")
def plain_standing_city(database_servers: Callable[[str], DatabaseServer]) -> Iterator[City]:
    """On PostgreSQL, one for all tests of a module: they only read."""
    with _standing(database_servers("postgresql")) as city:
        yield city
