"""The air of a chamber as a box: against the analytic solution, and nothing is lost."""

import math

import numpy as np
import pytest

from simulators.town import chambers
from simulators.town.truth import Series

VOLUME, AIR = 3.0, 1.3


def constant(value: float, steps: int) -> Series:
    return np.full((steps, 1), value)


def methane(gas: float, steps: int, step_s: float, start: float = 0.0, volume: float = VOLUME) -> Series:
    return chambers.methane(
        np.array([start]), constant(gas, steps), constant(AIR, steps), constant(volume, steps), step_s / 3600
    )[:, 0]


def test_methane_strives_for_the_part_that_flows_in_of_all_that_flows() -> None:
    """dC/dt = 0 where gas (1 - C) = air C."""
    assert methane(0.05, 100, 3600)[-1] == pytest.approx(0.05 / (0.05 + AIR), rel=1e-12)


@pytest.mark.parametrize("step_s", [60, 900, 7200])
def test_the_response_to_a_leak_is_the_analytic_one_for_steps_of_any_length(step_s: int) -> None:
    steps = 8 * 3600 // step_s + 1
    hours = np.arange(steps) * step_s / 3600
    strives, rate = 0.05 / (0.05 + AIR), (0.05 + AIR) / VOLUME
    expected = strives * (1 - np.exp(-rate * hours))
    np.testing.assert_allclose(methane(0.05, steps, step_s), expected, rtol=1e-9, atol=1e-15)


def test_a_chamber_airs_with_the_time_constant_of_its_exchange() -> None:
    after = methane(0.0, 2, 3600 * VOLUME / AIR, start=0.04)[-1]
    assert after == pytest.approx(0.04 / math.e)


def test_what_came_in_is_in_the_chamber_or_went_out() -> None:
    gas = np.abs(np.sin(np.arange(2000) / 90.0))[:, None] * 0.2
    step_h = 1 / 3600
    shape = np.ones((2000, 1))
    part = chambers.methane(np.zeros(1), gas, AIR * shape, VOLUME * shape, step_h)[:, 0]
    middle = (part[1:] + part[:-1]) / 2
    came = (gas[:-1, 0] * step_h).sum()
    went = ((gas[:-1, 0] + AIR) * middle * step_h).sum()
    assert part[-1] * VOLUME == pytest.approx(came - went, rel=1e-6)


def test_without_any_exchange_all_that_came_in_stays() -> None:
    feed, none = constant(3.0, 11), constant(0.0, 11)
    assert chambers.mixed(np.array([1.0]), feed, none, 0.5)[-1, 0] == pytest.approx(1 + 3 * 5)


def test_no_chamber_holds_more_gas_than_air_space() -> None:
    assert methane(1e4, 50, 900)[-1] <= 1.0


def test_methane_pushes_out_a_fifth_of_oxygen_for_each_part_and_brings_no_sulfide() -> None:
    gas, air, volume = constant(0.2, 400), constant(AIR, 400), constant(VOLUME, 400)
    part = chambers.methane(np.zeros(1), gas, air, volume, 0.25)[-1, 0]
    oxygen = chambers.oxygen(np.full(1, chambers.AIR_O2), 0 * gas, gas, air, volume, 0.25)[-1, 0]
    assert oxygen == pytest.approx(chambers.AIR_O2 * (1 - part))
    assert chambers.sulfide(np.zeros(1), 0 * gas, gas, air, volume, 0.25).max() == 0


@pytest.mark.parametrize(("peak", "sulfide", "hours"), [(30.0, 20.0, 2.0), (80.0, 100.0, 0.5), (5.0, 3.0, 48.0)])
def test_biogas_meets_its_peaks_on_time_and_holds_them(peak: float, sulfide: float, hours: float) -> None:
    source = chambers.biogas(peak_lel=peak, peak_mg=sulfide, hours=hours, exchange=2.0, volume=4.0)
    rising, holding = 100, 300
    step_h = hours / rising

    def course(of: tuple[float, float]) -> Series:
        return np.concatenate([constant(of[0], rising), constant(of[1], holding)])

    gas, whole = course(source.ch4), course(source.ch4) / chambers.BIOGAS_CH4
    air, volume = constant(2.0, rising + holding), constant(4.0, rising + holding)
    methane_ = chambers.lel(chambers.methane(np.zeros(1), gas, air, volume, step_h))[:, 0]
    sulfide_ = chambers.sulfide(np.zeros(1), course(source.h2s), whole, air, volume, step_h)[:, 0]
    oxygen_ = chambers.oxygen(np.full(1, chambers.AIR_O2), course(source.o2), whole, air, volume, step_h)[:, 0]
    assert methane_[[rising, -1]] == pytest.approx([peak, peak], rel=1e-6)
    assert sulfide_[[rising, -1]] == pytest.approx([sulfide, sulfide], rel=1e-6)
    assert (np.diff(methane_[: rising + 1]) > 0).all()
    # Rot uses oxygen up: less is left than methane and carbon dioxide alone would leave.
    displaced = chambers.AIR_O2 * (1 - peak * 5e-4 / chambers.BIOGAS_CH4)
    assert oxygen_[-1] < displaced - 100 * peak * 5e-4


def test_half_of_the_explosive_limit_is_two_and_a_half_percent() -> None:
    assert chambers.lel(np.array([0.025])) == pytest.approx([50.0])


def test_gas_gets_thinner_and_later_on_its_way_and_does_not_go_everywhere() -> None:
    assert chambers.reach(0) == 1
    assert chambers.reach(10) > chambers.reach(40) > 0
    assert chambers.reach(chambers.FARTHEST_M + 1) == 0
    assert chambers.delay(0) == 1 < chambers.delay(30)
