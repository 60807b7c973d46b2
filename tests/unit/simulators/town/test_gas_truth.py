"""What is true of gas over a span: the day, leaks and excavations, and the same in every process."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from simulators.town import gas
from simulators.town.gas_demand import demand_m3h
from simulators.town.gas_leak import leak_kg_s, normal_m3h
from simulators.town.happenings import Happening
from simulators.town.truth import Series, Span, Truth
from tests.support.gas_town import DAY, HOUR, MIDNIGHT, QUIET, SECOND, at, event, gas_plan, laid, mains

STATION = "regulator-station-001"
#: Around noon.
NOON = Span(start=at(10), steps=181)


def signal(truth: Truth, name: str, device: str = f"{STATION}-d") -> Series:
    return truth.signals[device, name]


def drawn(truth: Truth, seed: int = 1) -> Series:
    """What all customers of the test town draw."""
    return np.asarray(demand_m3h(gas_plan().sinks, truth.span.times, seed).sum(axis=1))


def test_every_instrument_has_its_truth_but_wells_which_the_water_of_the_street_concerns() -> None:
    truth = mains()
    wanted = {
        (one.device, name)
        for one in laid()[1].instruments
        for name in one.properties
        if name not in ("device.battery", "device.rssi", "gas.ch4.chamber", "gas.well.water")
    }
    assert truth.signals.keys() == wanted
    assert all(len(series) == QUIET.steps and np.isfinite(series).all() for series in truth.signals.values())
    assert truth.fields["gas.pressure"].shape == (QUIET.steps, len(truth.things["gas.pressure"]))


def test_the_gate_brings_what_is_drawn_and_what_leaks_at_every_instant() -> None:
    """Between two questions to the engine all goes in straight lines; demand does so within half a percent."""
    truth = mains(event("gas.leak", "valve-well-002", 10.5, 12.25, hole=15), span=NOON)
    expected = drawn(truth) + truth.of("gas.leak", "valve-well-002")
    np.testing.assert_allclose(signal(truth, "gas.flow"), expected, rtol=0.005)


def test_customers_draw_most_in_the_evening_and_least_at_night_by_the_clock_of_the_county() -> None:
    flow = signal(mains(), "gas.flow").reshape(24, 60).mean(axis=1)
    assert int(flow.argmax()) in (17, 18, 19)
    assert int(flow.argmin()) in (0, 1, 2, 3)
    assert 1.4 < flow.max() / flow.min() < 2.5


def test_pressure_is_low_when_much_is_drawn() -> None:
    truth = mains()
    assert np.corrcoef(signal(truth, "gas.flow"), signal(truth, "gas.pressure.mp"))[0, 1] < -0.95


def test_two_days_of_the_same_hours_differ_a_little_so_that_a_leak_has_something_to_hide_in() -> None:
    days = [demand_m3h(gas_plan().sinks, np.array([at(24 * day + 14)]), 1).sum() for day in range(7)]
    assert 0.001 < np.std(days) / np.mean(days) < 0.015


@pytest.mark.parametrize("hole", [3.0, 5.0])
def test_a_small_leak_cannot_be_told_from_demand_by_the_pressure(hole: float) -> None:
    """By no more than the pressure of the same hour differs from day to day."""
    with_leak = mains(event("gas.leak", "valve-well-001", 14, hole=hole), span=Span(start=at(14), steps=30))
    without = mains(span=Span(start=at(14), steps=30))
    drop = float((signal(without, "gas.pressure.mp") - signal(with_leak, "gas.pressure.mp")).mean())
    week = [mains(span=Span(start=at(24 * day + 14), steps=30)) for day in range(6)]
    same_hour = np.array([signal(day, "gas.pressure.mp").mean() for day in week])
    assert 0 < drop < np.ptp(same_hour)
    # And less than what the rules take for a sign.
    assert drop < 2


def test_a_leak_begins_and_ends_with_its_event_and_follows_the_pressure() -> None:
    truth = mains(event("gas.leak", "valve-well-001", 11, 12, hole=10), span=NOON)
    leak = truth.of("gas.leak", "valve-well-001")
    open_ = NOON.between(at(11), at(12))
    assert (leak[~open_] == 0).all()
    pressure = truth.of("gas.pressure", gas_plan().junction_of["valve-well-001"])[open_]
    pressed = [normal_m3h(leak_kg_s(10, kpa)) for kpa in pressure.tolist()]
    np.testing.assert_allclose(leak[open_], pressed, rtol=0.003)


def test_a_leak_that_began_before_the_span_is_there_from_the_first_instant() -> None:
    began = mains(event("gas.leak", "valve-well-001", 5, hole=10), span=NOON)
    assert began.of("gas.leak", "valve-well-001")[0] > 150


def test_two_leaks_at_one_place_add_up() -> None:
    first, second = (event("gas.leak", "valve-well-001", hour, hole=5) for hour in (11, 12))
    leak = mains(first, second, span=NOON).of("gas.leak", "valve-well-001")
    assert leak[150] == pytest.approx(2 * leak[90], rel=0.01)


@pytest.mark.parametrize("scale", ["test", "town"])
def test_an_excavator_makes_the_pressure_of_the_station_jump_while_works_are_registered(scale: str) -> None:
    dig = event("gas.dig", "gas-main-001", 11, 12)
    truth = mains(dig, span=NOON, scale="town" if scale == "town" else "test")
    works = signal(truth, "works.active", "gas-main-001-works")
    assert works[NOON.between(at(11), at(12))].all()
    assert [works[20], works[40], works[150]] == [0, 1, 0]
    pressure = signal(truth, "gas.pressure.mp")
    assert pressure[59] - pressure[60] > 10
    others = [name for name in gas_plan("town" if scale == "town" else "test").works if name != "gas-main-001"]
    assert not any(signal(truth, "works.active", f"{name}-works").any() for name in others)


def test_a_well_that_an_excavator_hits_belongs_to_the_works_of_the_main_beside_it() -> None:
    truth = mains(event("gas.dig", "valve-well-001", 11, 12), span=NOON)
    assert signal(truth, "works.active", "gas-main-001-works")[NOON.between(at(11), at(12))].all()


def test_a_regulator_that_fails_creeps_to_its_wrong_pressure_and_back() -> None:
    outlet = signal(mains(event("gas.regulator", STATION, 11, 12, outlet=4), span=NOON), "gas.pressure.lp")
    assert (outlet[:60] < 3).all()
    np.testing.assert_allclose(outlet[66:120], 4.0)
    assert (outlet[130:] < 3).all()
    assert np.abs(np.diff(outlet)).max() < 0.6


def test_a_span_says_the_same_as_the_part_of_a_longer_one() -> None:
    whole, part = mains(), mains(span=Span(start=at(9.3), steps=200))
    begin = round(9.3 * 60)
    for key, series in part.signals.items():
        np.testing.assert_allclose(series, whole.signals[key][begin : begin + 200], rtol=0.01, atol=0.4)


@pytest.mark.parametrize(("days", "step_s"), [(1, 60), (7, 900), (21, 900)])
def test_the_engine_is_not_asked_more_often_than_a_span_needs(days: int, step_s: int) -> None:
    """It needs some 8 ms for each instant: three weeks are a few seconds."""
    span = Span(start=MIDNIGHT, steps=days * 86_400 // step_s, step_s=step_s)
    piece = gas._Piece(since=span.start, until=span.end, holes=())
    knots = gas._knots(piece, span)
    assert len(knots) <= 510
    assert knots[0] == span.start
    assert knots[-1] == span.end
    assert np.diff(knots).max() <= HOUR


def test_weeks_are_solved_on_the_same_grid_whatever_the_step() -> None:
    span = Span(start=MIDNIGHT, steps=3 * DAY // (900 * SECOND), step_s=900)
    truth = mains(span=span)
    np.testing.assert_allclose(signal(truth, "gas.flow"), drawn(truth), rtol=0.02)


_SAID = """
import hashlib, sys
from simulators.town import gas
from simulators.town.ground import ground
from simulators.town.happenings import Happening
from simulators.town.truth import Span
span = Span(start={start}, steps=90)
leak = Happening(kind="gas.leak", target="valve-well-001", since={since}, parameters={{"hole": 10.0}})
truth = gas.solve(gas.lay(ground("test"), 1), span, [leak], 1)
said = hashlib.sha256()
for key in sorted(truth.signals):
    said.update(repr(key).encode() + truth.signals[key].tobytes())
said.update(truth.fields["gas.pressure"].tobytes() + truth.fields["gas.leak"].tobytes())
print(said.hexdigest())
"""


def digest(truth: Truth) -> str:
    said = hashlib.sha256()
    for key in sorted(truth.signals):
        said.update(repr(key).encode() + truth.signals[key].tobytes())
    said.update(truth.fields["gas.pressure"].tobytes() + truth.fields["gas.leak"].tobytes())
    return said.hexdigest()


def test_another_process_says_the_same_to_the_last_bit_and_nothing_else_and_another_seed_does_not() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _SAID.format(start=at(10), since=at(10.5))],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONHASHSEED": "77", "PYTHONPATH": ":".join(sys.path)},
    )
    leak = Happening(kind="gas.leak", target="valve-well-001", since=at(10.5), parameters={"hole": 10.0})
    one, other = (gas.solve(laid()[1], Span(start=at(10), steps=90), [leak], seed) for seed in (1, 2))
    # The only line: engines must not print.
    assert done.stdout.splitlines() == [digest(one)]
    assert digest(one) != digest(other)
