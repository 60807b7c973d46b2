"""What the rules of the catalogue make of the truth of water: silent on quiet days, early in an incident."""

import pytest

from rules.history import Episode
from simulators.town.happenings import Happening
from simulators.town.truth import Span
from tests.support.ruled_truth import episodes
from tests.support.water_town import DAY, PLANT, STATION, at, clock, event, laid, solved


def _raised(*happenings: Happening, span: Span, scale: str = "test", seed: int = 1) -> tuple[Episode, ...]:
    """What all rules raise on the truth itself, by its beginning."""
    return episodes(solved(*happenings, span=span, scale=scale, seed=seed), laid(scale, seed))


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
