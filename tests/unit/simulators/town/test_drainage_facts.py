"""The facts about the district: what a design storm does to it when all is well, with a pump less, without power.

Measured on the same network before this engine was written, with the rain in steps of five minutes and the station
looking at its well each minute; so times may differ by a minute or two, and levels by the rain of a minute.
"""

import numpy as np
import pytest

from simulators.town.truth import Span, Truth
from tests.support.storm_water import NO_POWER, STORM, TRIP, at, clock, pump, solved, well, when


@pytest.fixture(scope="module")
def dark() -> Truth:
    return solved(STORM, NO_POWER)


def near(found: str, hour: int, minute: int, tolerance: int = 2) -> bool:
    """Whether a clock is near a time."""
    hours, minutes = (int(part) for part in found.split(":"))
    return abs(hours * 60 + minutes - hour * 60 - minute) <= tolerance


def peak(truth: Truth) -> tuple[float, str]:
    return float(well(truth).max()), clock(int(truth.span.times[int(well(truth).argmax())]))


def test_the_station_holds_the_design_storm() -> None:
    truth = solved(STORM)
    highest, time = peak(truth)
    assert highest == pytest.approx(3.63, abs=0.08)
    assert near(time, 14, 59)
    assert truth.of("drainage.depth", "D1-UP1").max() == pytest.approx(0.67, abs=0.03)
    assert truth.fields["drainage.street"].max() == 0
    assert truth.signals["underpass-001-d", "drain.road.depth"].max() == 0


def test_with_a_pump_less_it_holds_too() -> None:
    truth = solved(STORM, TRIP)
    highest, time = peak(truth)
    assert highest == pytest.approx(5.15, abs=0.1)
    assert near(time, 15, 5)
    assert truth.of("drainage.depth", "D1-UP1").max() == pytest.approx(1.03, abs=0.06)
    assert truth.fields["drainage.street"].max() == 0


def test_without_power_it_is_seen_half_an_hour_before_the_underpass_floods(dark: Truth) -> None:
    level = well(dark)
    asked = sum(pump(dark, number, "command") for number in (1, 2, 3))
    drawn = sum(pump(dark, number, "current") for number in (1, 2, 3))
    rises = np.diff(level, prepend=level[0]) >= 0.05
    seen = when(dark, (asked > 0) & (drawn == 0) & rises & (level > 1.9))
    assert "14:20" < seen <= "14:31"
    assert near(when(dark, dark.of("drainage.freeboard", "D1-UP1") < 0), 14, 53)
    assert near(when(dark, level > 6.59), 14, 54)
    assert near(when(dark, dark.signals["underpass-001-d", "drain.road.depth"] > 15), 14, 56)


def test_without_power_the_underpass_drowns_and_streets_stand_under_water(dark: Truth) -> None:
    assert dark.of("drainage.street", "D1-UP1").max() == pytest.approx(0.87, abs=0.05)
    street = dark.fields["drainage.street"]
    flooded = [name for name, wet in zip(dark.things["drainage.street"], street.max(axis=0) > 0, strict=True) if wet]
    assert len([name for name in flooded if "MH" in name]) >= 6
    assert "D1-UP1" in flooded
    assert dark.of("drainage.freeboard", "D1-WW1").min() == pytest.approx(0)


def test_the_counter_of_rain_and_the_gauge_agree(dark: Truth) -> None:
    counter = dark.signals["rain-gauge-001-d", "drain.rain.depth"]
    assert counter[-1] - counter[0] == pytest.approx(38)
    assert np.allclose(np.diff(counter) * 60, dark.signals["rain-gauge-001-d", "drain.rain"][1:], atol=1e-6)


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_the_facts_do_not_hang_on_the_seed(seed: int) -> None:
    span = Span(start=at(13), steps=150)
    truth = solved(STORM, NO_POWER, span=span, seed=seed)
    assert near(when(truth, truth.of("drainage.freeboard", "D1-UP1") < 0), 14, 53)
    assert near(when(truth, well(truth) > 6.59), 14, 54)
    assert near(when(truth, truth.signals["underpass-001-d", "drain.road.depth"] > 15), 14, 56)
    level = well(truth)
    asked = pump(truth, 1, "command") > 0
    assert when(truth, asked & (pump(truth, 1, "state") == 0) & (level > 1.9)) <= "14:33"
