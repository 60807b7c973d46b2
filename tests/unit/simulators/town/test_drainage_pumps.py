"""Motors and controller of a pump station: currents by the formula, protection, duties, counters."""

import math

import pytest

from simulators.town.drainage_pumps import LEVELS, RATED_CURRENT_A, Spell, Station, current_a, flow_m3_s

VOLTS = 388.0


def stepped(station: Station, levels: list[float], *, since_s: float = 0.0, volts: float = VOLTS) -> None:
    """Ten seconds at each level, with a lift of 4 m."""
    for number, level in enumerate(levels, start=1):
        station.step(since_s + 10 * number, 10, level_m=level, lift_m=4.0, volts=volts)


def test_the_current_is_that_of_the_water_lifted() -> None:
    """By hand: 0.55 m3/s over 5 m are 26.98 kW; 0.78 (1 - (0.05/0.3)^2) and 0.92 of efficiency; 380 V, 0.85."""
    assert flow_m3_s(5) == 0.55
    by_hand = 1000 * 9.81 * 0.55 * 5 / (0.78 * (1 - 1 / 36) * 0.92) / (math.sqrt(3) * 380 * 0.85)
    assert current_a(5, 380) == pytest.approx(by_hand)
    assert by_hand == pytest.approx(69, abs=0.5)


def test_at_every_lift_of_the_station_a_sound_pump_is_neither_overloaded_nor_dry_to_the_rules() -> None:
    for lift in (0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 5.5):
        assert 0.7 * RATED_CURRENT_A < current_a(lift, VOLTS) < RATED_CURRENT_A


def test_pumps_start_and_stop_at_their_levels_one_after_the_other() -> None:
    station = Station(())
    stepped(station, [LEVELS[0][0] - 0.01])
    assert not any(pump.state for pump in station.pumps)
    stepped(station, [2.0])
    assert [pump.state for pump in station.pumps] == [True, False, False]
    stepped(station, [2.6])
    assert not station.pumps[1].state, "a wave starts no pump"
    stepped(station, [2.6, 2.6])
    assert [pump.state for pump in station.pumps] == [True, True, False]
    stepped(station, [1.1])
    assert [pump.state for pump in station.pumps] == [True, False, False]
    stepped(station, [0.79])
    assert station.settings == (0.0, 0.0, 0.0)
    assert [pump.starts for pump in station.pumps] == [1, 1, 0]


def test_the_next_sound_pump_takes_the_duty_of_one_that_tripped() -> None:
    station = Station((Spell(kind="drainage.pump_trip", pump=0, since_s=25, until_s=45),))
    stepped(station, [2.0, 2.0])
    assert station.settings == (1.0, 0.0, 0.0)
    stepped(station, [1.5], since_s=20)
    tripped = station.pumps[0]
    assert (tripped.fault, tripped.command, tripped.state, tripped.current_a) == (True, False, False, 0.0)
    assert station.settings == (0.0, 1.0, 0.0)
    stepped(station, [1.5, 1.5], since_s=30)
    assert station.settings == (1.0, 0.0, 0.0), "somebody has reset it"


def test_without_supply_pumps_are_asked_for_and_draw_nothing() -> None:
    station = Station(())
    stepped(station, [2.0])
    stepped(station, [2.1], since_s=10, volts=0.0)
    pump = station.pumps[0]
    assert (pump.command, pump.state, pump.fault, pump.current_a) == (True, False, False, 0.0)
    assert station.settings == (0.0, 0.0, 0.0)
    assert station.volts(0.0) == 0.0


def test_a_locked_rotor_draws_three_times_the_rated_current_until_the_relay_trips() -> None:
    station = Station((Spell(kind="drainage.pump_locked", pump=0, since_s=0, until_s=1000),))
    stepped(station, [2.0])
    assert station.pumps[0].current_a == 3 * RATED_CURRENT_A
    assert station.settings == (0.0, 0.0, 0.0)
    stepped(station, [2.0] * 17, since_s=10)
    assert not station.pumps[0].fault
    stepped(station, [2.0] * 2, since_s=180)
    assert station.pumps[0].fault
    assert station.pumps[0].current_a == 0.0
    assert station.settings == (0.0, 1.0, 0.0)


def test_a_pump_that_moves_nothing_draws_what_the_motor_needs_without_load() -> None:
    station = Station((Spell(kind="drainage.pump_no_flow", pump=0, since_s=0, until_s=1000),))
    stepped(station, [2.0])
    assert station.pumps[0].state
    assert station.settings == (0.0, 0.0, 0.0)
    assert 0.1 * RATED_CURRENT_A < station.pumps[0].current_a < 0.6 * RATED_CURRENT_A


def test_the_winding_warms_as_a_first_order_body_and_cools_again() -> None:
    """T(t) = water + rise (I / I rated)^2 (1 - exp(-t / tau)); tau of a relay of class 30 is 1,270 s."""
    station = Station(())
    stepped(station, [1.95] * 361)
    tau = 30 / math.log(7.2**2 / (7.2**2 - 1.1**2))
    warmer = 80 * (current_a(4.0, VOLTS - 1.5) / RATED_CURRENT_A) ** 2
    assert station.pumps[0].winding_c == pytest.approx(18 + warmer * (1 - math.exp(-3600 / tau)), abs=0.01)
    assert station.pumps[0].hours == pytest.approx(1.0)
    warm = station.pumps[0].winding_c
    stepped(station, [0.5] * 128, since_s=3610)
    assert station.pumps[0].winding_c - 18 == pytest.approx((warm - 18) * math.exp(-1270 / tau), rel=0.02)


def test_each_running_pump_takes_a_little_off_the_voltage() -> None:
    station = Station(())
    assert station.volts(VOLTS) == VOLTS
    stepped(station, [2.6] * 3)
    assert station.volts(VOLTS) == VOLTS - 3
