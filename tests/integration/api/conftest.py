"""A seeded city behind the API."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import pytest

from tests.support.api import ApiServer
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
