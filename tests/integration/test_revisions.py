"""The past is corrected by further events: after a revision the history that counts is the revised one."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.database import connect
from tests.support.history import Ledger, Moment, change, inhibition, revision


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    with connect(database_url, application="tests") as connection:
        yield Ledger(connection)


def events(ledger: Ledger) -> list[tuple[object, ...]]:
    return ledger.rows("SELECT alert, event, withdraws, late, told FROM alert_events ORDER BY id")


def test_a_raise_that_never_was_is_withdrawn_and_people_hear_of_it(ledger: Ledger) -> None:
    ledger.write(change("raised", 10))
    ledger.write(revisions=[revision(5, [])])
    assert ledger.effective() == []
    assert events(ledger) == [(1, "raised", None, False, True), (1, "withdrawn", 1, True, True)]
    assert ledger.told() == ["raised", "withdrawn"]
    assert ledger.alert("state, withdrawn, open, alarm_state") == ("returned", True, True, "returned_unacknowledged")


def test_a_raise_that_moves_earlier_stays_in_its_alert_and_nobody_is_told_twice(ledger: Ledger) -> None:
    ledger.write(change("raised", 10))
    ledger.acknowledge()
    ledger.write(revisions=[revision(3, [("raised", 4, "yellow")])])
    assert ledger.effective() == [("raised", 4, "yellow")]
    assert ledger.rows("SELECT count(*) FROM alerts") == [(1,)]
    assert ledger.alert("extract(second FROM raised_at)::integer, state, acknowledged") == (
        4, "active", True
    )  # fmt: skip
    assert ledger.told() == ["raised"]


def test_an_excursion_that_had_been_missed_is_raised_and_cleared(ledger: Ledger) -> None:
    ledger.write(
        revisions=[revision(0, [("raised", 10, "yellow"), ("level_changed", 12, "red"), ("cleared", 20, "red")])]
    )
    assert ledger.effective() == [("raised", 10, "yellow"), ("level_changed", 12, "red"), ("cleared", 20, "red")]
    assert ledger.alert("state, level, open, alarm_state, title_en") == (
        "returned", "red", True, "returned_unacknowledged", "red at 12"
    )  # fmt: skip
    assert ledger.told() == ["raised", "level_changed", "cleared"]


def test_a_missed_excursion_joins_the_open_alert(ledger: Ledger) -> None:
    ledger.write(change("raised", 50))
    ledger.write(revisions=[revision(0, [("raised", 10, "red"), ("cleared", 20, "red"), ("raised", 50, "yellow")])])
    assert ledger.rows("SELECT id, state, level FROM alerts") == [(1, "active", "yellow")]
    assert ledger.effective() == [("raised", 10, "red"), ("cleared", 20, "red"), ("raised", 50, "yellow")]


def test_a_clear_that_never_was_opens_the_alert_again_and_it_is_to_be_acknowledged(ledger: Ledger) -> None:
    ledger.write(change("raised", 10), change("cleared", 20))
    ledger.acknowledge()
    assert ledger.alert("open") == (False,)
    ledger.write(revisions=[revision(15, [])])
    assert ledger.alert("state, open, acknowledged, cleared_at") == ("active", True, False, None)
    assert ledger.told() == ["raised", "cleared", "withdrawn"]


def test_a_level_that_never_was_takes_its_texts_along(ledger: Ledger) -> None:
    ledger.write(change("raised", 10), change("level_changed", 20, "red", worse=True))
    ledger.write(revisions=[revision(15, [])])
    assert ledger.alert("level, title_en, text_zh, value") == ("yellow", "yellow at 10", "现为yellow", 10.0)


def test_two_alerts_that_were_one_never_stand_open_together(ledger: Ledger) -> None:
    ledger.write(change("raised", 10), change("cleared", 20))
    ledger.acknowledge()
    ledger.write(change("raised", 30))
    ledger.write(revisions=[revision(15, [])])
    assert ledger.effective() == [("raised", 10, "yellow")]
    assert ledger.rows("SELECT id, state, open, withdrawn FROM alerts ORDER BY id") == [
        (1, "active", True, False),
        (2, "returned", False, True),
    ]


def test_what_lasts_belongs_to_the_alert_that_is_open(ledger: Ledger) -> None:
    ledger.write(change("raised", 10), change("cleared", 20))
    ledger.acknowledge()
    ledger.write(change("raised", 30))
    ledger.write(revisions=[revision(5, [("raised", 12, "yellow")])])
    assert ledger.rows("SELECT id, state, open, withdrawn FROM alerts ORDER BY id") == [
        (1, "returned", False, True),
        (2, "active", True, False),
    ]


def test_an_excursion_of_which_both_ends_have_moved_stays_in_its_alert(ledger: Ledger) -> None:
    ledger.write(change("raised", 10), change("cleared", 20))
    ledger.acknowledge()
    ledger.write(revisions=[revision(5, [("raised", 12, "yellow"), ("cleared", 22, "yellow")])])
    assert ledger.rows("SELECT id, open, withdrawn FROM alerts") == [(1, False, False)]
    assert ledger.told() == ["raised", "cleared"]


def test_a_revision_written_twice_changes_nothing(ledger: Ledger) -> None:
    ledger.write(change("raised", 10), change("cleared", 20), change("raised", 30))
    again = revision(5, [("raised", 8, "yellow"), ("level_changed", 18, "red"), ("cleared", 22, "red")])
    ledger.write(revisions=[again])
    before = events(ledger), ledger.rows("SELECT * FROM alerts ORDER BY id"), ledger.told()
    ledger.write(revisions=[again])
    assert (events(ledger), ledger.rows("SELECT * FROM alerts ORDER BY id"), ledger.told()) == before


def test_nothing_of_a_held_back_alert_is_told_by_a_revision(ledger: Ledger) -> None:
    ledger.write(change("raised", 1, rule="cause"))
    ledger.write(change("raised", 10), restraints=[inhibition(10, ("cause", "device:d1"))])
    ledger.write(revisions=[revision(5, [("raised", 6, "red")])])
    ledger.write(revisions=[revision(5, [])])
    assert ledger.told() == ["raised"]
    assert ledger.alert("withdrawn, announced, open", 2) == (True, False, False)


def test_a_late_alert_that_the_same_commit_holds_back_is_not_told(ledger: Ledger) -> None:
    ledger.write(
        change("raised", 1, rule="cause"),
        revisions=[revision(5, [("raised", 6, "red")])],
        restraints=[inhibition(6, ("cause", "device:d1"))],
    )
    assert ledger.told() == ["raised"]
    assert ledger.rows("SELECT rule, alarm_state FROM alerts ORDER BY rule") == [
        ("cause", "unacknowledged"),
        ("r", "suppressed"),
    ]


def test_a_withdrawn_alert_that_is_raised_after_all_begins_anew(ledger: Ledger) -> None:
    ledger.write(change("raised", 10))
    ledger.write(revisions=[revision(5, [])])
    ledger.write(change("raised", 50))
    assert ledger.alert("withdrawn, state, extract(second FROM raised_at)::integer") == (False, "active", 50)
    assert ledger.rows("SELECT count(*) FROM alerts") == [(1,)]


def test_of_changes_at_one_instant_each_finds_its_place(ledger: Ledger) -> None:
    ledger.write(change("raised", 20))
    # The clear is written after the raise of the same instant, and yet comes before it.
    ledger.write(
        revisions=[revision(5, [("raised", 8, "yellow"), ("cleared", 20, "yellow"), ("raised", 20, "yellow")])]
    )
    ledger.write(change("cleared", 31))
    ledger.write(revisions=[revision(25, [])])
    assert ledger.alert("state, extract(second FROM raised_at)::integer") == ("active", 8)


def test_what_nobody_was_told_of_and_is_over_stays_over(ledger: Ledger) -> None:
    ledger.write(change("raised", 1, rule="cause"))
    ledger.write(change("raised", 10), restraints=[inhibition(10, ("cause", "device:d1"))])
    ledger.write(change("cleared", 20))
    ledger.write(revisions=[revision(12, [("level_changed", 15, "red"), ("cleared", 20, "red")])])
    assert ledger.alert("level, open, announced", 2) == ("red", False, False)
    assert ledger.told() == ["raised"]


def test_an_alert_that_was_over_and_goes_on_is_still_shelved(ledger: Ledger) -> None:
    ledger.write(change("raised", 10))
    ledger.write(change("cleared", 20))
    ledger.acknowledge()
    ledger.connection.execute(
        "INSERT INTO shelvings (alert, rule, subject, mode, reason, by, until)"
        " VALUES (1, 'r', 'device:d1', 'timed', 'x', 'Wang', now() + interval '1 hour')"
    )
    ledger.write(revisions=[revision(15, [])])
    assert ledger.alert("alarm_state") == ("shelved",)
    assert ledger.told() == ["raised", "cleared"]


@st.composite
def histories(draw: st.DrawFn) -> list[Moment]:
    """One course of a condition: raises, changes of level and clears in turn."""
    times = sorted(draw(st.sets(st.integers(0, 30), max_size=8)))
    moments: list[Moment] = []
    level = None
    for at in times:
        if level is None:
            level = draw(st.sampled_from(["yellow", "red"]))
            moments.append(("raised", at, level))
        elif draw(st.booleans()):
            moments.append(("cleared", at, level))
            level = None
        else:
            level = "red" if level == "yellow" else "yellow"
            moments.append(("level_changed", at, level))
    return moments


@given(courses=st.lists(st.tuples(histories(), st.booleans()), min_size=1, max_size=5))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_after_any_revisions_the_history_is_that_of_arrival_in_order(
    plain_database_url: str, courses: list[tuple[list[Moment], bool]]
) -> None:
    with connect(plain_database_url, application="tests") as connection:
        connection.execute("TRUNCATE alerts, alert_events, outbox, shelvings RESTART IDENTITY CASCADE")
        ledger = Ledger(connection)
        known: list[Moment] = []
        for course, acknowledged in courses:
            same = next((n for n, (a, b) in enumerate(zip(known, course, strict=False)) if a != b), None)
            if same is None:
                same = min(len(known), len(course))
            # From the first difference on everything is told anew; what is only newer comes as it does in order.
            if same == len(known):
                ledger.write(*(change(*moment) for moment in course[same:]))
            else:
                since = min(moments[same][1] for moments in (known, course) if len(moments) > same)
                ledger.write(revisions=[revision(since, [m for m in course if m[1] >= since])])
            known = course
            if acknowledged:
                connection.execute("UPDATE alerts SET acknowledged = true")
            assert ledger.effective() == course
            active = bool(course) and course[-1][0] != "cleared"
            states = ledger.rows("SELECT state FROM alerts WHERE state = 'active'")
            assert states == [("active",)] * active
            if active:
                assert ledger.rows("SELECT level FROM alerts WHERE state = 'active'") == [(course[-1][2],)]
