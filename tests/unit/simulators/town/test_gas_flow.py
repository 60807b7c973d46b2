"""Gas in pandapipes: its balance, holes of several sizes, and what a single pipe must do by the textbook."""

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from simulators.town.gas_flow import Flow, GasUnsolvedError, State, together_mm
from simulators.town.gas_leak import (
    ATMOSPHERE_PA,
    DISCHARGE,
    GAMMA,
    GAS_CONSTANT,
    GROUND_K,
    NORMAL_KG_M3,
    kg_s,
    leak_kg_s,
    normal_m3h,
)
from simulators.town.gas_plan import GasPlan, Gate, Main, Sink
from simulators.town.truth import Series
from tests.support.gas_town import gas_plan

HOLES = (3.0, 5.0, 10.0, 15.0, 25.0)
#: The farthest of the wells at a sewer from the station of the test town, and the end of its longest branch.
AT, BRANCH_END = "G1-MH08", "145"


def demand(plan: GasPlan) -> Series:
    return np.array([sink.mean_m3h for sink in plan.sinks])


def held(plan: GasPlan) -> Series:
    return np.array([gate.pressure_kpa for gate in plan.gates])


@lru_cache(maxsize=64)
def state(hole_mm: float, at: str = AT) -> State:
    plan = gas_plan()
    return Flow(plan, [at]).state(demand(plan), held(plan), [hole_mm])


def drop(hole_mm: float, junction: str, at: str = AT) -> float:
    """By how many kPa a hole lowers the pressure of a junction."""
    number = list(gas_plan().places).index(junction)
    return float(state(0.0, at).pressure[number] - state(hole_mm, at).pressure[number])


@pytest.mark.parametrize("hole", [0.0, *HOLES, 40.0])
def test_what_comes_through_the_gate_is_what_customers_draw_and_what_leaks(hole: float) -> None:
    found = state(hole)
    assert found.gate.sum() == pytest.approx(demand(gas_plan()).sum() + found.leak.sum(), rel=1e-6)


def test_both_gates_of_the_town_together_bring_what_is_drawn() -> None:
    plan = gas_plan("town")
    found = Flow(plan, ["G1-MH12", "G2-MH12"]).state(demand(plan), held(plan), [10.0, 5.0])
    assert (found.gate > 100).all()
    assert found.gate.sum() == pytest.approx(demand(plan).sum() + found.leak.sum(), rel=1e-6)


def test_holes_let_out_what_was_measured_on_a_ring_of_this_kind() -> None:
    """Figures of a county ring at 2.89 bar: 18, 50, 198 and 439 m3/h, the last two at a pressure that has fallen."""
    for hole, measured in ((3, 18), (5, 50), (10, 198), (15, 439)):
        assert normal_m3h(leak_kg_s(hole, 289)) == pytest.approx(measured, rel=0.05)


@pytest.mark.parametrize("hole", [*HOLES, 40.0])
def test_a_leak_is_the_choked_flow_at_the_pressure_where_it_is(hole: float) -> None:
    found = state(hole)
    absolute = ATMOSPHERE_PA + 1000 * float(found.pressure[list(gas_plan().places).index(AT)])
    area = math.pi / 4 * (hole / 1000) ** 2
    factor = GAMMA / (GAS_CONSTANT * GROUND_K) * (2 / (GAMMA + 1)) ** ((GAMMA + 1) / (GAMMA - 1))
    choked = DISCHARGE * area * absolute * math.sqrt(factor)
    assert found.leak[0] == pytest.approx(choked * 3600 / NORMAL_KG_M3, rel=0.003)


def test_a_hole_in_a_main_of_little_pressure_lets_out_less_than_the_choked_flow() -> None:
    flows = [leak_kg_s(10, kpa) for kpa in (0.0, 0.5, 5.0, 50.0, 84.0, 86.0, 300.0)]
    assert flows[0] == 0
    assert (np.diff(flows) > 0).all()
    # Slow flow out of a low pressure is that of a liquid of its density (Bernoulli).
    density = (ATMOSPHERE_PA + 250) / (GAS_CONSTANT * GROUND_K)
    assert leak_kg_s(10, 0.5) == pytest.approx(
        DISCHARGE * math.pi / 4 * 0.01**2 * math.sqrt(2 * density * 500), rel=0.01
    )
    # It passes over into choked flow without a jump.
    assert leak_kg_s(10, 84.0) == pytest.approx(leak_kg_s(10, 84.01), rel=1e-3)


def test_pressure_falls_more_the_wider_the_hole() -> None:
    """2, 6, 28, 74 and 283 mbar at the end of a branch of the ring that was measured; ours is of the same kind."""
    drops = [drop(hole, AT) * 10 for hole in HOLES]
    assert (np.diff(drops) > 0).all()
    for found, measured in zip(drops, (2.2, 6.3, 28, 74, 283), strict=True):
        assert measured / 2 < found < measured * 2


@pytest.mark.parametrize("hole", [10.0, 25.0])
def test_neighbours_feel_it_less_the_nearer_they_are_to_the_gate(hole: float) -> None:
    own, next_, station = (drop(hole, junction) for junction in (AT, "G1-MH10", "G1-MH12"))
    assert own > 1.05 * next_ > 1.05 * station > 0


def test_at_the_end_of_a_branch_neighbours_on_the_ring_feel_a_third_or_less() -> None:
    own = drop(15.0, BRANCH_END, BRANCH_END)
    assert drop(15.0, "163", BRANCH_END) < own / 3


def test_a_hole_that_takes_more_than_a_branch_can_bring_is_still_fed_by_what_the_branch_brings() -> None:
    """The engine finds no solution for the free flow; the one that is found presses out just what flows."""
    found = state(60.0, BRANCH_END)
    pressure = float(found.pressure[list(gas_plan().places).index(BRANCH_END)])
    free = normal_m3h(leak_kg_s(60.0, 315))
    assert pressure >= 0
    assert found.leak[0] < free / 2
    # Close to no pressure at all, the last cubic metre an hour costs most of what is left of it.
    assert found.leak[0] == pytest.approx(normal_m3h(leak_kg_s(60.0, pressure)), rel=0.15)
    assert found.gate.sum() == pytest.approx(demand(gas_plan()).sum() + found.leak.sum(), rel=1e-6)


def test_customers_who_want_more_than_the_mains_carry_are_an_error_and_no_number() -> None:
    plan = gas_plan()
    with pytest.raises(GasUnsolvedError):
        Flow(plan, []).state(demand(plan) * 20, held(plan), [])


def test_after_a_state_that_could_not_be_solved_the_next_one_is_right() -> None:
    plan = gas_plan()
    flow = Flow(plan, [AT])
    before = flow.state(demand(plan), held(plan), [5.0])
    with pytest.raises(GasUnsolvedError):
        flow.state(demand(plan) * 20, held(plan), [5.0])
    after = flow.state(demand(plan), held(plan), [5.0])
    np.testing.assert_allclose(after.pressure, before.pressure, rtol=1e-4)


def test_a_single_pipe_loses_the_pressure_of_the_textbook() -> None:
    """Isothermal flow of an ideal gas: p1^2 - p2^2 = f L/D (m/A)^2 R T, friction by Nikuradse and Hagen-Poiseuille."""
    length, inner, flow = 1200.0, 0.1, 900.0
    plan = replace(
        gas_plan(),
        places={"in": (0.0, 0.0), "out": (1200.0, 0.0)},
        mains=(Main(ends=("in", "out"), line=((0, 0), (1200, 0)), length_m=length, inner_mm=inner * 1000),),
        gates=(Gate(station="s", junction="in", pressure_kpa=300, length_m=1.0, inner_mm=500),),
        sinks=(Sink(junction="out", mean_m3h=flow, kitchens=0.5),),
    )
    found = Flow(plan, []).state(np.array([flow]), np.array([300.0]), [])
    mass, area = kg_s(flow), math.pi / 4 * inner**2
    reynolds = mass / area * inner / 1.08e-5
    friction = 64 / reynolds + 1 / (-2 * math.log10(0.05e-3 / (3.71 * inner))) ** 2
    start = ATMOSPHERE_PA + 1000 * float(found.pressure[0])
    squares = start**2 - friction * length / inner * (mass / area) ** 2 * GAS_CONSTANT * GROUND_K
    expected = (start - math.sqrt(squares)) / 1000
    assert found.pressure[0] - found.pressure[1] == pytest.approx(expected, rel=0.03)


def test_two_holes_let_out_as_much_as_one_of_their_area() -> None:
    assert together_mm([3.0, 4.0]) == 5.0
