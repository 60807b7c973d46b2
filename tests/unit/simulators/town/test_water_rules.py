"""What the rules of the catalogue make of the truth of water: silent on quiet days, early in an incident."""

import numpy as np
import pytest

from commands.county_feed import site_of
from domain.catalogue import properties
from domain.registry import Datastream, Device, Registry
from rules.backtest import backtest
from rules.history import Episode
from rules.load import load_catalogue
from rules.material import ArrayMaterial, in_order
from simulators.town.happenings import Happening
from simulators.town.layout import Layout
from simulators.town.truth import Span
from tests.support.water_town import DAY, PLANT, STATION, at, clock, event, laid, solved


def _raised(*happenings: Happening, span: Span, scale: str = "test", seed: int = 1) -> tuple[Episode, ...]:
    """What all rules raise on the truth itself, by its beginning."""
    truth = solved(*happenings, span=span, scale=scale, seed=seed)
    registry = _registered(laid(scale, seed))
    streams = [(one.device, one.property) for one in registry.datastreams]
    count = len(truth.span.times)
    material = ArrayMaterial(
        title="test",
        site=site_of(registry, registered_at=span.start),
        since=span.start,
        until=span.end,
        observations=in_order(
            np.repeat(np.arange(1, len(streams) + 1, dtype=np.int32), count),
            np.tile(truth.span.times, len(streams)),
            np.concatenate([truth.signals[stream] for stream in streams]),
            np.zeros(len(streams) * count, dtype=np.int16),
        ),
    )
    outcome = backtest(load_catalogue(), material)
    assert outcome.failures == ()
    return outcome.episodes


def _registered(layout: Layout) -> Registry:
    units = {p.id: p.unit for p in properties()}
    return Registry(
        assets=layout.assets,
        devices=tuple(
            Device(id=one.device, asset=one.asset, model=one.model, reporting_interval_s=one.heartbeat_s)
            for one in layout.instruments
        ),
        datastreams=tuple(
            Datastream(device=one.device, property=name, unit=units[name])
            for one in layout.instruments
            for name in one.properties
            if name not in ("device.battery", "device.rssi")
        ),
        links=layout.links,
    )


def _begins(episodes: tuple[Episode, ...], rule: str, asset: str) -> str:
    """The clock when a rule raised first for an asset."""
    return min(clock(one.raised_at) for one in episodes if (one.rule, one.asset) == (rule, asset))


@pytest.mark.parametrize(("scale", "seed"), [("test", 1), ("test", 2), ("town", 2)])
def test_on_a_quiet_day_no_rule_finds_anything(scale: str, seed: int) -> None:
    assert _raised(span=DAY, scale=scale, seed=seed) == ()


def test_a_burst_is_seen_at_once() -> None:
    found = _raised(event("water.burst", "water-main-001", at(9), at(11)), span=Span(start=at(8), steps=240))
    assert _begins(found, "water-pressure-drop", "pressure-point-001") <= "09:02"


def test_lost_dosing_is_told_at_the_plant_before_it_is_missed_downstream() -> None:
    found = _raised(event("water.dosing_lost", PLANT, at(9)), span=Span(start=at(8), steps=600))
    assert "09:10" < _begins(found, "water-plant-chlorine-low", PLANT) < "09:45"
    times = [_begins(found, "water-chlorine-low", f"quality-point-{number:03d}") for number in (1, 2, 3)]
    assert "10:00" < times[0] < times[1] < times[2]


def test_a_station_without_power_is_told_at_once_and_hours_before_its_tank_is_dry() -> None:
    found = _raised(event("power.lost", STATION, at(17), at(23)), span=Span(start=at(16), steps=480))
    assert _begins(found, "water-pumps-below-duty", STATION) <= "17:03"
    assert _begins(found, "chain-h8-power-loss-dries-tank", STATION) <= "18:00"
    assert _begins(found, "water-tank-low", STATION) > "18:30"


def test_foul_water_is_found_where_it_passes_one_point_after_the_other() -> None:
    found = _raised(event("water.contamination", "quality-point-001", at(9), at(11)), span=Span(start=at(8), steps=480))
    times = [_begins(found, "water-turbidity-high", f"quality-point-{number:03d}") for number in (1, 2, 3, 4)]
    assert times[0] <= "09:05"
    assert times == sorted(set(times))
