"""Common causes: while one is active, what it explains is held back, and released when it ends first."""

import pytest

from domain.registry import Link
from domain.subject import Watched, WatchedAsset
from rules.evaluate import Evaluator
from rules.plan import build
from rules.rule import Rule
from rules.step import Step
from rules.surroundings import Surroundings
from tests.support.rulebook import above, batch, feed, rule, stream, tick

LIMIT = {"yellow": {"limit": 10, "evidence": "unverified"}}


def child(on: str, how: str = "inhibited_by") -> Rule:
    condition = {"above": LIMIT, "hysteresis": 0}
    return rule("child", condition=condition, **{how: [{"rule": "cause", "on": on}]})


def cause() -> Rule:
    return above("cause", yellow=10).model_copy(
        update={
            "applies_to": rule(condition={"above": LIMIT, "hysteresis": 0}).applies_to.model_copy(
                update={"property": "gas.flow"}
            )
        }
    )


def at(number: int, asset: str, device: str, *, area: str = "530102", property: str = "gas.ch4.chamber") -> Watched:  # noqa: A002
    return stream(number, device=device, asset=asset, area=area, property=property)


def engine_of(on: str, *, how: str = "inhibited_by") -> Evaluator:
    """The child is watched on 1 (well-1) and 2 (well-2); the cause on 11 (well-1), 12 (well-2), 13 (another area)."""
    watched = [
        at(1, "well-1", "a"),
        at(2, "well-2", "b"),
        at(11, "well-1", "a", property="gas.flow"),
        at(12, "well-2", "c", property="gas.flow"),
        at(13, "far", "d", area="530103", property="gas.flow"),
    ]
    assets = [
        WatchedAsset(
            id=name,
            kind="valve_well",
            network="gas",
            area=area,
            name_en=name,
            name_zh=name,
            longitude=102.7,
            latitude=25.0,
        )
        for name, area in (("well-1", "530102"), ("well-2", "530102"), ("far", "530103"))
    ]
    links = [Link(from_asset="well-1", relation="powered_by", to_asset="well-2")]
    return Evaluator(build([child(on, how), cause()], watched, surroundings=Surroundings(assets, links)))


def restraints(step: Step) -> list[tuple[str, str, tuple[str, str] | None]]:
    return [(r.subject, r.how, r.cause) for r in step.restraints]


@pytest.mark.parametrize(
    ("on", "active", "held"),
    [
        ("device", 11, True),
        ("device", 12, False),
        ("asset", 11, True),
        ("asset", 12, False),
        ("powered_by", 12, True),
        ("powered_by", 11, False),
        ("upstream", 12, True),
        ("area", 12, True),
        ("area", 13, False),
        ("anywhere", 13, True),
    ],
)
def test_a_cause_counts_where_the_rule_looks_for_it(on: str, active: int, *, held: bool) -> None:
    engine = engine_of(on)
    feed(engine, (active, 0, 99, 0))
    step = feed(engine, (1, 10, 99, 0))
    expected = [("datastream:1", "inhibited", ("cause", f"datastream:{active}"))] if held else []
    assert restraints(step) == expected


def test_an_alert_is_held_back_and_released_with_its_cause() -> None:
    engine = engine_of("area")
    assert restraints(feed(engine, (1, 0, 99, 0))) == []
    assert restraints(feed(engine, (12, 10, 99, 0))) == [("datastream:1", "inhibited", ("cause", "datastream:12"))]
    # A second cause changes nothing while the first stands; when that ends, the second holds on.
    assert restraints(feed(engine, (11, 20, 99, 0))) == []
    assert restraints(feed(engine, (12, 80, 0, 0))) == [("datastream:1", "inhibited", ("cause", "datastream:11"))]
    assert restraints(feed(engine, (11, 90, 0, 0))) == [("datastream:1", "inhibited", None)]


def test_what_means_nothing_is_suppressed() -> None:
    engine = engine_of("area", how="suppressed_while")
    feed(engine, (12, 0, 99, 0))
    assert restraints(feed(engine, (1, 10, 99, 0))) == [("datastream:1", "suppressed", ("cause", "datastream:12"))]


def test_cause_and_consequence_of_one_batch_are_told_together() -> None:
    engine = engine_of("area")
    step = feed(engine, (1, 0, 99, 0), (2, 0, 99, 0), (12, 0, 99, 0))
    assert len(step.transitions) == 3
    assert {subject for subject, _, _ in restraints(step)} == {"datastream:1", "datastream:2"}


def test_a_step_that_is_not_adopted_holds_nothing_back() -> None:
    engine = engine_of("area")
    feed(engine, (12, 0, 99, 0))
    one, two = (engine.evaluate(batch([(1, 10, 99, 0)])) for _ in range(2))
    assert restraints(one) == restraints(two) != []


def test_after_a_restart_everything_active_is_judged_again() -> None:
    before = engine_of("area")
    feed(before, (1, 0, 99, 0), (12, 0, 99, 0), (2, 0, 99, 0))
    after = engine_of("area")
    assert after.restore(before.standings()) == []
    assert len(restraints(tick(after, 10))) == 2
    assert restraints(tick(after, 11)) == []
