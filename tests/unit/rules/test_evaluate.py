"""The engine's core: the vectorised way equals a plain loop, however the data come in batches."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.plain_loop import PlainLoop
from domain.alert import Level
from domain.observation import Quality
from domain.transition import RuleState
from rules import threshold
from rules.evaluate import Evaluator
from rules.plan import build
from rules.step import Observations
from rules.threshold import State
from rules.track import Track
from tests.support.rulebook import (
    SECOND,
    T0,
    Row,
    above,
    batch,
    below,
    evaluator,
    feed,
    rule,
    silence,
    stream,
    tick,
    told,
    told_by,
)

RULES = (
    above("steps", hysteresis=2, blue=10, yellow=20, orange=30),
    above("delayed", on_delay_s=100, hysteresis=1, yellow=15, red=35),
    below("low", on_delay_s=30, hysteresis=1, yellow=5, orange=2),
)
STREAMS = (stream(1), stream(2), stream(7, interval_s=300), stream(9, property="gas.flow"))


@st.composite
def histories(draw: st.DrawFn) -> list[list[Row]]:
    """In-order data of several datastreams, cut into batches, some observations delivered twice in a row."""
    rows: list[Row] = []
    clocks = dict.fromkeys((1, 2, 7, 9), 0.0)
    for _ in range(draw(st.integers(1, 60))):
        datastream = draw(st.sampled_from((1, 2, 7, 9)))
        clocks[datastream] += draw(st.sampled_from((0.5, 10, 30, 60, 90, 91, 200, 1000)))
        value = draw(st.sampled_from((0.0, 1.5, 4, 6, 8, 10, 12, 16, 21, 29, 31, 36, 50)))
        quality = draw(st.sampled_from((0, 0, 0, 0, 1)))
        rows += [(datastream, clocks[datastream], value, quality)] * draw(st.sampled_from((1, 1, 1, 2)))
    cuts = sorted(draw(st.lists(st.integers(0, len(rows)), max_size=8)))
    return [rows[a:b] for a, b in zip([0, *cuts], [*cuts, len(rows)], strict=True)]


@given(histories())
@settings(deadline=None, max_examples=300)
def test_any_batching_gives_what_a_plain_loop_gives(batches: list[list[Row]]) -> None:
    plan = build(RULES, STREAMS)
    engine, loop = Evaluator(plan), PlainLoop(plan)
    steps = [feed(engine, *rows) for rows in batches]
    loop.feed(batch(row for rows in batches for row in rows))
    assert sorted(told(*steps)) == sorted(told_by(loop))


@given(histories(), st.data())
@settings(deadline=None, max_examples=150)
def test_ticks_that_lag_the_data_change_no_transition_only_when_it_is_known(
    batches: list[list[Row]], data: st.DataObject
) -> None:
    """A tick is judged at an instant up to which all data has come: it may reveal earlier, never differently."""
    plan = build(RULES, STREAMS)
    silent, ticked = Evaluator(plan), Evaluator(plan)
    rows = sorted((row for rows in batches for row in rows), key=lambda row: row[1])
    quiet, loud = [], []
    for at, row in enumerate(rows):
        quiet.append(feed(silent, row))
        loud.append(feed(ticked, row))
        now = rows[at + 1][1] if at + 1 < len(rows) else row[1]
        loud.append(tick(ticked, data.draw(st.floats(0, now))))
    quiet.append(tick(silent, 1e6))
    loud.append(tick(ticked, 1e6))
    assert sorted(told(*loud)) == sorted(told(*quiet))


@given(histories(), st.integers(0, 8))
@settings(deadline=None, max_examples=150)
def test_a_restart_between_any_two_batches_changes_nothing(batches: list[list[Row]], cut: int) -> None:
    plan = build(RULES, STREAMS)
    whole = Evaluator(plan)
    expected = [feed(whole, *rows) for rows in batches]
    before = Evaluator(plan)
    steps = [feed(before, *rows) for rows in batches[:cut]]
    after = Evaluator(plan)
    assert after.inherit(before) == []
    steps += [feed(after, *rows) for rows in batches[cut:]]
    assert told(*steps) == told(*expected)
    assert sorted(map(repr, after.standings())) == sorted(map(repr, whole.standings()))


def test_what_is_not_adopted_was_never_seen() -> None:
    engine = evaluator([above(blue=10)], [stream(1)])
    rows = [(1, 0.0, 11.0, 0)]
    first, second = engine.evaluate(batch(rows)), engine.evaluate(batch(rows))
    assert told(first) == told(second) == [("datastream:1", "raised", 0, "blue")]
    engine.adopt(second)
    assert told(engine.evaluate(batch(rows))) == []


def test_quiet_data_never_reach_the_state_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise AssertionError("a quiet observation was judged one by one")

    monkeypatch.setattr("rules.judging.run", forbidden)
    engine = evaluator(RULES, STREAMS)
    step = feed(engine, *[(1, i, 7.0, 0) for i in range(1000)])
    assert not step.failures
    assert not step.changed


@pytest.mark.parametrize("quality", [Quality.OUT_OF_RANGE, Quality.DEVICE_DOUBT, Quality.HISTORICAL])
def test_doubtful_and_historical_values_neither_raise_nor_clear(quality: Quality) -> None:
    engine = evaluator([above(blue=10)], [stream(1)])
    assert told(feed(engine, (1, 0, 99, quality))) == []
    assert told(feed(engine, (1, 1, 99, 0))) == [("datastream:1", "raised", 1, "blue")]
    assert told(feed(engine, (1, 2, 0, quality))) == []
    assert told(feed(engine, (1, 3, 0, 0))) == [("datastream:1", "cleared", 3, "blue")]


def test_a_doubtful_value_does_not_feed_a_running_delay() -> None:
    engine = evaluator([above(on_delay_s=120, blue=10)], [stream(1)])
    steps = [
        feed(engine, (1, 0, 11, 0)),
        feed(engine, (1, 60, 11, 1)),
        feed(engine, (1, 120, 11, 1)),
        tick(engine, 500),
    ]
    assert told(*steps) == []


def test_one_failing_rule_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    real = threshold.run

    def run(own: Track, *arguments: Any) -> State:  # noqa: ANN401
        if own.name == "bad":
            raise ZeroDivisionError("broken")
        return real(own, *arguments)

    monkeypatch.setattr("rules.judging.run", run)
    engine = evaluator([above("bad", blue=10), above("good", blue=10)], [stream(1)])
    step = feed(engine, (1, 0, 11, 0))
    assert step.failures == {"bad": "ZeroDivisionError: broken"}
    assert [t.rule.id for t in step.transitions] == ["good"]


def test_observations_of_unknown_datastreams_are_counted_and_harm_nobody() -> None:
    engine = evaluator([above(blue=10)], [stream(5)])
    step = feed(engine, (5, 0, 11, 0), (6, 0, 11, 0), (2, 0, 11, 0), (4_000_000, 0, 11, 0))
    assert step.unknown == 3
    assert told(step) == [("datastream:5", "raised", 0, "blue")]


def test_an_empty_batch_is_nothing() -> None:
    engine = evaluator(RULES, STREAMS)
    step = feed(engine)
    assert (step.observations, step.changed) == (0, False)
    nothing = Evaluator(build(RULES, []))
    assert not feed(nothing, (1, 0, 99, 0)).changed


def test_not_a_number_is_no_quiet_value() -> None:
    engine = evaluator([above(blue=10)], [stream(1)])
    assert told(feed(engine, (1, 0, math.nan, 0))) == []
    assert told(feed(engine, (1, 1, 11, 0))) == [("datastream:1", "raised", 1, "blue")]


def test_a_rule_watches_only_what_it_applies_to() -> None:
    streams = [
        stream(1),
        stream(2, asset_kind="station"),
        stream(3, tags={"road": "main"}),
        stream(4, property="device.battery"),
        stream(5, property="device.battery", network="water"),
    ]
    scoped = [
        rule(
            "kind",
            condition=above(blue=10).condition.model_dump(),
            applies_to={"property": "gas.ch4.chamber", "asset_kinds": ["station"]},
        ),
        rule(
            "tag",
            condition=above(blue=10).condition.model_dump(),
            applies_to={"property": "gas.ch4.chamber", "tags": {"road": "main"}},
        ),
        rule("shared", condition=above(blue=10).condition.model_dump(), applies_to={"property": "device.battery"}),
        rule(
            "any",
            condition=above(blue=10).condition.model_dump(),
            network="any",
            applies_to={"property": "device.battery"},
        ),
    ]
    step = feed(evaluator(scoped, streams), *[(n, 0, 11.0, 0) for n in range(1, 6)])
    assert sorted((t.rule.id, t.subject) for t in step.transitions) == [
        ("any", "datastream:4"),
        ("any", "datastream:5"),
        ("kind", "datastream:2"),
        ("shared", "datastream:4"),
        ("tag", "datastream:3"),
    ]


class TestKept:
    def test_a_running_delay_goes_on_from_its_start(self) -> None:
        engine = evaluator([above(on_delay_s=120, blue=10)], [stream(1)])
        kept = RuleState(rule="r", subject="datastream:1", level=None, since=(T0,), at=0)
        assert engine.restore([kept]) == []
        engine.remember(np.array([1], np.int32), np.array([T0 + 60 * SECOND]), np.array([11.0]), good=True)
        assert told(feed(engine, (1, 120, 11, 0))) == [("datastream:1", "raised", 120, "blue")]

    def test_what_fits_no_rule_or_subject_is_given_back(self) -> None:
        engine = evaluator([above(blue=10), silence()], [stream(1)])
        strangers = [
            RuleState(rule="gone", subject="datastream:1", level=Level.BLUE, since=(), at=0),
            RuleState(rule="r", subject="datastream:77", level=Level.BLUE, since=(), at=0),
            RuleState(rule="silent", subject="device:gone", level=Level.YELLOW, since=(), at=0),
            RuleState(rule="r", subject="asset:1", level=Level.BLUE, since=(), at=0),
        ]
        assert engine.restore(strangers) == strangers

    def test_standings_come_back_as_they_were(self) -> None:
        plan = build([above(blue=10, red=50), silence()], [stream(1), stream(2)])
        first = Evaluator(plan)
        feed(first, (1, 0, 11, 0))
        tick(first, 1000)
        kept = first.standings()
        assert {(s.rule, s.subject) for s in kept} == {
            ("r", "datastream:1"),
            ("silent", "device:d1"),
            ("silent", "device:d2"),
        }
        second = Evaluator(plan)
        assert second.restore(kept) == []
        assert second.standings() == kept


def test_the_last_value_stands_beside_a_raise_by_the_clock() -> None:
    engine = evaluator([above(on_delay_s=30, blue=10)], [stream(1)])
    feed(engine, (1, 0, 11, 0), (1, 20, 12.5, 0))
    step = tick(engine, 31)
    assert [(t.value, t.threshold, t.time) for t in step.transitions] == [(12.5, 10.0, T0 + 30 * SECOND)]


def test_columns_may_come_in_the_types_of_the_journal() -> None:
    engine = evaluator([above(blue=10)], [stream(1)])
    columns = Observations(
        datastreams=np.array([1], dtype=np.int32),
        times=np.array([T0], dtype=np.int64),
        values=np.array([11.0]),
        qualities=np.array([0], dtype=np.int16),
    )
    assert engine.evaluate(columns).changed
