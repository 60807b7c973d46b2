"""Late data, batches, restarts and crashes in any mixture: the history is that of arrival in order."""

import random
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from rules.session import Session
from tests.integration.rules.city import City
from tests.support.rulebook import above, rule, silence

MINUTES = 60
LIMITS = {"yellow": {"limit": 20, "evidence": "unverified"}, "red": {"limit": 50, "evidence": "unverified"}}
RULES = (
    above("methane", hysteresis=2, yellow=20, red=50),
    rule("delays", condition={"above": LIMITS, "hysteresis": 2, "on_delay_s": 90, "off_delay_s": 150}),
    rule("rise", condition={"measure": {"change": {"window_s": 300}}, "above": LIMITS, "hysteresis": 5}),
    silence(factor=2.5),
)


@pytest.fixture
def city(plain_database_url: str) -> Iterator[City]:
    with ExitStack() as stack:
        yield City(plain_database_url, stack)


def effective(city: City) -> list[tuple[Any, ...]]:
    """What counts in the end."""
    return city.rows(
        "SELECT a.rule, a.subject, e.event, extract(epoch FROM e.time - to_timestamp(1777593600))::float, e.level"
        "  FROM alert_events e JOIN alerts a ON a.id = e.alert"
        " WHERE e.event IN ('raised', 'level_changed', 'cleared')"
        "   AND NOT EXISTS (SELECT FROM alert_events w WHERE w.withdraws = e.id)"
        " ORDER BY 1, 2, 4, 3"
    )


def judged(session: Session) -> None:
    session.look_ahead()
    while session.catch_up():
        pass
    assert session.tick()


def emptied(city: City) -> None:
    city.connection.execute(
        "TRUNCATE alerts, alert_events, outbox, notifications, observations, journal, journal_positions, rule_states"
        " RESTART IDENTITY CASCADE"
    )
    city.connection.execute("UPDATE ingest_partitions SET seq = 0, caught_up_at = NULL")
    city.writer.seq = 0


@pytest.mark.parametrize("seed", range(4))
def test_late_data_and_restarts_in_any_mixture_end_in_the_history_of_arrival_in_order(city: City, seed: int) -> None:
    rng = random.Random(seed)
    points = []
    for stream in city.streams.values():
        value = 0.0
        for minute in range(MINUTES):
            value = max(0.0, min(80.0, value + rng.choice((-30, -5, 0, 0, 0, 5, 30))))
            if rng.random() < 0.85:
                points.append((stream, 60.0 * minute + rng.randrange(10), value))
    end = 60.0 * MINUTES + 30
    session = city.rules(*RULES, leader="in order")
    for minute in range(MINUTES):
        city.writer.store(*[p for p in points if 60 * minute <= p[1] < 60 * minute + 60])
        city.writer.caught_up(60.0 * minute + 59)
        judged(session)
    city.writer.caught_up(end)
    judged(session)
    expected = effective(city)
    assert len(expected) > 30

    emptied(city)
    # Some come up to twenty minutes late.
    arrivals = sorted(points, key=lambda p: p[1] + (rng.random() * 1200 if rng.random() < 0.3 else 0))
    leader = 0
    session = city.rules(*RULES, leader="0")
    while arrivals:
        size = rng.randrange(1, 12)
        batch, arrivals = arrivals[:size], arrivals[size:]
        city.writer.store(*batch)
        city.writer.caught_up(max(p[1] for p in batch))
        chance = rng.random()
        if chance < 0.5:
            judged(session)
        elif chance < 0.7:
            # Read, but perhaps not committed; then a crash.
            session.catch_up()
        if rng.random() < 0.2:
            leader += 1
            session = city.rules(*RULES, leader=str(leader))
    city.writer.caught_up(end)
    judged(session)
    assert effective(city) == expected
    assert leader > 0
