"""Once everything has come, the history in event time is that of arrival in order: the promise of late data."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.registry import Link
from domain.subject import WatchedAsset
from rules.evaluate import Evaluator
from rules.fusion import Fusion, Outcome
from rules.fusion import evaluate as evaluate_fused
from rules.past import ArrayPast
from rules.plan import Plan, build
from rules.rule import Rule
from rules.silence import NEVER
from rules.step import Step
from rules.surroundings import Surroundings
from tests.support.rulebook import T0, Row, above, batch, below, history, rule, silence, stream

GROUNDS = {"evidence": "unverified"}


def fused(identifier: str, when: dict[str, Any], **fields: object) -> Rule:
    condition = {"fused": {"orange": {"when": when, **GROUNDS}}, **fields}
    return rule(
        identifier,
        condition=condition,
        applies_to={"asset_kinds": ["valve_well"]},
        **{"class": "warning", "kind": "safety"},
    )


def leaf(property_: str, where: dict[str, Any] | None = None, **condition: object) -> dict[str, Any]:
    return {"property": property_, **condition, **({"where": where} if where else {}), **GROUNDS}


NEAR = {"within_m": 200}
RULES = (
    above("steps", hysteresis=2, blue=10, yellow=20, orange=30),
    above("delayed", on_delay_s=100, hysteresis=1, yellow=15, red=35),
    rule(
        "held",
        condition={
            "above": {"yellow": {"limit": 15, **GROUNDS}, "red": {"limit": 30, **GROUNDS}},
            "hysteresis": 0,
            "on_delay_s": 60,
            "off_delay_s": 90,
        },
    ),
    below("low", on_delay_s=30, hysteresis=1, yellow=5, orange=2),
    rule(
        "rise",
        condition={
            "measure": {"change": {"window_s": 180}},
            "above": {"yellow": {"limit": 9, **GROUNDS}, "orange": {"limit": 25, **GROUNDS}},
            "hysteresis": 1,
        },
    ),
    rule(
        "stuck",
        condition={
            "measure": {"unchanged": {"tolerance": 0.1}},
            "above": {"blue": {"limit": 150, **GROUNDS}},
            "hysteresis": 0,
            "on_delay_s": 20,
        },
    ),
    silence("silent"),
    fused(
        "together",
        {"all": [leaf("gas.ch4.chamber", above=9), leaf("gas.flow", NEAR, above=20, for_s=30)]},
        within_s=120,
        on_delay_s=30,
        off_delay_s=60,
    ),
    fused("lonely", {"all": [leaf("gas.ch4.chamber", above=9), {"not": leaf("gas.flow", NEAR, above=5)}]}),
    fused(
        "half",
        leaf("gas.ch4.chamber", NEAR, above=8, count={"share_above": 0.5, "known": 0.5}),
        on_delay_s=45,
    ),
)
ASSETS = tuple(
    WatchedAsset(
        id=f"well-{n}",
        kind="valve_well",
        network="gas",
        area="530102",
        name_en=f"Well {n}",
        name_zh=f"{n}号井",
        longitude=102.7 + n * 1e-4,
        latitude=25.0,
    )
    for n in (1, 2)
)
LINKS = (Link(from_asset="well-1", relation="feeds", to_asset="well-2"),)
STREAMS = (
    stream(1, device="a", asset="well-1"),
    stream(2, device="b", asset="well-2"),
    stream(7, device="c", asset="well-2", interval_s=300),
    stream(9, device="a", asset="well-1", property="gas.flow"),
)


def a_plan() -> Plan:
    return build(RULES, STREAMS, surroundings=Surroundings(ASSETS, LINKS))


PLAN = a_plan()
END = 2e5


@st.composite
def observations(draw: st.DrawFn) -> list[Row]:
    """What several datastreams observed, in the order of time, each instant of a datastream once."""
    rows: list[Row] = []
    clocks = dict.fromkeys((1, 2, 7, 9), 0.0)
    for _ in range(draw(st.integers(1, 40))):
        datastream = draw(st.sampled_from((1, 2, 7, 9)))
        clocks[datastream] += draw(st.sampled_from((0.5, 10, 30, 60, 60, 90, 91, 200, 1000)))
        value = draw(st.sampled_from((0.0, 1.5, 4, 6, 8, 10, 12, 16, 21, 29, 31, 36, 50)))
        rows.append((datastream, clocks[datastream], value, draw(st.sampled_from((0, 0, 0, 0, 1)))))
    return sorted(rows, key=lambda row: (row[1], row[0]))


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[Row], list[tuple[str, Any]]]:
    """Observations, and a way in which they may come: late, twice, in batches, between ticks and restarts."""
    rows = draw(observations())
    order = sorted(rows, key=lambda row: row[1] + draw(st.sampled_from((0.0, 0.0, 0.0, 40.0, 300.0, 2000.0))))
    acts: list[tuple[str, Any]] = []
    while order:
        size = draw(st.integers(1, 12))
        part, order = order[:size], order[size:]
        if draw(st.booleans()):
            part = [*part, draw(st.sampled_from(rows[: len(rows) - len(order)]))]
        acts.append(("feed", draw(st.permutations(part))))
        if draw(st.booleans()):
            acts.append(("tick", draw(st.sampled_from(rows))[1] + draw(st.sampled_from((-30.0, 1.0, 100.0)))))
        if draw(st.integers(0, 3)) == 0:
            acts.append(("restart", None))
    return rows, acts


class World:
    """An engine with what is stored around it; it can be restarted at any instant."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.past = ArrayPast()
        self.engine = Evaluator(plan, self.past)
        self.steps: list[Step] = []
        self._newest: dict[tuple[int, bool], tuple[int, float]] = {}
        self._known: set[tuple[int, float]] = set()

    def feed(self, rows: list[Row]) -> None:
        rows = [row for row in rows if (row[0], row[1]) not in self._known] or rows
        self._known |= {(row[0], row[1]) for row in rows}
        observed = batch(rows)
        self.past.add(observed.datastreams, observed.times, observed.values, observed.qualities)
        self._adopt(self.engine.evaluate(observed))
        for datastream, at, value, quality in rows:
            key, time = (datastream, not quality), T0 + round(at * 1e6)
            if time > self._newest.get(key, (NEVER, 0.0))[0]:
                self._newest[key] = (time, value)

    def tick(self, seconds: float) -> None:
        self._adopt(self.engine.tick(T0 + round(seconds * 1e6)))

    def restart(self) -> None:
        standings = self.engine.standings()
        self.engine = Evaluator(self.plan, self.past)
        assert self.engine.restore(standings) == []
        for (datastream, good), (time, value) in self._newest.items():
            self.engine.remember(
                np.array([datastream], dtype=np.int32), np.array([time], dtype=np.int64), np.array([value]), good=good
            )

        if len(self.steps) % 2:
            self.engine.warm()

    def _adopt(self, step: Step) -> None:
        assert not step.failures
        self.engine.adopt(step)
        self.steps.append(step)


def in_order(rows: list[Row]) -> list[Any]:
    world = World(PLAN)
    for row in rows:
        world.feed([row])
    world.tick(END)
    return by_rule(world.steps)


def by_rule(steps: list[Step]) -> list[Any]:
    found = []
    for name in PLAN.rules:
        own = [replace_all(step, name) for step in steps]
        found.append((name, history(*own)))
    return found


def replace_all(step: Step, name: str) -> Step:
    return replace(
        step,
        transitions=[t for t in step.transitions if t.rule.id == name],
        rewritings=[r for r in step.rewritings if r.rule.id == name],
    )


@given(deliveries())
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_any_order_batching_duplicates_ticks_and_restarts_give_the_same_history(
    delivery: tuple[list[Row], list[tuple[str, Any]]],
) -> None:
    rows, acts = delivery
    world = World(PLAN)
    for act, what in acts:
        if act == "feed":
            world.feed(what)
        elif act == "tick":
            world.tick(what)
        else:
            world.restart()
    world.tick(END)
    assert by_rule(world.steps) == in_order(rows)


@given(observations())
@settings(deadline=None, max_examples=50)
def test_one_batch_of_everything_gives_what_single_observations_give(rows: list[Row]) -> None:
    world = World(PLAN)
    world.feed(rows)
    world.tick(END)
    assert by_rule(world.steps) == in_order(rows)


def test_what_has_not_spoken_yet_begins_nothing_however_soon_it_speaks() -> None:
    """Devices that were just registered, heard one after the other while somebody has just begun to listen."""
    few = fused("few", leaf("gas.ch4.chamber", NEAR, below=5, count={"fewer_than": 2}))
    streams = [stream(1, device="a", asset="well-1"), stream(2, device="b", asset="well-2")]
    engine = Evaluator(build([few], streams, surroundings=Surroundings(ASSETS, LINKS)))
    engine.listen(T0)
    steps = []
    for act in ((1, 1.0, 0.0, 0), (2, 2.0, 0.0, 0)):
        step = engine.evaluate(batch([act]))
        engine.adopt(step)
        steps.append(step)
        step = engine.tick(T0 + round((act[1] + 0.5) * 1e6), T0)
        engine.adopt(step)
        steps.append(step)
    assert history(*steps) == []
    assert len(engine.standings()) >= 2


def test_one_batch_longer_than_the_horizon_gives_what_days_give() -> None:
    """A recording of weeks, as backtests read it: nothing of a fused rule is lost on the way."""
    rows: list[Row] = []
    for hour in range(24 * 20):
        hot = hour % 24 < 3
        for minute in range(0, 60, 20):
            at = hour * 3600.0 + minute * 60
            rows += [(1, at, 20.0 if hot else 1.0, 0), (9, at, 30.0 if hot else 1.0, 0)]
    streams = [
        stream(1, device="a", asset="well-1", interval_s=1200),
        stream(9, device="a", asset="well-1", property="gas.flow", interval_s=1200),
    ]
    plan = build(
        [rule for rule in RULES if rule.id in {"together", "half"}], streams, surroundings=Surroundings(ASSETS, LINKS)
    )
    whole, days = Evaluator(plan), Evaluator(plan)
    steps = [whole.evaluate(batch(rows))]
    whole.adopt(steps[0])
    daily = []
    for day in range(20):
        step = days.evaluate(batch(row for row in rows if day * 86_400 <= row[1] < (day + 1) * 86_400))
        days.adopt(step)
        daily.append(step)
    end = T0 + 21 * 86_400 * 1_000_000
    for engine, told in ((whole, steps), (days, daily)):
        told.append(engine.tick(end))
        engine.adopt(told[-1])
    assert history(*steps) == history(*daily)
    assert len([event for _, event, _, _ in history(*steps) if event == "raised"]) == 60


def test_a_fused_rule_that_fails_stops_no_other_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = evaluate_fused

    def broken(fusion: Fusion, *arguments: Any) -> Outcome:  # noqa: ANN401
        if fusion.rule.id == "lonely":
            raise ZeroDivisionError("broken")
        return real(fusion, *arguments)

    monkeypatch.setattr("rules.fusing.evaluate", broken)
    engine = Evaluator(PLAN)
    rows: list[Row] = [(1, 0.0, 20.0, 0), (9, 0.0, 30.0, 0), (1, 60.0, 20.0, 0), (9, 60.0, 30.0, 0)]
    step = engine.evaluate(batch(rows))
    engine.adopt(step)
    told = [*step.transitions, *engine.tick(T0 + 200_000_000).transitions]
    assert step.failures == {"lonely": "ZeroDivisionError: broken"}
    assert {t.rule.id for t in told} >= {"steps", "together"}
