"""KPIs in the database: equal to those of the pure functions on any history, and right where only SQL can tell."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.alert import Level
from domain.kpi import BANDS, Alarm, alarm_kpis
from domain.times import from_datetime, to_datetime
from storage import kpis
from storage.database import connect
from storage.kpis import Scope
from tests.support.episodes import Written, forget_alerts, write_episodes

SECOND = 1_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
BEGIN = from_datetime(datetime(2026, 5, 1, 3, 7, 30, tzinfo=UTC))
END = BEGIN + 3 * DAY + 4 * HOUR
EVERYWHERE = Scope(since=to_datetime(BEGIN), until=to_datetime(END))

#: Seconds that lie at, just below and just above what the figures ask for.
_PIECES = st.sampled_from([1, 5, 9, 10, 11, 15, 20, 49, 50, 51, 60, 61, 300, 600, 3600, 86_400, 90_000])
_LIVES = st.lists(
    st.tuples(
        st.integers(-2 * 86_400, 3 * 86_400),
        st.lists(st.tuples(_PIECES, _PIECES), min_size=1, max_size=6),
        st.booleans(),
        st.sampled_from(Level),
        st.sampled_from([("gas", "530102"), ("water", "530102"), ("water", "530103")]),
    ),
    max_size=12,
)
#: Interval, and how many alarms in it.
_BURSTS = st.lists(st.tuples(st.integers(0, 20), st.sampled_from([1, 3, 4, 5, 6, 9, 10, 11, 14])), max_size=8)
#: Chatter of exactly a minute; repetition after just a minute and a second later; just a day; lasting ten seconds.
_GAS = ("gas", "530102")
_AT_THE_LIMITS = [
    (600, [(10, 15), (10, 15), (10, 300)], False, Level.RED, _GAS),
    (700, [(9, 51), (9, 52), (9, 600)], False, Level.ORANGE, _GAS),
    (800, [(86_400, 1), (86_401, 1)], False, Level.YELLOW, _GAS),
    (900, [(10, 600)], False, Level.BLUE, _GAS),
]


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection[TupleRow]]:
    with connect(database_url, application="tests") as opened:
        yield opened


def history(
    lives: list[tuple[int, list[tuple[int, int]], bool, Level, tuple[str, str]]], bursts: list[tuple[int, int]]
) -> list[tuple[Alarm, ...]]:
    """The alarms of each rule and subject: lives of raises and clearings, and bursts on subjects of their own."""
    found = []
    for number, (start, turns, stands, level, (network, area)) in enumerate(lives):
        alarms, at = [], BEGIN + start * SECOND
        for place, (lasts, pause) in enumerate(turns):
            cleared = None if stands and place == len(turns) - 1 else at + lasts * SECOND
            alarms.append(
                Alarm(
                    rule=f"r{number % 3}",
                    subject=f"asset:{number}",
                    level=level,
                    raised_at=at,
                    cleared_at=cleared,
                    network=network,
                    area=area,
                )
            )
            at += (lasts + pause) * SECOND
        found.append(tuple(alarms))
    for number, (interval, count) in enumerate(bursts):
        for one in range(count):
            at = BEGIN + interval * 10 * MINUTE + one * 7 * SECOND
            burst = Alarm(
                rule="burst",
                subject=f"asset:{number}-{one}",
                level=Level.BLUE,
                raised_at=at,
                cleared_at=at + HOUR,
                network="gas",
                area="5301",
            )
            found.append((burst,))
    return found


def rows(alarms: tuple[Alarm, ...], chance: random.Random) -> Iterator[Written]:
    """The same history in one row that is raised again and again, or in a row for each, or anything between."""
    begin = 0
    while begin < len(alarms):
        end = chance.randint(begin + 1, len(alarms))
        last = end == len(alarms)
        yield Written(alarms=alarms[begin:end], acknowledged=not last, taken_after=None if last else HOUR)
        begin = end


def unheard(alarms: tuple[Alarm, ...], chance: random.Random) -> Written:
    """What must not count: nobody was told, or late observations took it back, or it is a condition."""
    kind = chance.randrange(3)
    ended = [
        Alarm(
            rule=f"unheard-{kind}",
            subject=a.subject,
            level=a.level,
            raised_at=a.raised_at,
            cleared_at=a.cleared_at or a.raised_at + MINUTE,
            network=a.network,
            area=a.area,
        )
        for a in alarms
    ]
    return Written(
        alarms=tuple(ended),
        told=kind > 0,
        withdrawn=kind == 1,
        acknowledged=True,
        class_="condition" if kind == 2 else "warning",
    )


def assert_equal(connection: Connection[TupleRow], scope: Scope, alarms: list[Alarm]) -> None:
    expected = alarm_kpis(alarms, from_datetime(scope.since), from_datetime(scope.until))
    found = kpis.alarm_figures(connection, scope)
    assert (found.alarms, found.worst_day, found.peak) == (expected.alarms, expected.worst_day, expected.peak)
    assert found.per_hour == pytest.approx(expected.per_hour)
    assert found.busy_share == pytest.approx(expected.busy_share)
    assert found.flood_share == pytest.approx(expected.flood_share)
    assert (found.floods, found.flood_s) == (len(expected.floods), expected.flood_s)
    assert found.flood_peak == max((flood.peak for flood in expected.floods), default=0)
    assert (found.chattering, found.fleeting) == (len(expected.chattering), expected.fleeting)
    assert (found.stale, found.stale_at_end) == (expected.stale, expected.stale_at_end)
    assert [found.red, found.orange, found.yellow, found.blue] == [count for _, count in expected.levels]
    assert found.top_share == pytest.approx(expected.top_share)
    assert found.time_in_alarm_s == pytest.approx(expected.time_in_alarm_s)
    assert [i.alarms for i in kpis.intervals(connection, scope)] == list(expected.counts)
    assert sum(h.alarms for h in kpis.hours(connection, scope)) == expected.alarms
    bands = [(b.least_alarms, b.most_alarms, b.intervals) for b in kpis.distribution(connection, scope)]
    assert bands == [(*band, count) for band, count in zip(BANDS, expected.distribution, strict=True)]
    floods = [
        (from_datetime(f.started_at), from_datetime(f.ended_at), f.alarms, f.peak)
        for f in kpis.floods(connection, scope)
    ]
    assert floods == [(f.started_at, f.ended_at, f.alarms, f.peak) for f in expected.floods]
    assert [(c.rule, c.subject) for c in kpis.chattering(connection, scope)] == list(expected.chattering)
    top = kpis.load(connection, scope, "alarm", limit=10)
    assert [(one.name, one.subject, one.alarms) for one in top] == [(t.rule, t.subject, t.alarms) for t in expected.top]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(lives=_LIVES, bursts=_BURSTS, seed=st.integers(0, 2**32))
@example(lives=_AT_THE_LIMITS, bursts=[(1, 10), (3, 11), (4, 5), (5, 4), (6, 9), (8, 11), (9, 11)], seed=1)
def test_the_database_and_the_pure_functions_agree_on_any_history(
    connection: Connection[TupleRow],
    lives: list[tuple[int, list[tuple[int, int]], bool, Level, tuple[str, str]]],
    bursts: list[tuple[int, int]],
    seed: int,
) -> None:
    forget_alerts(connection)
    chance = random.Random(seed)
    subjects = history(lives, bursts)
    written = [row for alarms in subjects for row in rows(alarms, chance)]
    written += [unheard(alarms, chance) for alarms in subjects if chance.random() < 0.3]
    chance.shuffle(written)
    write_episodes(connection, written)
    everything = [alarm for alarms in subjects for alarm in alarms]
    assert_equal(connection, EVERYWHERE, everything)
    in_water = Scope(since=to_datetime(BEGIN), until=to_datetime(END - HOUR), network="water")
    assert_equal(connection, in_water, [a for a in everything if a.network == "water"])
    in_district = Scope(since=to_datetime(BEGIN + 11), until=to_datetime(END), area="530102")
    assert_equal(connection, in_district, [a for a in everything if a.area == "530102"])
