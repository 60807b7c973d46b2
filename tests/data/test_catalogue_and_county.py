"""The shipped rules on the county of the demo: a healthy day is silent, every incident is seen on its network."""

import numpy as np
import pytest

from domain.subject import Watched
from rules.evaluate import Evaluator
from rules.load import load
from rules.plan import Plan, build
from rules.step import Observations, Transition
from simulators.county import County
from simulators.county import build as build_county
from simulators.incidents import BEGINS_S, ROUND_S, Script
from simulators.telemetry import values

SECOND = 1_000_000
#: Midnight in the county (UTC+8).
START_S = 1_777_651_200


def laid_over(county: County) -> tuple[Plan, dict[tuple[str, str], int]]:
    registry = county.registry
    assets = {asset.id: asset for asset in registry.assets}
    devices = {device.id: device for device in registry.devices}
    numbers = {(d.device, d.property): n for n, d in enumerate(registry.datastreams, 1)}
    watched = []
    for one in registry.datastreams:
        asset = assets[devices[one.device].asset]
        watched.append(
            Watched(
                datastream=numbers[one.device, one.property], property=one.property, unit=one.unit, device=one.device,
                interval_s=devices[one.device].reporting_interval_s, registered_at=START_S * SECOND, asset=asset.id,
                asset_kind=asset.kind, asset_en=asset.name_en, asset_zh=asset.name_zh, network=asset.network,
                area=asset.area, tags=asset.tags,
            )
        )  # fmt: skip
    return build(load(), watched), numbers


def reports(
    county: County, numbers: dict[tuple[str, str], int], at_s: float, script: Script | None = None
) -> Observations:
    """What every device of the county reads at one instant."""
    running = script.running(at_s) if script else ()
    rows = [
        (numbers[device.id, name], float(value))
        for device in county.devices
        for name, value in values(county.seed, device, running, int(at_s * SECOND)).items()
    ]
    return Observations(
        datastreams=np.array([number for number, _ in rows], dtype=np.int32),
        times=np.full(len(rows), int(at_s * SECOND), dtype=np.int64),
        values=np.array([value for _, value in rows]),
        qualities=np.zeros(len(rows), dtype=np.int16),
    )


def watch(evaluator: Evaluator, batch: Observations) -> list[Transition]:
    step = evaluator.evaluate(batch)
    evaluator.adopt(step)
    return step.transitions


@pytest.mark.parametrize("seed", [1, 2])
def test_a_healthy_day_raises_nothing(seed: int) -> None:
    county = build_county(seed)
    plan, numbers = laid_over(county)
    evaluator = Evaluator(plan)
    for minute in range(0, 24 * 60, 10):
        found = watch(evaluator, reports(county, numbers, START_S + 60 * minute))
        assert [(t.rule.id, t.watched.device, t.value) for t in found] == []


def test_every_incident_raises_and_clears_on_its_network() -> None:
    county = build_county()
    plan, numbers = laid_over(county)
    evaluator = Evaluator(plan)
    script = Script(county, START_S)
    rounds = 2
    found: list[Transition] = []
    for second in range(int(rounds * ROUND_S + 90)):
        found += watch(evaluator, reports(county, numbers, START_S + second, script))
    for number in range(rounds):
        for incident in script.round(number):
            own = [
                t for t in found
                if t.watched.device in incident.devices and t.watched.network == incident.network
                and incident.begins_s <= t.time / SECOND <= incident.begins_s + ROUND_S
            ]  # fmt: skip
            events = {t.event.value for t in own}
            assert {"raised", "cleared"} <= events, (incident.name, events)


def test_every_network_raises_within_twenty_seconds_of_the_start() -> None:
    county = build_county()
    plan, numbers = laid_over(county)
    evaluator = Evaluator(plan)
    script = Script(county, START_S)
    raised = set()
    for second in range(20):
        found = watch(evaluator, reports(county, numbers, START_S + second, script))
        raised |= {t.rule.network for t in found if t.event.value == "raised"}
    assert raised == set(BEGINS_S)
