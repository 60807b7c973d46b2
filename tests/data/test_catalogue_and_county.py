"""The shipped rules on the county of the demo: a healthy day is silent, every incident is seen on its network."""

import numpy as np
import pytest

from domain.subject import Watched, WatchedAsset
from rules.load import load
from rules.rerun import Rerun, Site
from rules.step import Observations, Transition
from simulators.county import County
from simulators.county import build as build_county
from simulators.incidents import BEGINS_S, ROUND_S, Script
from simulators.telemetry import values

SECOND = 1_000_000
#: Midnight in the county (UTC+8).
START_S = 1_777_651_200


def site(county: County, interval_s: int | None = None) -> tuple[Site, dict[tuple[str, str], int]]:
    """What stands in the county; with an interval, as if every device reported at that one."""
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
                interval_s=interval_s or devices[one.device].reporting_interval_s, registered_at=START_S * SECOND,
                asset=asset.id, asset_kind=asset.kind, asset_en=asset.name_en, asset_zh=asset.name_zh,
                network=asset.network, area=asset.area, tags=asset.tags,
            )
        )  # fmt: skip
    placed = tuple(
        WatchedAsset(
            id=asset.id, kind=asset.kind, network=asset.network, area=asset.area, name_en=asset.name_en,
            name_zh=asset.name_zh, longitude=asset.longitude, latitude=asset.latitude, tags=asset.tags,
        )
        for asset in registry.assets
    )  # fmt: skip
    return Site(watched=tuple(watched), assets=placed, links=registry.links), numbers


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


def watch(rerun: Rerun, at_s: float, batch: Observations) -> list[Transition]:
    """What one instant brings about, the clock included."""
    found = list(rerun.tick(int(at_s * SECOND)).transitions)
    return found + rerun.observe(batch).transitions


@pytest.mark.parametrize("seed", [1, 2])
def test_a_healthy_day_raises_nothing(seed: int) -> None:
    county = build_county(seed)
    place, numbers = site(county, interval_s=600)
    rerun = Rerun(load(), place)
    for minute in range(0, 24 * 60, 10):
        at_s = START_S + 60 * minute
        found = watch(rerun, at_s, reports(county, numbers, at_s))
        assert [(t.rule.id, t.subject, t.value) for t in found if t.rule.class_ != "condition"] == [], minute


def test_every_incident_raises_and_clears_on_its_network() -> None:
    county = build_county()
    place, numbers = site(county)
    rerun = Rerun(load(), place)
    script = Script(county, START_S)
    rounds = 2
    found: list[Transition] = []
    for second in range(int(rounds * ROUND_S + 90)):
        found += watch(rerun, START_S + second, reports(county, numbers, START_S + second, script))
    for number in range(rounds):
        for incident in script.round(number):
            own = [
                t for t in found
                if t.watched.device in incident.devices
                and t.watched.network == incident.network
                and incident.begins_s <= t.time / SECOND <= incident.begins_s + ROUND_S
            ]  # fmt: skip
            events = {t.event.value for t in own}
            assert {"raised", "cleared"} <= events, (incident.name, events)


def test_every_network_raises_within_twenty_seconds_of_the_start() -> None:
    county = build_county()
    place, numbers = site(county)
    rerun = Rerun(load(), place)
    script = Script(county, START_S)
    raised = set()
    for second in range(20):
        found = watch(rerun, START_S + second, reports(county, numbers, START_S + second, script))
        raised |= {t.rule.network for t in found if t.event.value == "raised"}
    assert raised >= set(BEGINS_S)
