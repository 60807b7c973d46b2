"""Rules beside an exercise: a drill neither raises nor hides anything real, and runs by a clock of its own."""

from functools import cache

import numpy as np

from commands.county_feed import site_of
from domain.catalogue import properties
from domain.exercise import Pace, twin
from domain.exercise_mark import BANNER_EN, BANNER_ZH, area_of, exercise_of
from domain.registry import Registry
from domain.subject import WatchedAsset
from domain.transition import AlertChange, Restraint
from rules.clocks import Clocks
from rules.evaluate import Evaluator
from rules.fusion import lay
from rules.load import load_catalogue
from rules.plan import Plan, build
from rules.rule import Rule
from rules.silence import NEVER
from rules.step import Observations
from rules.surroundings import Surroundings
from rules.wording import commit_of
from simulators.county import build as build_county
from storage.journal import Heads
from tests.support.fusing import fused, leaf, watch
from tests.support.rulebook import SECOND, T0, above, evaluator, feed, rule, stream

PACE = Pace(begins=T0, published_from=T0 + 3600 * SECOND, speed=10.0, ends=T0 + 3600 * SECOND)
NUMBER = 7


@cache
def catalogue() -> tuple[Rule, ...]:
    return tuple(load_catalogue().rules)


@cache
def registry() -> Registry:
    return build_county(1).registry


def plan_of(*registries: Registry) -> Plan:
    """The shipped rules over some registries; datastreams are numbered in their order."""
    whole = Registry(
        assets=tuple(one for r in registries for one in r.assets),
        devices=tuple(one for r in registries for one in r.devices),
        datastreams=tuple(one for r in registries for one in r.datastreams),
        links=tuple(one for r in registries for one in r.links),
    )
    site = site_of(whole, registered_at=T0 - 60 * SECOND)
    return build(catalogue(), site.watched, surroundings=Surroundings(site.assets, site.links))


@cache
def alone() -> Plan:
    return plan_of(registry())


@cache
def beside() -> Plan:
    return plan_of(registry(), twin(registry(), NUMBER))


def laid(plan: Plan) -> dict[tuple[str, str], list[list[int]]]:
    """What every fused rule looks at from every real subject, by datastream."""
    return {
        (fusion.rule.id, fusion.subject): [
            [plan.watched[member].datastream for member in own.members] for own in fusion.leaves
        ]
        for fusion in plan.fusions
        if exercise_of(fusion.area) is None
    }


def test_every_shipped_rule_looks_at_the_same_real_things_beside_an_exercise() -> None:
    assert len(laid(alone())) > 200
    assert laid(beside()) == laid(alone())
    theirs = [fusion for fusion in beside().fusions if exercise_of(fusion.area) == NUMBER]
    assert len(theirs) == len(laid(alone()))
    for fusion in theirs:
        for own in fusion.leaves:
            assert {exercise_of(beside().watched[member].area) for member in own.members} <= {NUMBER}


def test_what_is_counted_everywhere_is_counted_in_one_world() -> None:
    """Subjects of one area share what they look at, and so do all that look everywhere."""
    pressure = leaf("gas.pressure.mp", below=2.0, where={"place": "everywhere"})
    scope = {"asset_kinds": ["valve_well"]}
    for each in ("asset", "area"):
        counted = fused({"red": pressure}, scope={**scope, "each": each})
        wells = [well("a1", "530102"), well("b1", "530103")]
        theirs = [well(f"exercise-7-{one.id}", area_of(NUMBER, one.area)) for one in wells]
        # Whichever world is looked at first.
        for order in ((*wells, *theirs), (*theirs, *wells)):
            watched = watch(*((one, "gas.pressure.mp") for one in order))
            found = lay([counted], watched, Surroundings(order))
            assert len(found) == 4
            for fusion in found:
                worlds = {exercise_of(watched[member].area) for own in fusion.leaves for member in own.members}
                assert worlds == {exercise_of(fusion.area)}
                assert [len(own.members) for own in fusion.leaves] == [2]


def well(identifier: str, area: str) -> WatchedAsset:
    return WatchedAsset(
        id=identifier, kind="valve_well", network="gas", area=area, name_en=identifier, name_zh=identifier,
        longitude=102.7, latitude=25.0,
    )  # fmt: skip


def readings(plan: Plan, seed: int, minute: int, *, of_exercise: bool, wild: float) -> list[tuple[int, int, float]]:
    """A value of most datastreams; `wild` of them anywhere in their range, the others as they were."""
    ranges = {item.id: (item.type, item.minimum, min(item.maximum, item.minimum + 1000)) for item in properties()}
    rng = np.random.default_rng((seed, minute, of_exercise))
    rows = []
    for item in plan.watched:
        if (exercise_of(item.area) is not None) != of_exercise:
            continue
        kind, low, high = ranges[item.property]
        anywhere, chance, heard = rng.uniform(low, high), rng.random(), rng.random()
        value = float(round(rng.random())) if kind == "boolean" else anywhere if chance < wild else low
        if heard > 0.05:
            rows.append((item.datastream, T0 + minute * 60 * SECOND, value))
    return rows


def observed(rows: list[tuple[int, int, float]]) -> Observations:
    return Observations(
        datastreams=np.array([row[0] for row in rows], dtype=np.int32),
        times=np.array([row[1] for row in rows], dtype=np.int64),
        values=np.array([row[2] for row in rows], dtype=np.float64),
        qualities=np.zeros(len(rows), dtype=np.int16),
    )


def lived(plan: Plan, seed: int, *, with_exercise: bool) -> list[AlertChange | Restraint]:
    """What the rules write of real subjects over some minutes."""
    engine = Evaluator(plan)
    found: list[AlertChange | Restraint] = []
    marked = {f"{kind}:exercise-{NUMBER}-" for kind in ("asset", "device")} | {f"area:99{NUMBER:07d}"}
    numbers = {item.datastream for item in plan.watched if exercise_of(item.area) is not None}

    def real(subject: str) -> bool:
        kind, _, name = subject.partition(":")
        return int(name) not in numbers if kind == "datastream" else not subject.startswith(tuple(marked))

    for minute in range(1, 5):
        rows = readings(plan, seed, minute, of_exercise=False, wild=0.2)
        if with_exercise:
            rows = sorted(rows + readings(plan, seed, minute, of_exercise=True, wild=0.4), key=lambda row: row[1])
        for step in (engine.evaluate(observed(rows)), None):
            taken = step if step is not None else engine.tick(T0 + (minute * 60 + 30) * SECOND)
            work = commit_of(taken, {})
            found += [change for change in work.changes if real(change.subject)]
            found += [restraint for restraint in work.restraints if real(restraint.subject)]
            engine.adopt(taken)
    return found


def test_a_wild_exercise_raises_and_hides_nothing_real() -> None:
    without = lived(alone(), 1, with_exercise=False)
    with_one = lived(beside(), 1, with_exercise=True)
    assert len(without) > 100
    assert any(isinstance(one, Restraint) for one in without)
    assert sorted(map(repr, with_one)) == sorted(map(repr, without))


def test_a_cause_anywhere_explains_nothing_of_the_other_world() -> None:
    child = rule(
        "child",
        condition={"above": {"yellow": {"limit": 10, "evidence": "unverified"}}, "hysteresis": 0},
        inhibited_by=[{"rule": "cause", "on": "anywhere"}],
    )
    cause = above("cause", yellow=10)
    cause = cause.model_copy(update={"applies_to": cause.applies_to.model_copy(update={"property": "gas.flow"})})
    marked = area_of(NUMBER, "530102")
    engine = evaluator(
        [child, cause],
        [
            stream(1),
            stream(2, property="gas.flow", asset="well-2"),
            stream(3, asset="exercise-7-well-1", area=marked),
            stream(4, property="gas.flow", asset="exercise-7-well-2", area=marked),
        ],
    )
    # The cause is active in the exercise alone, then both children rise.
    feed(engine, (4, 0, 20.0, 0))
    step = feed(engine, (1, 10, 20.0, 0), (3, 10, 20.0, 0))
    assert [(one.subject, one.cause) for one in step.restraints] == [("datastream:3", ("cause", "datastream:4"))]
    # And the reverse: the real cause explains what is real, and leaves the exercise as it is.
    step = feed(engine, (2, 20, 20.0, 0))
    assert [(one.subject, one.cause) for one in step.restraints] == [("datastream:1", ("cause", "datastream:2"))]


def test_every_text_of_an_exercise_begins_with_its_mark() -> None:
    marked = stream(1, area=area_of(NUMBER, "530102"), asset_en=f"{BANNER_EN}Well 1", asset_zh=f"{BANNER_ZH}1号井")
    engine = evaluator([above(yellow=10)], [marked, stream(2)])
    changes = commit_of(feed(engine, (1, 0, 20.0, 0), (2, 0, 20.0, 0)), {}).changes
    texts = {one.subject: one.account for one in changes}
    own, real = texts["datastream:1"], texts["datastream:2"]
    assert own is not None
    assert real is not None
    assert (own.title_en, own.title_zh) == (
        "EXERCISE – Well 1",
        "【演练】Well 1 中文".replace("Well 1", own.title_zh[4:10]),
    )
    assert own.text_en.startswith("EXERCISE – ")
    assert own.text_zh.startswith("【演练】")
    assert not any("EXERCISE" in text or "演练" in text for text in (real.title_en, real.title_zh, real.text_en))


def test_silence_in_an_exercise_is_judged_by_the_time_of_its_incident() -> None:
    marked = area_of(NUMBER, "530102")
    clocks = Clocks([stream(1), stream(2, area=marked)], {NUMBER: PACE})
    heads = Heads(positions={"all": 1}, clocks={"all": T0 + 3665 * SECOND}, listening={"all": T0 + 3630 * SECOND})
    # Published from 3600 s on, ten times as fast; the last five seconds may still be on their way.
    assert clocks.of(heads).tolist() == [T0 + 3665 * SECOND, T0 + 600 * SECOND]  # type: ignore[union-attr]
    assert clocks.listening(heads).tolist() == [T0 + 3630 * SECOND, T0 + 300 * SECOND]  # type: ignore[union-attr]
    # Once its incident is over, nobody of it grows silent.
    late = Heads(positions={"all": 1}, clocks={"all": T0 + 9000 * SECOND}, listening={})
    assert clocks.of(late).tolist() == [T0 + 9000 * SECOND, PACE.ends]  # type: ignore[union-attr]
    assert (
        Clocks([stream(2, area=marked)], {NUMBER: PACE}).of(Heads(positions={"all": 1}, clocks={}, listening={}))
        is None
    )
    assert clocks.listening(Heads(positions={"all": 1}, clocks={}, listening={})) == NEVER
