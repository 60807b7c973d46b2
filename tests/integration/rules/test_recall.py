"""What a new session knows of each datastream: exactly what the one before it had evaluated."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from rules.evaluate import Evaluator
from rules.plan import build
from rules.recall import recall
from storage.watched import read_watched
from tests.integration.rules.city import City
from tests.support.rulebook import SECOND, T0, above


class Noting(Evaluator):
    """Notes what it is told to remember."""

    def __init__(self, city: City) -> None:
        super().__init__(build([above(yellow=20)], read_watched(city.connection).watched))
        self.good: dict[int, float] = {}
        self.any: dict[int, float] = {}

    def remember(self, datastreams, times, values, *, good) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        noted = self.good if good else self.any
        noted |= dict(zip(datastreams.tolist(), ((times - T0) / SECOND).tolist(), strict=True))
        super().remember(datastreams, times, values, good=good)


@pytest.fixture
def city(database_url: str) -> Iterator[City]:
    with ExitStack() as stack:
        yield City(database_url, stack)


def recalled(city: City, position: int, *busy: str) -> tuple[dict[int, float], dict[int, float]]:
    noting = Noting(city)
    recall(city.connection, noting, {"all": position}, set(busy))
    return noting.any, noting.good


def test_what_was_not_read_does_not_count_and_what_was_read_does_however_long_ago(city: City) -> None:
    a, b = city.streams["a"], city.streams["b"]
    city.writer.store((a, 100, 1), (b, 100, 1))
    for minute in range(600):
        city.writer.store((b, 200 + minute, 1))
    position = city.writer.seq
    # Late, and newer, both unread; b has nothing unread.
    city.writer.store((a, 50, 1), (a, 160, 1))
    assert recalled(city, position) == ({a: 100.0, b: 799.0}, {a: 100.0, b: 799.0})


def test_a_datastream_of_which_everything_is_unread_is_not_known(city: City) -> None:
    a, b = city.streams["a"], city.streams["b"]
    city.writer.store((b, 10, 1))
    city.writer.store((a, 50, 1), (a, 60, 1))
    assert recalled(city, 1) == ({b: 10.0}, {b: 10.0})


def test_doubtful_observations_are_signs_of_life_and_no_more(city: City) -> None:
    a, b = city.streams["a"], city.streams["b"]
    city.writer.store((a, 10, 1), (b, 10, 1))
    city.writer.store((a, 100, 9), (b, 100, 9), quality=1)
    # Unread, between the good one that was read and the doubtful one.
    city.writer.store((a, 90, 1))
    assert recalled(city, 2, f"datastream:{b}") == ({a: 100.0, b: 100.0}, {a: 10.0, b: 10.0})
