"""What holds alerts back and what people do about them, in the database: nothing held back is announced."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import product

import psycopg
import pytest

from domain.lifecycle import Facts, NotAllowedError
from domain.times import now_micros, to_datetime
from domain.transition import Mark, Restraint, RuleState
from storage.alerts import Commit, commit, read_states, take_lead
from storage.dashboards import panel_sql, run_panel
from storage.database import connect, open_pool
from storage.inventory import networks
from storage.lifecycle import (
    Ended,
    Mode,
    NoSuchScopeError,
    acknowledge,
    reset,
    return_to_service,
    shelve,
    sweep,
    take_out_of_service,
    unshelve,
)
from storage.lifecycle import Scope as ServiceScope
from storage.maintenance import Scope, Window, cancel, plan
from storage.notifications import notice
from storage.status import open_alerts
from tests.support.history import SECOND, T0, Ledger, change, inhibition, revision

CAUSE = ("cause", "device:d1")


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    with connect(database_url, application="tests") as connection:
        yield Ledger(connection)


def shelved(ledger: Ledger, alert: int = 1, *, mode: Mode = "timed", seconds: int = 600) -> int:
    """Shelves an alert; returns when."""
    now = now_micros()
    assert shelve(
        ledger.connection, alert, mode=mode, seconds=seconds, reason="sensor is replaced", operator="Wang", now=now
    )
    return now


def window(ledger: Ledger, scope: Scope, *, begins_s: int = -60, lasts_s: int = 600) -> Window:
    now = now_micros()
    begins = to_datetime(now) + timedelta(seconds=begins_s)
    return plan(
        ledger.connection,
        scope,
        starts_at=begins,
        ends_at=begins + timedelta(seconds=lasts_s),
        reason="pump is replaced",
        operator="Wang",
        now=now,
    )


def state(ledger: Ledger, alert: int = 1) -> object:
    return ledger.alert("alarm_state", alert)[0]


class TestTable:
    def test_the_database_and_the_domain_know_the_same_states(self, ledger: Ledger) -> None:
        for number, values in enumerate(product((False, True), repeat=8)):
            active, acknowledged, latched, held, suppressed, inhibited, away, announced = values
            facts = Facts(
                active=active,
                acknowledged=acknowledged,
                latched=latched,
                shelved=held,
                suppressed=suppressed,
                inhibited=inhibited,
                out_of_service=away,
                announced=announced,
            )
            row = ledger.rows(
                "INSERT INTO alerts (rule, subject, kind, network, area, level, raised_at, level_at, title_en,"
                " title_zh, text_en, text_zh, state, acknowledged, latched, shelved_until, suppressed_by, inhibited,"
                " out_of_service, announced) VALUES ('r', %s, 'safety', 'gas', '1', 'red', now(), now(), '', '',"
                " '', '', %s, %s, %s, %s, %s, %s, %s, %s) RETURNING alarm_state, open, held_back",
                str(number),
                "active" if active else "returned",
                acknowledged,
                latched,
                to_datetime(T0) if held else None,
                "night" if suppressed else None,
                inhibited,
                away,
                announced,
            )
            assert row == [(facts.state, facts.open, facts.held_back)], facts


class TestShelving:
    def test_it_ends_by_itself_and_announces_what_is_still_active(self, ledger: Ledger) -> None:
        ledger.write(change("raised", 10))
        acknowledge(ledger.connection, 1, operator="Wang", comment=None)
        now = shelved(ledger)
        assert state(ledger) == "shelved"
        assert sweep(ledger.connection, now + 599 * SECOND) == Ended()
        assert sweep(ledger.connection, now + 600 * SECOND) == Ended(shelvings=1, announced=1)
        assert state(ledger) == "unacknowledged"
        assert ledger.told() == ["raised", "unshelved"]
        assert sweep(ledger.connection, now + 700 * SECOND) == Ended()
        assert ledger.told() == ["raised", "unshelved"]

    def test_nothing_is_announced_while_it_lasts_and_all_of_it_is_recorded(self, ledger: Ledger) -> None:
        ledger.write(change("raised", 10))
        now = shelved(ledger)
        ledger.write(change("level_changed", 20, "red", worse=True))
        ledger.write(change("cleared", 30, "red"))
        ledger.write(change("raised", 40, "red"))
        assert ledger.told() == ["raised"]
        assert [e for (e,) in ledger.rows("SELECT event FROM alert_events WHERE event <> 'shelved' ORDER BY id")] == [
            "raised", "level_changed", "cleared", "raised"
        ]  # fmt: skip
        assert state(ledger) == "shelved"
        sweep(ledger.connection, now + 600 * SECOND)
        assert ledger.told() == ["raised", "unshelved"]

    def test_a_new_alert_of_the_same_rule_and_subject_is_born_shelved(self, ledger: Ledger) -> None:
        ledger.write(change("raised", 10))
        shelved(ledger)
        ledger.write(change("cleared", 20))
        acknowledge(ledger.connection, 1, operator="Wang", comment=None)
        ledger.write(change("raised", 30), change("raised", 30, subject="device:d2"))
        assert ledger.rows("SELECT subject, alarm_state, announced FROM alerts WHERE open ORDER BY subject") == [
            ("device:d1", "shelved", False),
            ("device:d2", "unacknowledged", True),
        ]

    def test_what_cleared_meanwhile_is_not_announced(self, ledger: Ledger) -> None:
        ledger.write(change("raised", 10))
        now = shelved(ledger)
        ledger.write(change("cleared", 20))
        assert sweep(ledger.connection, now + 600 * SECOND) == Ended(shelvings=1)
        assert ledger.told() == ["raised"]
        assert state(ledger) == "returned_unacknowledged"

    def test_one_shot_ends_when_the_alert_clears(self, ledger: Ledger) -> None:
        ledger.write(change("raised", 10))
        shelved(ledger, mode="one_shot")
        ledger.write(change("cleared", 20))
        assert ledger.rows("SELECT ended_at IS NOT NULL, ended_by FROM shelvings") == [(True, None)]
        assert ledger.told() == ["raised"]
        ledger.write(change("raised", 30))
        assert ledger.told() == ["raised", "raised"]

    def test_one_shot_ends_when_late_readings_show_that_the_alert_has_cleared(self, ledger: Ledger) -> None:
        ledger.write(change("raised", 10))
        shelved(ledger, mode="one_shot")
        ledger.write(revisions=[revision(15, [("cleared", 16, "yellow")])])
        assert ledger.rows("SELECT ended_at IS NOT NULL FROM shelvings") == [(True,)]
        assert ledger.alert("shelved_until, state") == (None, "returned")

    def test_one_shot_runs_out_too(self, ledger: Ledger) -> None:
        ledger.write(change("raised", 10))
        now = shelved(ledger, mode="one_shot", seconds=60)
        assert sweep(ledger.connection, now + 60 * SECOND) == Ended(shelvings=1, announced=1)

    def test_one_that_has_cleared_cannot_be_shelved_until_it_clears(self, ledger: Ledger) -> None:
        ledger.write(change("raised", 10), change("cleared", 20))
        with pytest.raises(NotAllowedError):
            shelved(ledger, mode="one_shot")
        shelved(ledger)
        assert state(ledger) == "shelved"

    def test_a_person_ends_it_before_its_time(self, ledger: Ledger) -> None:
        ledger.write(change("raised", 10))
        shelved(ledger)
        with pytest.raises(NotAllowedError, match="already"):
            shelved(ledger)
        assert unshelve(ledger.connection, 1, operator="Li", comment="done", now=now_micros())
        assert ledger.rows("SELECT ended_by FROM shelvings") == [("Li",)]
        assert ledger.told() == ["raised", "unshelved"]
        with pytest.raises(NotAllowedError, match="not shelved"):
            unshelve(ledger.connection, 1, operator="Li", comment=None, now=now_micros())
        shelved(ledger)


class TestInhibition:
    def test_an_alert_that_another_explains_is_linked_and_not_announced(self, ledger: Ledger) -> None:
        ledger.write(change("raised", 1, rule="cause"))
        ledger.write(change("raised", 10), restraints=[inhibition(10, CAUSE)])
        assert ledger.alert("alarm_state, inhibited_by, announced", 2) == ("suppressed", 1, False)
        assert ledger.told() == ["raised"]
        assert ledger.rows("SELECT event, cause FROM alert_events WHERE alert = 2 ORDER BY id") == [
            ("raised", None),
            ("inhibited", 1),
        ]

    def test_it_is_linked_to_a_cause_that_is_raised_in_the_same_commit(self, ledger: Ledger) -> None:
        ledger.write(change("raised", 10), change("raised", 10, rule="cause"), restraints=[inhibition(10, CAUSE)])
        assert ledger.rows("SELECT e.rule, c.rule FROM alerts e JOIN alerts c ON c.id = e.inhibited_by") == [
            ("r", "cause")
        ]
        assert ledger.told() == ["raised"]

    def test_it_is_announced_when_the_cause_ends_first(self, ledger: Ledger) -> None:
        ledger.write(change("raised", 1, rule="cause"))
        ledger.write(change("raised", 10), restraints=[inhibition(10, CAUSE)])
        ledger.write(restraints=[inhibition(20, None)])
        assert ledger.alert("alarm_state, inhibited_by, announced", 2) == ("unacknowledged", None, True)
        assert ledger.told() == ["raised", "released"]
        ledger.write(restraints=[inhibition(21, None)])
        assert ledger.told() == ["raised", "released"]

    def test_it_is_over_with_its_condition_and_nobody_needs_to_acknowledge_it(self, ledger: Ledger) -> None:
        ledger.write(change("raised", 1, rule="cause"))
        ledger.write(change("raised", 10), restraints=[inhibition(10, CAUSE)])
        ledger.write(change("cleared", 20))
        assert ledger.alert("alarm_state, open, inhibited_by", 2) == ("normal", False, 1)
        assert ledger.told() == ["raised"]

    def test_an_alert_that_people_know_is_not_announced_anew_in_the_commit_that_holds_it_back(
        self, ledger: Ledger
    ) -> None:
        ledger.write(change("raised", 10), change("cleared", 20))
        ledger.write(change("raised", 30, rule="cause"), change("raised", 30), restraints=[inhibition(30, CAUSE)])
        assert ledger.told() == ["raised", "cleared", "raised"]
        assert state(ledger) == "suppressed"

    def test_a_restraint_written_twice_is_one_event(self, ledger: Ledger) -> None:
        ledger.write(change("raised", 1, rule="cause"))
        ledger.write(change("raised", 10), restraints=[inhibition(10, CAUSE), inhibition(11, CAUSE)])
        assert ledger.rows("SELECT count(*) FROM alert_events WHERE event = 'inhibited'") == [(1,)]

    def test_what_is_suppressed_by_design_as_well_waits_for_both(self, ledger: Ledger) -> None:
        def night(at: int, cause: tuple[str, str] | None) -> Restraint:
            return Restraint(rule="r", subject="device:d1", how="suppressed", cause=cause, time=T0 + at * SECOND)

        ledger.write(change("raised", 1, rule="cause"))
        ledger.write(change("raised", 10), restraints=[inhibition(10, CAUSE), night(10, ("night", "area:1"))])
        ledger.write(restraints=[inhibition(20, None)])
        assert ledger.alert("alarm_state, suppressed_by", 2) == ("suppressed", "night")
        assert ledger.told() == ["raised"]
        ledger.write(restraints=[night(30, None)])
        assert ledger.told() == ["raised", "unsuppressed"]

    def test_five_thousand_alerts_of_one_cause_are_one_announcement(self, ledger: Ledger) -> None:
        ledger.write(
            change("raised", 10, rule="cause"),
            *(change("raised", 10, subject=f"device:{n}") for n in range(5000)),
            restraints=[inhibition(10, CAUSE, subject=f"device:{n}") for n in range(5000)],
        )
        assert ledger.rows("SELECT count(*) FROM alerts WHERE inhibited_by IS NOT NULL") == [(5000,)]
        assert ledger.told() == ["raised"]


class TestMaintenance:
    @pytest.mark.parametrize(
        "scope",
        [
            Scope(network="gas"),
            Scope(area="5301"),
            Scope(asset="well-1"),
            Scope(device="d1"),
            Scope(rule="r"),
            Scope(network="gas", area="53", device="d1"),
        ],
    )
    def test_what_it_covers_is_not_announced(self, ledger: Ledger, scope: Scope) -> None:
        window(ledger, scope)
        ledger.write(change("raised", 10))
        assert ledger.alert("alarm_state, maintenance_window") == ("suppressed", 1)
        assert ledger.told() == []

    def test_what_it_does_not_cover_is_announced(self, ledger: Ledger) -> None:
        for scope in (Scope(network="water"), Scope(area="11"), Scope(device="d1", rule="other"), Scope(asset="w")):
            window(ledger, scope)
        window(ledger, Scope(device="d1"), begins_s=60)
        window(ledger, Scope(device="d1"), begins_s=-60, lasts_s=30)
        ledger.write(change("raised", 10))
        assert ledger.told() == ["raised"]

    def test_it_ends_by_itself_and_announces_what_is_still_active(self, ledger: Ledger) -> None:
        window(ledger, Scope(device="d1"))
        ledger.write(change("raised", 10), change("raised", 10, subject="device:d2"))
        ledger.write(change("cleared", 20, subject="device:d2"))
        later = now_micros() + 600 * SECOND
        assert sweep(ledger.connection, later) == Ended(windows=1, announced=1)
        assert sweep(ledger.connection, later) == Ended()
        assert ledger.told() == ["unsuppressed"]
        assert state(ledger) == "unacknowledged"

    def test_what_cleared_meanwhile_is_not_announced(self, ledger: Ledger) -> None:
        ledger.write(change("raised", 10))
        window(ledger, Scope(device="d1"))
        ledger.write(change("cleared", 20))
        assert sweep(ledger.connection, now_micros() + 600 * SECOND) == Ended(windows=1)
        assert ledger.told() == ["raised"]
        assert state(ledger) == "returned_unacknowledged"

    def test_it_begins_by_itself(self, ledger: Ledger) -> None:
        ledger.write(change("raised", 10))
        window(ledger, Scope(device="d1"), begins_s=60)
        assert state(ledger) == "unacknowledged"
        sweep(ledger.connection, now_micros() + 61 * SECOND)
        assert state(ledger) == "suppressed"
        assert ledger.rows("SELECT event, comment FROM alert_events WHERE id > 1") == [
            ("suppressed", "pump is replaced")
        ]

    def test_one_that_follows_upon_another_is_no_event(self, ledger: Ledger) -> None:
        window(ledger, Scope(device="d1"), lasts_s=120)
        window(ledger, Scope(device="d1"), begins_s=50, lasts_s=600)
        ledger.write(change("raised", 10))
        sweep(ledger.connection, now_micros() + 100 * SECOND)
        assert ledger.alert("maintenance_window") == (2,)
        assert ledger.rows("SELECT event FROM alert_events") == [("raised",)]

    def test_a_cancelled_one_lets_go_at_once(self, ledger: Ledger) -> None:
        planned = window(ledger, Scope(device="d1"))
        ledger.write(change("raised", 10))
        assert cancel(ledger.connection, planned.id, operator="Li", now=now_micros())
        assert not cancel(ledger.connection, planned.id, operator="Li", now=now_micros())
        assert ledger.told() == ["unsuppressed"]


class TestOutOfService:
    @pytest.mark.parametrize(("scope", "others"), [("alert", 1), ("device", 1), ("asset", 0)])
    def test_nothing_in_its_reach_is_announced(self, ledger: Ledger, scope: ServiceScope, others: int) -> None:
        ledger.write(change("raised", 10))
        now = now_micros()
        assert take_out_of_service(
            ledger.connection,
            1,
            scope=scope,
            reason="scrapped",
            operator="Wang",
            now=now,
        )
        assert state(ledger) == "out_of_service"
        ledger.write(
            change("cleared", 20), change("raised", 30), change("raised", 30, subject="device:d2", device="d2")
        )
        assert ledger.told() == ["raised"] + ["raised"] * others
        assert return_to_service(ledger.connection, 1, operator="Wang", comment=None, now=now)
        assert ledger.told()[1 + others :] == ["in_service"] * (2 - others)
        assert ledger.rows("SELECT DISTINCT alarm_state FROM alerts") == [("unacknowledged",)]

    def test_an_alert_of_no_device_cannot_take_its_device_out_of_service(self, ledger: Ledger) -> None:
        ledger.write(change("raised", 10))
        ledger.connection.execute("UPDATE alerts SET device = NULL")
        with pytest.raises(NoSuchScopeError):
            take_out_of_service(ledger.connection, 1, scope="device", reason="x", operator="Wang", now=now_micros())

    def test_an_alert_that_was_raised_at_the_same_moment_follows(self, ledger: Ledger) -> None:
        ledger.write(change("raised", 10))
        ledger.connection.execute("INSERT INTO out_of_service (device, reason, by) VALUES ('d1', 'x', 'Wang')")
        sweep(ledger.connection, now_micros())
        assert state(ledger) == "out_of_service"


class TestLatching:
    def test_it_stays_open_until_it_is_reset(self, ledger: Ledger) -> None:
        ledger.write(change("raised", 10, latching=True))
        with pytest.raises(NotAllowedError, match="still holds"):
            reset(ledger.connection, 1, operator="Wang", comment=None)
        ledger.write(change("cleared", 20))
        acknowledge(ledger.connection, 1, operator="Wang", comment=None)
        assert ledger.alert("open, alarm_state") == (True, "acknowledged")
        assert reset(ledger.connection, 1, operator="Wang", comment="looked after")
        assert ledger.alert("open, alarm_state") == (False, "normal")
        with pytest.raises(NotAllowedError, match="not latched"):
            reset(ledger.connection, 1, operator="Wang", comment=None)

    def test_raised_again_before_its_reset_it_is_the_same_alert_and_to_be_acknowledged(self, ledger: Ledger) -> None:
        ledger.write(change("raised", 10, latching=True), change("cleared", 20))
        acknowledge(ledger.connection, 1, operator="Wang", comment=None)
        ledger.write(change("raised", 30, latching=True))
        assert ledger.rows("SELECT id, alarm_state FROM alerts") == [(1, "unacknowledged")]
        assert ledger.told() == ["raised", "cleared", "raised"]

    def test_a_missed_excursion_latches_too(self, ledger: Ledger) -> None:
        ledger.write(revisions=[revision(0, [("raised", 10, "red"), ("cleared", 20, "red")], latching=True)])
        acknowledge(ledger.connection, 1, operator="Wang", comment=None)
        assert ledger.alert("open, latched") == (True, True)


def test_conditions_are_recorded_and_never_announced(ledger: Ledger) -> None:
    ledger.write(change("raised", 10, class_="condition"))
    assert ledger.alert("open, alarm_state, announced") == (True, "normal", False)
    ledger.write(change("level_changed", 15, "red", worse=True), change("cleared", 20, "red"))
    assert ledger.alert("open") == (False,)
    ledger.write(revisions=[revision(5, [("raised", 6, "red")])])
    assert len(ledger.effective()) == 1
    assert ledger.told() == []


def test_states_come_back_with_their_delays_and_marks(ledger: Ledger) -> None:
    kept = (
        RuleState(rule="a", subject="s", level=None, since=(T0,), at=T0),
        RuleState(
            rule="b",
            subject="s",
            level=None,
            since=(),
            at=T0,
            back=(T0 + 1, T0 + 2),
            marks=(Mark(time=T0, level=None, value=None), Mark(time=T0 + 1, level=None, value=2.5)),
        ),
    )
    version = take_lead(ledger.connection, "states")
    commit(ledger.connection, Commit(kept=kept, positions={}), leader="states", version=version)
    assert tuple(read_states(ledger.connection)) == kept


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE alert_events SET comment = 'x'",
        "DELETE FROM alert_events",
        "DELETE FROM shelvings",
        "UPDATE shelvings SET reason = 'x'",
        "UPDATE shelvings SET until = now()",
        "DELETE FROM out_of_service",
        "UPDATE out_of_service SET device = 'x'",
        "DELETE FROM maintenance_windows",
        "UPDATE maintenance_windows SET ends_at = now()",
    ],
)
def test_what_was_done_stays_on_record(ledger: Ledger, statement: str) -> None:
    ledger.connection.execute("SET ROLE lifeline_writer")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ledger.connection.execute(statement.encode())
    ledger.connection.execute("RESET ROLE")


def test_the_role_of_the_stages_may_do_all_of_it(ledger: Ledger) -> None:
    ledger.connection.execute("SET ROLE lifeline_writer")
    ledger.write(change("raised", 1, rule="cause"), change("raised", 10, latching=True))
    ledger.write(revisions=[revision(5, [("raised", 6, "red")])], restraints=[inhibition(10, CAUSE)])
    now = shelved(ledger, 2)
    sweep(ledger.connection, now + 601 * SECOND)
    planned = window(ledger, Scope(device="d1"))
    cancel(ledger.connection, planned.id, operator="Wang", now=now_micros())
    take_out_of_service(ledger.connection, 2, scope="asset", reason="x", operator="Wang", now=now_micros())
    return_to_service(ledger.connection, 2, operator="Wang", comment=None, now=now_micros())
    ledger.connection.execute("RESET ROLE")
    assert ledger.alert("latched", 2) == (True,)


def test_boards_and_counts_show_what_asks_for_attention(ledger: Ledger) -> None:
    ledger.write(
        change("raised", 1, rule="cause"),
        change("raised", 10),
        change("raised", 10, rule="night", class_="condition"),
        restraints=[inhibition(10, CAUSE)],
    )
    ledger.write(change("raised", 20, "red", rule="shelved"))
    shelved(ledger, 4)
    board = run_panel(ledger.connection, panel_sql("open_alerts_by_level", language="en"), start=T0, end=T0)
    assert board.rows == ((0, 0, 1, 0),)
    assert [(found.level, found.active) for found in open_alerts(ledger.connection)] == [("red", 1), ("yellow", 2)]
    (network,) = [found for found in networks(ledger.connection) if found.id == "gas"]
    assert network.active_alerts == 3


def test_a_message_names_what_was_taken_back_and_keeps_the_words_of_its_moment(database_url: str) -> None:
    with connect(database_url, application="tests") as connection:
        ledger = Ledger(connection)
        ledger.write(change("raised", 10), change("level_changed", 20, "red", worse=True))
        ledger.write(revisions=[revision(15, [])])
        pool = open_pool(database_url, application="tests", size=1)
        try:
            raised, level, back = (notice(pool, event) for event in (1, 2, 3))
        finally:
            pool.close()
    assert (raised.title.en, level.title.en) == ("yellow at 10", "red at 20")
    assert (level.previous_level, raised.previous_level) == ("yellow", None)
    assert (back.event, back.withdraws) == ("withdrawn", "level_changed")
