"""What only the database can tell: who was told when, how long it took, and how much telemetry was there."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.alert import Level
from domain.kpi import Alarm
from domain.times import from_datetime, to_datetime
from domain.transition import Revision
from storage import kpis
from storage.database import connect
from storage.kpis import Scope
from tests.support.episodes import Written, write_episodes
from tests.support.history import T0, Ledger, Moment, change, inhibition
from tests.support.storing import register

SECOND = 1_000_000
MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
NOON = from_datetime(datetime(2026, 5, 1, 12, tzinfo=UTC))
TODAY = Scope(since=to_datetime(NOON - 12 * HOUR), until=to_datetime(NOON + 12 * HOUR))


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection[TupleRow]]:
    with connect(database_url, application="tests") as opened:
        yield opened


def alarm(
    subject: str, at: int = 0, lasted: int | None = HOUR, *, level: Level = Level.RED, area: str = "530102"
) -> Alarm:
    """Raised `at` after noon."""
    return Alarm(
        rule="r",
        subject=subject,
        level=level,
        raised_at=NOON + at,
        cleared_at=None if lasted is None else NOON + at + lasted,
        network="gas",
        area=area,
    )


def event(
    connection: Connection[TupleRow],
    alert: int,
    kind: str,
    at: int,
    *,
    told: bool = False,
    late: bool = False,
    recorded: int | None = None,
    withdraws: int | None = None,
) -> int:
    """One more event in the life of an alert, `at` and recorded so long after noon."""
    row = connection.execute(
        "INSERT INTO alert_events (alert, time, recorded_at, event, level, told, late, withdraws)"
        " VALUES (%s, %s, %s, %s, 'red', %s, %s, %s) RETURNING id",
        (
            alert,
            to_datetime(NOON + at),
            to_datetime(NOON + (at if recorded is None else recorded)),
            kind,
            told,
            late,
            withdraws,
        ),
    ).fetchone()
    assert row
    return int(row[0])


def move_the_raise(connection: Connection[TupleRow], alert: int, *, to: int, recorded: int) -> None:
    """As late observations do: the raise is withdrawn and another one appended, of which nobody is told."""
    row = connection.execute("SELECT id FROM alert_events WHERE alert = %s AND event = 'raised'", (alert,)).fetchone()
    assert row
    event(connection, alert, "withdrawn", 0, late=True, recorded=recorded, withdraws=row[0])
    event(connection, alert, "raised", to, late=True, recorded=recorded)


def test_waiting_for_a_person_is_counted_from_when_people_were_told(connection: Connection[TupleRow]) -> None:
    write_episodes(
        connection,
        [
            Written(alarms=(alarm("a"),), delay=5 * MINUTE, taken_after=2 * MINUTE, acknowledged=True),
            Written(alarms=(alarm("b"),), delay=5 * MINUTE, taken_after=4 * MINUTE, acknowledged=True),
            Written(alarms=(alarm("c", lasted=2 * HOUR),), delay=5 * MINUTE),
        ],
    )
    found = kpis.alarm_figures(connection, TODAY)
    assert (found.acknowledged, found.acknowledge_median_s, found.acknowledge_max_s) == (2, 180, 240)
    assert (found.cleared, found.clear_median_s, found.clear_max_s) == (3, 3600, 7200)
    assert (found.unacknowledged, found.held_back, found.withdrawn) == (1, 0, 0)


def test_an_alarm_that_was_held_back_counts_once_people_are_told(connection: Connection[TupleRow]) -> None:
    held, released = write_episodes(
        connection, [Written(alarms=(alarm("a"),), told=False), Written(alarms=(alarm("b"),), told=False)]
    )
    event(connection, held, "inhibited", 0)
    found = kpis.alarm_figures(connection, TODAY)
    assert (found.alarms, found.held_back) == (0, 2)
    event(connection, released, "released", 10 * MINUTE, told=True)
    event(connection, released, "acknowledged", 15 * MINUTE)
    found = kpis.alarm_figures(connection, TODAY)
    assert (found.alarms, found.held_back, found.acknowledge_median_s) == (1, 1, 300)


@pytest.mark.parametrize("to", [-7 * MINUTE, 7 * MINUTE])
def test_an_alarm_whose_begin_was_moved_is_still_one_that_people_were_told_of(
    connection: Connection[TupleRow], to: int
) -> None:
    (alert,) = write_episodes(connection, [Written(alarms=(alarm("a"),), taken_after=MINUTE, acknowledged=True)])
    move_the_raise(connection, alert, to=to, recorded=30 * MINUTE)
    found = kpis.alarm_figures(connection, TODAY)
    assert (found.alarms, found.held_back) == (1, 0)
    assert found.acknowledge_median_s == 60
    assert found.clear_median_s == (HOUR - to) // SECOND


def test_an_alarm_that_never_was_counts_as_withdrawn_alone(connection: Connection[TupleRow]) -> None:
    write_episodes(connection, [Written(alarms=(alarm("a"),), withdrawn=True), Written(alarms=(alarm("b"),))])
    connection.execute("UPDATE alerts SET announced = true")
    found = kpis.alarm_figures(connection, TODAY)
    assert (found.alarms, found.withdrawn, found.held_back) == (1, 1, 0)
    assert kpis.incident_figures(connection, TODAY).incidents == 1


def test_incidents_are_warnings_and_what_was_orange_or_red_at_any_time(connection: Connection[TupleRow]) -> None:
    alerts = write_episodes(
        connection,
        [
            Written(alarms=(alarm("red"),), delay=30 * SECOND, taken_after=MINUTE),
            Written(alarms=(alarm("orange", lasted=None, level=Level.ORANGE),), delay=90 * SECOND),
            Written(alarms=(alarm("yellow", level=Level.YELLOW),)),
            Written(alarms=(alarm("rose", level=Level.YELLOW),)),
            Written(alarms=(alarm("warning", level=Level.BLUE),), class_="warning"),
            Written(alarms=(alarm("untold"),), told=False),
            Written(alarms=(alarm("condition"),), class_="condition"),
        ],
    )
    event(connection, alerts[3], "level_changed", MINUTE, told=True)
    found = {i.subject: i for i in kpis.incidents(connection, TODAY)}
    assert set(found) == {"red", "orange", "rose", "warning"}
    assert (found["rose"].level, found["warning"].level) == ("red", "blue")
    one = found["red"]
    assert (one.detected_s, one.acknowledged_s, one.restored_s) == (30, 60, 3600)
    assert (found["orange"].acknowledged_s, found["orange"].restored_s) == (None, None)
    figures = kpis.incident_figures(connection, TODAY)
    assert (figures.incidents, figures.acknowledged, figures.restored) == (4, 1, 3)
    assert (figures.detect_max_s, figures.detect_median_s) == (90, 15)


def test_the_time_between_alarms_of_an_asset_is_the_period_divided_by_their_number(
    connection: Connection[TupleRow],
) -> None:
    lives = [Written(alarms=(alarm(f"s{n}", n * HOUR),), asset="well") for n in range(4)]
    write_episodes(connection, [*lives, Written(alarms=(alarm("z"),), asset="lamp"), Written(alarms=(alarm("y"),))])
    found = [(a.asset, a.alarms, a.between_s) for a in kpis.assets(connection, TODAY)]
    assert found == [("well", 4, 6 * 3600), ("lamp", 1, 24 * 3600)]


def test_availability_is_the_share_of_device_time_with_telemetry(connection: Connection[TupleRow]) -> None:
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    begin = now - timedelta(hours=4)
    period = Scope(since=begin + timedelta(minutes=20), until=now)
    streams = register(connection, ["whole", "half", "twice", "silent", "late"])
    connection.execute("UPDATE datastreams SET registered_at = %s", (begin - timedelta(days=9),))
    connection.execute("UPDATE devices SET reporting_interval_s = 60")
    connection.execute(
        "UPDATE datastreams SET registered_at = %s WHERE id = %s", (begin + timedelta(hours=3), streams["late"])
    )

    def store(name: str, *minutes: int) -> None:
        connection.execute(
            "INSERT INTO observations (datastream, time, value) SELECT %s, %s + n * INTERVAL '1 minute', 1"
            " FROM unnest(%s::int[]) n",
            (streams[name], begin, list(minutes)),
        )

    store("whole", *range(240))
    store("half", *range(120))
    # As many as were promised, but all in two hours: the others were silent.
    connection.execute(
        "INSERT INTO observations (datastream, time, value) SELECT %s, %s + n * INTERVAL '30 seconds', 1"
        " FROM generate_series(0, 239) n",
        (streams["twice"], begin),
    )
    store("late", *range(180, 240))
    (found,) = kpis.availability(connection, period)
    assert found.devices == 5
    assert found.hours == pytest.approx(17)
    assert found.share == pytest.approx((4 + 2 + 2 + 0 + 1) / 17)
    # Devices that promise less than a reading an hour are judged by the whole period.
    connection.execute("UPDATE devices SET reporting_interval_s = 7200")
    (found,) = kpis.availability(connection, period)
    assert found.share == pytest.approx((4 + 4 + 4 + 0 + 1) / 17)


#: What was first written of 10 to 20 s after T0, and then corrected to the very same.
_ARRIVALS: dict[str, tuple[list[Moment], list[list[Moment]]]] = {
    "530101": ([("raised", 10, "yellow"), ("cleared", 20, "yellow")], []),
    "530102": (
        [("raised", 15, "yellow"), ("cleared", 20, "yellow")],
        [[("raised", 10, "yellow"), ("cleared", 20, "yellow")]],
    ),
    "530103": (
        [("raised", 5, "yellow"), ("cleared", 20, "yellow")],
        [[("raised", 10, "yellow"), ("cleared", 20, "yellow")]],
    ),
    "530104": ([], [[("raised", 10, "yellow"), ("cleared", 20, "yellow")]]),
    "530105": (
        [("raised", 12, "red"), ("cleared", 14, "red"), ("raised", 16, "red")],
        [[("raised", 10, "red"), ("cleared", 14, "red")], [("raised", 10, "yellow"), ("cleared", 20, "yellow")]],
    ),
}


def test_whatever_the_order_of_arrival_the_rules_record_the_same_figures(connection: Connection[TupleRow]) -> None:
    ledger = Ledger(connection)
    for area, (first, corrections) in _ARRIVALS.items():
        subject = f"device:{area}"
        for event_, at, level in first:
            ledger.write(change(event_, at, level, subject=subject, area=area))
        for moments in corrections:
            changes = tuple(change(*moment, subject=subject, area=area) for moment in moments)
            ledger.write(revisions=[Revision(rule="r", subject=subject, since=T0, changes=changes)])
    for area in _ARRIVALS:
        begin = to_datetime(T0)
        found = kpis.alarm_figures(connection, Scope(since=begin, until=begin + timedelta(hours=1), area=area))
        assert (found.alarms, found.yellow, found.held_back, found.withdrawn) == (1, 1, 0, 0), area
        assert (found.cleared, found.clear_median_s, found.time_in_alarm_s) == (1, 10, 10), area


def test_what_a_common_cause_explains_counts_when_the_rules_release_it(connection: Connection[TupleRow]) -> None:
    ledger = Ledger(connection)
    cause = ("cause", "device:d1")
    ledger.write(change("raised", 1, rule="cause"))
    ledger.write(change("raised", 10), restraints=[inhibition(10, cause)])
    period = Scope(since=to_datetime(T0), until=to_datetime(T0) + timedelta(hours=1))
    found = kpis.alarm_figures(connection, period)
    assert (found.alarms, found.held_back, found.unacknowledged) == (1, 1, 1)
    ledger.write(change("cleared", 30, rule="cause"), restraints=[inhibition(30, None)])
    found = kpis.alarm_figures(connection, period)
    assert (found.alarms, found.held_back, found.unacknowledged) == (2, 0, 2)
