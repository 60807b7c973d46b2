"""The district in SWMM: no water is lost, pumps obey at once, clogged and filled sewers back up."""

import numpy as np
import pytest

from simulators.town import drainage_network as network
from simulators.town.drainage_engine import Course, velocity_m_s
from simulators.town.drainage_pumps import flow_m3_s
from simulators.town.truth import Series
from tests.support.storm_water import NO_POWER, STATION, STORM, TRIP, at, course, event, laid, solved

#: Ground area of the wet well, m2: `drainage.inp`.
_WELL_M2 = 90.0
NODES = [node.id for node in network.nodes()]


@pytest.fixture(scope="module")
def normal() -> Course:
    return course(STORM)


@pytest.fixture(scope="module")
def dark() -> Course:
    return course(STORM, NO_POWER)


def depth(of: Course, node: str) -> Series:
    return np.asarray(of.depth_m[:, NODES.index(node)], dtype=np.float64)


def seconds(hour: int, minute: int = 0) -> int:
    """Index of an instant of the day."""
    return (hour * 60 + minute) * 6


def test_swmm_itself_loses_no_water(normal: Course, dark: Course) -> None:
    for of in (normal, dark):
        assert abs(of.runoff_error) < 0.5
        assert abs(of.routing_error) < 0.5


@pytest.mark.parametrize(("name", "share"), [("normal", 0.005), ("dark", 0.015)])
def test_what_comes_into_the_well_is_pumped_or_stored_or_spilt(
    name: str, share: float, request: pytest.FixtureRequest
) -> None:
    """Volumes are flows of every tenth second; spilling comes and goes within a step."""
    of: Course = request.getfixturevalue(name)
    level = depth(of, "WW1")
    come = of.inflow_m3 - of.inflow_m3[0]
    gone = of.pumped_m3 - of.pumped_m3[0] + of.spilt_m3 - of.spilt_m3[0]
    stored = (level - level[0]) * _WELL_M2
    assert come[-1] > 3500
    assert np.abs(come - gone - stored).max() < share * come[-1]


def test_pumps_move_what_their_curve_says(normal: Course) -> None:
    lift = depth(normal, "PD1") + 6.8 - depth(normal, "WW1") - 2.6
    # Where the pump has run for the whole step before.
    steady = (normal.state[1:, 0] > 0) & (normal.state[:-1, 0] > 0) & (normal.flow_m3_s[:-1, 0] > 0)
    by_curve = np.array([flow_m3_s(one) for one in lift[1:][steady]])
    assert steady.sum() > 100
    assert np.median(np.abs(normal.flow_m3_s[1:, 0][steady] - by_curve)) < 0.005


def test_a_pump_that_tripped_moves_nothing_at_all_and_neither_does_any_without_power(dark: Course) -> None:
    tripped = course(STORM, TRIP)
    # The step in which the trip comes is over before the drive opens.
    outage = slice(seconds(14, 20) + 1, seconds(17))
    assert (tripped.flow_m3_s[outage, 0] == 0.0).all()
    assert tripped.flow_m3_s[outage, 1].max() > 0.5
    assert (tripped.fault[seconds(14, 20) : seconds(17), 0] == 1).all()
    assert tripped.fault.sum() == seconds(17) - seconds(14, 20)
    outage = slice(seconds(14, 20) + 1, seconds(16))
    assert (dark.flow_m3_s[outage] == 0.0).all()
    assert (dark.state[outage] == 0).all()
    assert dark.volts[outage].max() == 0
    assert dark.flow_m3_s[seconds(16) + 2].sum() > 1.5, "all three start again"


def test_a_pump_without_flow_and_a_locked_one_move_nothing_but_draw_current() -> None:
    for kind in ("no_flow", "locked"):
        of = course(event(f"drainage.pump_{kind}", STATION, at(10), at(14)))
        befallen = slice(seconds(10) + 1, seconds(14))
        assert (of.flow_m3_s[befallen, 0] == 0.0).all()
        assert of.current_a[befallen, 0].max() > 35
        assert of.flow_m3_s[befallen, 1].max() > 0.5, "the second pump takes over"
        assert depth(of, "WW1").max() < 2.7


def test_a_clogged_sewer_backs_up_above_and_runs_low_below() -> None:
    quiet, clogged = solved(), solved(event("drainage.blockage", "sewer-point-001", at(6), at(18)))
    above, beside = ("sewer-point-001-d", "drain.level"), ("sewer-point-002-d", "drain.level")
    day, before, after = slice(9 * 60, 18 * 60), slice(0, 6 * 60), slice(20 * 60, 24 * 60)
    risen = clogged.signals[above] - quiet.signals[above]
    assert risen[day].min() > 0.35
    assert np.abs(risen[before]).max() < 1e-6
    assert np.abs(risen[after]).max() < 0.02
    assert np.abs(clogged.signals[beside] - quiet.signals[beside])[day].max() < 0.03
    speed = ("sewer-point-001-d", "drain.velocity")
    assert (clogged.signals[speed][day] < 0.5 * quiet.signals[speed][day]).all()


def test_what_is_let_in_arrives_in_the_well() -> None:
    quiet, fed = course(), course(event("drainage.inflow", "sewer-point-001", at(10), at(11), flow=0.2))
    more = (fed.inflow_m3 - quiet.inflow_m3)[seconds(13)]
    assert more == pytest.approx(0.2 * 3600, rel=0.02)
    assert depth(fed, "MH06")[seconds(10, 30)] > depth(quiet, "MH06")[seconds(10, 30)] + 0.15


def test_dry_weather_follows_the_hours_of_the_county() -> None:
    of = course()
    hourly = np.diff(of.inflow_m3[:: seconds(1)])
    assert 0.009 * 3600 < hourly.min() < 0.015 * 3600
    assert 0.04 * 3600 < hourly.max() < 0.056 * 3600
    assert int(hourly.argmin()) in (2, 3, 4)
    assert int(hourly.argmax()) in (7, 8, 18, 19)


def test_velocity_is_flow_through_the_wetted_part_of_the_pipe() -> None:
    assert velocity_m_s(1.0, 5.0, 1.0) == pytest.approx(4 / np.pi)
    assert velocity_m_s(1.0, 0.5, 1.0) == pytest.approx(8 / np.pi)


def test_each_run_has_the_nodes_in_the_order_of_the_plan() -> None:
    plan = laid("town").plan
    assert isinstance(plan, network.Plan)
    assert plan.nodes == tuple(f"D{number}-{node}" for number in range(1, 5) for node in NODES)
