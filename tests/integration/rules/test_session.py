"""The rules on a real database: alerts, events, intents, states and positions move together, or not at all."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from domain.alert import Level
from domain.errors import FencedError
from rules.session import Session
from storage import alerts, batches
from storage.alerts import read_states
from tests.integration.rules.city import RULES, City
from tests.support.rulebook import SECOND, T0, above, silence
from tests.support.storing import register


@contextmanager
def a_city(url: str) -> Iterator[City]:
    with ExitStack() as stack:
        yield City(url, stack)


@pytest.fixture
def city(database_url: str) -> Iterator[City]:
    with a_city(database_url) as found:
        yield found


def caught_up(session: Session) -> None:
    while session.catch_up():
        pass


def ticked(session: Session) -> None:
    session.look_ahead()
    caught_up(session)
    assert session.tick()


def test_an_alert_its_event_and_the_intent_to_tell_are_written_together(city: City) -> None:
    session = city.rules()
    a = city.streams["a"]
    city.writer.store((a, 0, 5), (a, 60, 27.5))
    caught_up(session)
    assert city.rows(
        "SELECT rule, subject, kind, class, network, area, asset, device, property, level, state, acknowledged,"
        " value, threshold, title_en, title_zh, text_en FROM alerts"
    ) == [
        (
            "methane", f"datastream:{a}", "safety", "alarm", "gas", "530102", "well-1", "a", "gas.ch4.chamber",
            "yellow", "active", False, 27.5, 20.0, "Well 1", "Well 1 中文", "27.5 %LEL",
        )
    ]  # fmt: skip
    assert city.events() == [("methane", "raised", "yellow", 60.0, 27.5)]
    assert city.rows("SELECT o.event = e.id FROM outbox o, alert_events e") == [(True,)]
    assert city.rows("SELECT follower, partition, seq FROM journal_positions") == [("rules", "all", 1)]
    assert {state.rule for state in read_states(city.connection)} == {"methane", "slow"}


def test_levels_move_inside_one_alert_and_clearing_leaves_nothing_active(city: City) -> None:
    session = city.rules(RULES[0])
    a = city.streams["a"]
    city.writer.store((a, 0, 27), (a, 60, 55))
    city.writer.store((a, 120, 30), (a, 180, 0))
    caught_up(session)
    assert city.alerts() == [("methane", f"datastream:{a}", "yellow", "returned", False, True, 0.0, 180.0)]
    assert [(event, level, at) for _, event, level, at, _ in city.events()] == [
        ("raised", "yellow", 0.0),
        ("level_changed", "red", 60.0),
        ("level_changed", "yellow", 120.0),
        ("cleared", "yellow", 180.0),
    ]
    assert city.rows("SELECT count(*) FROM outbox") == [(4,)]
    # What late observations may still change is kept.
    (kept,) = read_states(city.connection)
    assert (kept.level, kept.since, [mark.level for mark in kept.marks]) == (
        None, (), [Level.YELLOW, Level.RED, Level.YELLOW, None],
    )  # fmt: skip


class TestReRaise:
    """ISA-18.2: what returned and was never acknowledged comes back as the same alert; what is over, as a new one."""

    def test_returned_and_unacknowledged_opens_the_same_alert_again(self, city: City) -> None:
        session = city.rules(RULES[0])
        a = city.streams["a"]
        for at, value in ((0, 27), (60, 0), (120, 60)):
            city.writer.store((a, at, value))
            caught_up(session)
        assert city.alerts() == [("methane", f"datastream:{a}", "red", "active", False, True, 0.0, None)]
        assert [event for _, event, *_ in city.events()] == ["raised", "cleared", "raised"]

    def test_a_hundred_flaps_in_one_batch_are_one_alert(self, city: City) -> None:
        session = city.rules(RULES[0])
        a = city.streams["a"]
        city.writer.store(*[(a, 60 * n, 27 if n % 2 else 0) for n in range(201)])
        caught_up(session)
        assert len(city.alerts()) == 1
        assert [event for _, event, *_ in city.events()] == ["raised", "cleared"] * 100

    def test_what_is_over_raises_a_new_alert(self, city: City) -> None:
        session = city.rules(RULES[0])
        a = city.streams["a"]
        city.writer.store((a, 0, 27))
        caught_up(session)
        city.acknowledge()
        city.writer.store((a, 60, 0))
        caught_up(session)
        assert [(state, open_) for *_, state, _, open_, _, _ in city.alerts()] == [("returned", False)]
        city.writer.store((a, 120, 27))
        caught_up(session)
        assert [(state, acknowledged) for _, _, _, state, acknowledged, *_ in city.alerts()] == [
            ("returned", True),
            ("active", False),
        ]

    def test_an_acknowledged_alert_that_worsens_is_to_be_acknowledged_again(self, city: City) -> None:
        session = city.rules(RULES[0])
        a = city.streams["a"]
        city.writer.store((a, 0, 27))
        caught_up(session)
        city.acknowledge()
        city.writer.store((a, 60, 55))
        caught_up(session)
        assert city.rows("SELECT level, acknowledged, acknowledged_by FROM alerts") == [("red", False, None)]
        city.acknowledge()
        city.writer.store((a, 120, 30))
        caught_up(session)
        assert city.rows("SELECT level, acknowledged, acknowledged_by FROM alerts") == [("yellow", True, "li")]


class TestRestart:
    def test_a_running_delay_keeps_its_start(self, city: City) -> None:
        a = city.streams["a"]
        city.writer.store((a, 0, 15))
        caught_up(city.rules(leader="one"))
        city.writer.store((a, 60, 15))
        caught_up(city.rules(leader="two"))
        assert city.alerts() == []
        city.writer.store((a, 120, 15))
        caught_up(city.rules(leader="three"))
        assert city.events() == [("slow", "raised", "blue", 100.0, 15.0)]

    def test_an_open_alert_is_not_raised_again(self, city: City) -> None:
        a = city.streams["a"]
        city.writer.store((a, 0, 27))
        caught_up(city.rules(RULES[0], leader="one"))
        city.writer.store((a, 60, 28), (a, 120, 0))
        caught_up(city.rules(RULES[0], leader="two"))
        assert [event for _, event, *_ in city.events()] == ["raised", "cleared"]

    def test_what_was_stored_but_not_evaluated_is_not_taken_for_late(self, city: City) -> None:
        a = city.streams["a"]
        city.writer.store((a, 0, 5))
        caught_up(city.rules(leader="one"))
        city.writer.store((a, 60, 27))
        city.writer.store((a, 120, 28))
        caught_up(city.rules(leader="two"))
        assert city.events()[0] == ("methane", "raised", "yellow", 60.0, 27.0)
        assert city.rows("SELECT state FROM alerts WHERE rule = 'methane'") == [("active",)]

    def test_what_was_evaluated_makes_older_data_late(self, city: City) -> None:
        a = city.streams["a"]
        city.writer.store((a, 120, 5))
        first = city.rules(RULES[0], leader="one")
        caught_up(first)
        first.close()
        city.writer.store((a, 90, 27))
        caught_up(city.rules(RULES[0], leader="two"))
        assert [(event, at) for _, event, _, at, _ in city.events()] == [("raised", 90.0), ("cleared", 120.0)]

    def test_a_position_that_was_not_committed_only_repeats_quiet_rows(self, city: City) -> None:
        a = city.streams["a"]
        first = city.rules(RULES[0], leader="one")
        city.writer.store((a, 0, 27))
        caught_up(first)
        city.writer.store((a, 60, 28))
        caught_up(first)
        second = city.rules(RULES[0], leader="two")
        caught_up(second)
        city.writer.store((a, 120, 0))
        caught_up(second)
        assert [event for _, event, *_ in city.events()] == ["raised", "cleared"]

    def test_a_rule_that_was_taken_out_ends_its_alert(self, city: City) -> None:
        a = city.streams["a"]
        city.writer.store((a, 0, 27))
        caught_up(city.rules(*RULES, leader="one"))
        city.rules(RULES[1], leader="two", clock=lambda: T0 + 500 * SECOND)
        assert city.rows("SELECT event, comment LIKE 'withdrawn%' FROM alert_events ORDER BY id") == [
            ("raised", None),
            ("cleared", True),
        ]
        assert [state.rule for state in read_states(city.connection)] == ["slow"]


class TestCrash:
    def test_a_crash_between_evaluation_and_commit_repeats_nothing(
        self, city: City, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        a = city.streams["a"]
        session = city.rules(leader="one")
        city.writer.store((a, 0, 60))

        def crash(*_: object, **__: object) -> int:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr("rules.session.commit", crash)
            with pytest.raises(KeyboardInterrupt):
                session.catch_up()
        assert city.alerts() == []
        assert city.rows("SELECT * FROM journal_positions") == []
        caught_up(city.rules(leader="two"))
        assert city.events() == [("methane", "raised", "red", 0.0, 60.0)]

    def test_a_failure_inside_the_transaction_writes_nothing_of_it(
        self, city: City, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        session = city.rules(leader="one")
        city.writer.store((city.streams["a"], 0, 60))

        def crash(_: object) -> dict[str, object]:
            raise ZeroDivisionError

        with monkeypatch.context() as patch:
            # The alert, its event and the intent are written by then, in this transaction.
            patch.setattr(alerts, "_standing", crash)
            with pytest.raises(ZeroDivisionError):
                session.catch_up()
        assert city.alerts() == []
        assert city.rows("SELECT count(*) FROM outbox") == [(0,)]
        caught_up(session)
        assert [event for _, event, *_ in city.events()] == ["raised"]

    def test_a_leader_that_was_replaced_writes_nothing_more(self, city: City) -> None:
        old = city.rules(leader="old")
        new = city.rules(leader="new")
        city.writer.store((city.streams["a"], 0, 60))
        with pytest.raises(FencedError):
            old.catch_up()
        assert city.alerts() == []
        caught_up(new)
        assert len(city.alerts()) == 1


class TestTick:
    def test_absence_is_judged_by_the_clock_of_ingest(self, city: City) -> None:
        session = city.rules(silence(factor=2))
        city.writer.store((city.streams["a"], 0, 1), (city.streams["b"], 0, 1))
        city.writer.caught_up(100)
        ticked(session)
        assert city.alerts() == []
        city.writer.store((city.streams["b"], 110, 1))
        city.writer.caught_up(130)
        ticked(session)
        assert city.rows("SELECT subject, network, device, property, value, threshold FROM alerts") == [
            ("device:a", "gas", "a", None, None, 120.0)
        ]
        city.writer.store((city.streams["a"], 125, 1))
        ticked(session)
        assert city.alerts() == [("silent", "device:a", "yellow", "returned", False, True, 120.0, 125.0)]

    def test_while_ingest_never_caught_up_nobody_is_absent(self, city: City) -> None:
        session = city.rules(silence())
        city.writer.store((city.streams["a"], 0, 1))
        ticked(session)
        assert city.alerts() == []

    def test_each_datastream_has_the_clock_of_the_partition_that_serves_its_area(self, city: City) -> None:
        session = city.rules(silence())
        far = register(city.connection, ["c"], area="530103")["c"]
        other, near = city.writer_of("530103"), city.writer_of("530102")
        near.caught_up(10_000)
        other.caught_up(50)
        ticked(session)
        assert {subject for _, subject, *_ in city.alerts()} == {"device:a", "device:b"}
        other.store((far, 40, 1))
        other.caught_up(10_000)
        ticked(session)
        assert len(city.alerts()) == 3

    def test_where_nobody_listens_nobody_is_silent(self, city: City) -> None:
        session = city.rules(silence())
        other = city.writer_of("530103")
        other.caught_up(10_000)
        ticked(session)
        assert city.alerts() == []

    def test_a_partition_that_was_given_up_holds_up_nobody(self, city: City) -> None:
        session = city.rules(silence())
        retired = city.writer_of("530102")
        retired.caught_up(10)
        city.writer.caught_up(10_000)
        ticked(session)
        assert len(city.alerts()) == 2

    def test_a_tick_waits_until_the_journal_was_read_up_to_its_clock(self, city: City) -> None:
        session = city.rules(silence())
        city.writer.store((city.streams["a"], 0, 1), (city.streams["b"], 0, 1))
        caught_up(session)
        city.writer.store((city.streams["a"], 110, 1), (city.streams["b"], 110, 1))
        city.writer.caught_up(130)
        session.look_ahead()
        assert not session.tick()
        assert not session.look_ahead()
        caught_up(session)
        assert session.tick()
        assert city.alerts() == []

    def test_a_running_delay_ends_by_the_clock(self, city: City) -> None:
        session = city.rules(above("slow", on_delay_s=30, blue=10))
        city.writer.store((city.streams["a"], 0, 15))
        city.writer.caught_up(31)
        ticked(session)
        assert city.events() == [("slow", "raised", "blue", 30.0, 15.0)]

    def test_silence_survives_a_restart(self, city: City) -> None:
        city.writer.store((city.streams["a"], 0, 1), (city.streams["b"], 0, 1))
        city.writer.caught_up(1000)
        ticked(city.rules(silence(), leader="one"))
        second = city.rules(silence(), leader="two")
        ticked(second)
        city.writer.store((city.streams["a"], 990, 1), (city.streams["b"], 990, 1))
        ticked(second)
        assert [event for _, event, *_ in city.events()] == ["raised", "raised", "cleared", "cleared"]


def test_a_device_registered_while_the_rules_run_is_watched_at_once(city: City) -> None:
    session = city.rules()
    city.writer.store((city.streams["a"], 0, 60))
    caught_up(session)
    late = register(city.connection, ["c"])["c"]
    city.writer.store((late, 0, 60))
    caught_up(session)
    assert [subject for _, subject, *_ in city.alerts()] == [f"datastream:{city.streams['a']}", f"datastream:{late}"]


def test_every_partition_is_followed_in_its_own_order(city: City) -> None:
    session = city.rules(RULES[0])
    other = city.writer_of("530103")
    a, b = city.streams["a"], city.streams["b"]
    city.writer.store((a, 0, 60))
    other.store((b, 0, 60))
    other.store((b, 60, 0))
    session.look_ahead()
    caught_up(session)
    assert sorted(
        (subject, event)
        for subject, event in city.rows("SELECT subject, event FROM alert_events e JOIN alerts a ON a.id = e.alert")
    ) == [(f"datastream:{a}", "raised"), (f"datastream:{b}", "cleared"), (f"datastream:{b}", "raised")]
    session.close()
    assert sorted(city.rows("SELECT partition, seq FROM journal_positions")) == [("530103", 2), ("all", 1)]


def test_a_thousand_alerts_are_written_in_one_go(city: City) -> None:
    streams = register(city.connection, [f"d{n}" for n in range(1000)])
    session = city.rules(RULES[0])
    city.writer.store(*[(number, 0, 60.0) for number in streams.values()])
    assert session.catch_up()
    assert city.rows("SELECT count(*) FROM alerts") == [(1000,)]
    assert city.rows("SELECT count(*) FROM outbox") == [(1000,)]


class TestInterruption:
    """Ingest was away: what devices could not say meanwhile is not their fault."""

    def beats(self, city: City, caught_up: float, listening: float) -> None:
        batches.heartbeat(
            city.writer.connection,
            partition="all",
            connected=True,
            caught_up_at=T0 + round(caught_up * SECOND),
            session_losses=0,
            listening_since=T0 + round(listening * SECOND),
        )

    def test_after_an_interruption_silence_counts_from_the_return(self, city: City) -> None:
        session = city.rules(silence(factor=2))
        self.beats(city, 0, -1000)
        city.writer.store((city.streams["a"], 0, 1), (city.streams["b"], 0, 1))
        self.beats(city, 1, -1000)
        ticked(session)
        # Away for an hour; both are heard again, one of them at once.
        self.beats(city, 1, 3600)
        city.writer.store((city.streams["a"], 3610, 1))
        self.beats(city, 3611, 3600)
        ticked(session)
        assert city.alerts() == []
        self.beats(city, 3721, 3600)
        ticked(session)
        assert [(subject, at) for _, subject, *_, at, _ in city.alerts()] == [("device:b", 3720.0)]

    def test_a_restart_of_ingest_is_no_interruption(self, city: City) -> None:
        session = city.rules(silence(factor=2))
        self.beats(city, 0, -1000)
        city.writer.store((city.streams["a"], 0, 1), (city.streams["b"], 100, 1))
        self.beats(city, 100, -1000)
        self.beats(city, 121, 105)
        ticked(session)
        assert [(subject, at) for _, subject, *_, at, _ in city.alerts()] == [("device:a", 120.0)]
