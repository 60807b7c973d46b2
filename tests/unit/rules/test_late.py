"""What late observations change: told by further events, never by editing; and what they do not change."""

import pytest

from domain.observation import Quality
from rules.past import ArrayPast
from rules.rule import Rule
from rules.step import Step
from tests.support.rulebook import Row, above, evaluator, feed, history, rule, stream, tick, told


def rewritten(step: Step) -> list[tuple[str, float, list[tuple[str, float]]]]:
    """Rule, since when, and what was since then, of every rewriting."""
    zero = 1_777_593_600_000_000
    return [
        (r.rule.id, (r.since - zero) / 1e6, [(t.event.value, (t.time - zero) / 1e6) for t in r.transitions])
        for r in step.rewritings
    ]


def test_an_excursion_that_was_missed_is_raised_and_cleared_in_event_time() -> None:
    engine = evaluator([above(blue=10)], [stream(1)])
    feed(engine, (1, 0, 5, 0), (1, 120, 5, 0))
    step = feed(engine, (1, 60, 30, 0))
    assert told(step) == [("datastream:1", "raised", 60, "blue"), ("datastream:1", "cleared", 120, "blue")]
    assert step.rewritings == []


def test_an_earlier_onset_moves_the_raise() -> None:
    engine = evaluator([above(blue=10)], [stream(1)])
    feed(engine, (1, 0, 5, 0), (1, 120, 11, 0))
    step = feed(engine, (1, 60, 30, 0))
    assert told(step) == []
    assert rewritten(step) == [("r", 60, [("raised", 60)])]


def test_a_raise_that_a_late_value_refutes_is_withdrawn() -> None:
    own = above(blue=10, on_delay_s=100)
    engine = evaluator([own], [stream(1)])
    steps = [feed(engine, *[(1, float(at), 11, 0) for at in (0, 60, 120)])]
    assert told(*steps) == [("datastream:1", "raised", 100, "blue")]
    steps.append(feed(engine, (1, 90, 2, 0)))
    assert rewritten(steps[-1]) == [("r", 100, [])]
    assert history(*steps) == []


def test_a_late_value_that_confirms_what_was_decided_changes_nothing() -> None:
    engine = evaluator([above(blue=10)], [stream(1)])
    feed(engine, (1, 0, 11, 0), (1, 120, 11, 0))
    step = feed(engine, (1, 60, 12, 0))
    assert (told(step), step.rewritings, step.standings) == ([], [], {})
    assert dict(step.late) == {"confirmed": 1}


def test_a_late_quiet_value_where_nothing_happened_is_only_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = evaluator([above(blue=10)], [stream(1)])
    feed(engine, (1, 0, 5, 0), (1, 120, 5, 0))

    def forbidden(*_: object) -> None:
        raise AssertionError("the past was read for nothing")

    monkeypatch.setattr(ArrayPast, "samples", forbidden)
    step = feed(engine, (1, 60, 6, 0))
    assert (dict(step.late), step.changed) == ({"quiet": 1}, False)


def test_a_batch_of_two_hours_raises_what_would_have_been_raised() -> None:
    rows: list[Row] = [(1, 60.0 * at, 30.0 if 30 <= at < 40 else 5.0, 0) for at in range(120)]
    live, upload = (
        evaluator([above(blue=10, on_delay_s=120)], [stream(1)]),
        evaluator([above(blue=10, on_delay_s=120)], [stream(1)]),
    )
    expected = history(*[feed(live, row) for row in rows])
    assert expected == [("datastream:1", "raised", 1920, "blue"), ("datastream:1", "cleared", 2400, "blue")]
    feed(upload, (1, 7200.0, 5, 0))
    assert history(feed(upload, *rows)) == expected


def test_history_that_a_device_sends_as_such_is_never_alarmed() -> None:
    engine = evaluator([above(blue=10)], [stream(1)])
    step = feed(engine, (1, 0, 99, Quality.HISTORICAL), (1, 60, 5, 0))
    assert told(step) == []


def test_a_sample_that_is_older_than_what_the_clock_revealed_takes_it_back() -> None:
    engine = evaluator([above(blue=10, on_delay_s=30)], [stream(1)])
    steps = [feed(engine, (1, 0, 11, 0)), tick(engine, 50)]
    assert told(*steps) == [("datastream:1", "raised", 30, "blue")]
    steps.append(feed(engine, (1, 20, 2, 0)))
    assert history(*steps) == []


def change() -> Rule:
    condition = {
        "measure": {"change": {"window_s": 300}},
        "above": {"yellow": {"limit": 9, "evidence": "unverified"}},
        "hysteresis": 0,
    }
    return rule("rise", condition=condition)


def test_a_late_low_value_makes_a_later_one_a_rise() -> None:
    engine = evaluator([change()], [stream(1)])
    steps = [feed(engine, (1, 0, 20, 0), (1, 120, 20, 0), (1, 180, 20, 0))]
    assert told(*steps) == []
    steps.append(feed(engine, (1, 60, 5, 0)))
    assert history(*steps) == [("datastream:1", "raised", 120, "yellow")]
    steps.append(feed(engine, *[(1, float(at), 20, 0) for at in range(240, 480, 60)]))
    assert history(*steps)[-1] == ("datastream:1", "cleared", 420, "yellow")


def test_what_lies_beyond_the_horizon_is_forgotten() -> None:
    engine = evaluator([above(blue=10)], [stream(1)])
    feed(engine, (1, 0, 11, 0), (1, 60, 5, 0))
    assert len(engine.standings()) == 1
    tick(engine, 7 * 86_400)
    assert len(engine.standings()) == 1
    step = tick(engine, 8 * 86_400 + 1000)
    assert step.standings == {("r", "datastream:1"): None}
    assert engine.standings() == []
