"""The physics of street lighting against Ohm's law, another solver, published times of the sun and of its light."""

import warnings
from datetime import datetime

import numpy as np
import pytest
from numpy.typing import NDArray

from simulators.town.ground import ground
from simulators.town.layout import Layout
from simulators.town.lighting import lay, solve
from simulators.town.lighting_feeder import flow
from simulators.town.lighting_model import SWITCH_ALTITUDE
from simulators.town.lighting_plan import REACTANCE_OHM_KM, RESISTANCE_OHM_KM, SPACING_M, LightingPlan
from simulators.town.lighting_sun import daylight, elevation
from simulators.town.truth import Span

_SECOND = 1_000_000
_SEED = 3
#: Copper of 35 mm2 out of its resistivity at 20 degrees, 0.017241 ohm mm2/m (IEC 60028), ohm a kilometre.
_COPPER_OHM_KM = 0.017241 / 35 * 1000


@pytest.fixture(scope="module")
def layout() -> Layout:
    return lay(ground("test"), _SEED)


def test_the_cable_has_the_resistance_of_its_copper() -> None:
    # The standard allows a little more than solid copper has: strands are twisted.
    assert 1.0 <= RESISTANCE_OHM_KM / _COPPER_OHM_KM <= 1.07


def test_the_voltage_at_each_lamp_obeys_ohms_law() -> None:
    """Lamp by lamp, with currents that a lamp of this power draws at the voltage found for it."""
    power = np.full((1, 60), 60.0)
    found = flow(np.array([226.0]), power, np.array([1.0]))

    amperes = 60.0 / found.volts[0]
    ohm = 2 * RESISTANCE_OHM_KM * SPACING_M / 1000
    volts = 226.0
    for lamp in range(60):
        volts -= ohm * sum(amperes[lamp:])
        # Reactance turns the voltage a little: it costs less than a tenth of a volt with a power factor of one.
        assert found.volts[0, lamp] == pytest.approx(volts, abs=0.1)
    assert 200 < volts < 215, "the far end must lose volts that matter, and stay within 198 V"


def test_phasors_obey_ohms_law_exactly() -> None:
    """V0 - V_n = sum of Z I, with each current out of the power and voltage of its lamp, by another way."""
    rng = np.random.default_rng(5)
    power = rng.uniform(30, 90, 40)
    found = flow(np.array([224.0]), power[np.newaxis], np.array([0.95]))
    step = 2 * SPACING_M / 1000 * complex(RESISTANCE_OHM_KM, REACTANCE_OHM_KM)
    apparent = power * complex(1, np.tan(np.arccos(0.95)))

    # The admittance matrix of the whole chain, solved for fixed currents again and again.
    chain = np.zeros((40, 40), dtype=np.complex128)
    for n in range(40):
        chain[n, n] += 1 / step
        if n < 39:
            chain[n, n] += 1 / step
            chain[n, n + 1] = chain[n + 1, n] = -1 / step
    volts: NDArray[np.complex128] = np.full(40, 224.0, dtype=np.complex128)
    for _ in range(60):
        inflow = -np.conj(apparent / volts)
        inflow[0] += 224.0 / step
        volts = np.asarray(np.linalg.solve(chain, inflow), dtype=np.complex128)

    assert found.volts[0] == pytest.approx(np.abs(volts), abs=1e-6)


def test_another_solver_finds_the_same_voltages() -> None:
    """pandapower on the same feeder, as one phase of a balanced net with go and return in one conductor."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pandapower as pp

        power = np.random.default_rng(7).uniform(40, 80, 60)
        net = pp.create_empty_network()
        nominal_kv = 0.220 * np.sqrt(3)
        before = pp.create_bus(net, vn_kv=nominal_kv)
        pp.create_ext_grid(net, before, vm_pu=226.0 / 220.0)
        for watts in power:
            bus = pp.create_bus(net, vn_kv=nominal_kv)
            pp.create_line_from_parameters(
                net,
                before,
                bus,
                length_km=SPACING_M / 1000,
                r_ohm_per_km=2 * RESISTANCE_OHM_KM,
                x_ohm_per_km=2 * REACTANCE_OHM_KM,
                c_nf_per_km=0,
                max_i_ka=0.1,
            )
            pp.create_load(net, bus, p_mw=3 * watts / 1e6, q_mvar=3 * watts * np.tan(np.arccos(0.95)) / 1e6)
            before = bus
        pp.runpp(net, tolerance_mva=1e-12, numba=False)
        volts = net.res_bus.vm_pu.to_numpy()[1:] * 220.0
        watts_in = -net.res_ext_grid.p_mw.to_numpy()[0] * 1e6 / -3

    found = flow(np.array([226.0]), power[np.newaxis], np.array([0.95]))
    assert found.volts[0] == pytest.approx(volts, abs=1e-4)
    assert found.watts[0] == pytest.approx(watts_in, rel=1e-6)


def test_a_cabinet_delivers_what_lamps_and_cables_consume() -> None:
    rng = np.random.default_rng(11)
    power = rng.uniform(0.5, 80, (50, 60))
    found = flow(rng.uniform(205, 235, 50), power, np.full(50, 0.93))

    assert found.watts == pytest.approx(power.sum(axis=1) + found.lost_w, rel=1e-9)
    assert np.all(found.lost_w > 0)


def test_the_power_of_a_cabinet_is_that_of_all_its_lamps_its_cables_and_itself(layout: Layout) -> None:
    """The lamps that report say what one lamp draws; nothing but cables and the cabinet itself may come on top."""
    assert isinstance(layout.plan, LightingPlan)
    midnight = datetime.fromisoformat("2026-06-15T22:00:00+08:00")
    truth = solve(layout, Span(start=int(midnight.timestamp()) * _SECOND, steps=1), (), _SEED)

    for cabinet in layout.plan.cabinets:
        reported = [
            truth.signals[lamp.device, "light.power"][0] for feeder in cabinet.feeders for lamp in feeder.monitored
        ]
        lamps = float(np.mean(reported)) * cabinet.lamps
        rest = truth.signals[cabinet.device, "light.power"][0] - lamps
        assert -0.03 * lamps < rest - 30 < 0.10 * lamps


def test_a_dead_feeder_carries_nothing() -> None:
    found = flow(np.array([0.0, 225.0]), np.full((2, 5), 60.0), np.array([0.95, 0.95]))

    assert not found.volts[0].any()
    assert found.amperes[0] == found.watts[0] == found.lost_w[0] == 0
    assert np.all(found.volts[1] > 220)


def test_a_cable_that_cannot_carry_its_load_is_told() -> None:
    with pytest.raises(ArithmeticError, match="more than its cable can carry"):
        flow(np.array([220.0]), np.full((1, 60), 2000.0), np.array([0.95]))


def _crossing(place: tuple[float, float], day: str, altitude: float, *, morning: bool) -> float:
    """Seconds since 1970 at which the sun passes an altitude on the half day that contains 06:00 or 18:00 of `day`."""
    middle = datetime.fromisoformat(day).timestamp() + (6 if morning else 18) * 3600
    seconds = middle + np.arange(-4 * 3600, 4 * 3600)
    up = elevation((seconds * 1e6).astype(np.int64), *place) > altitude
    return float(seconds[np.flatnonzero(up[1:] != up[:-1])[0] + 1])


_KUNMING, _LONDON = (102.83, 25.02), (-0.1157, 51.5072)
#: The sun's centre at sunrise and sunset: half its disk and refraction at the horizon.
_RISING = -0.833


@pytest.mark.parametrize(
    ("place", "day", "altitude", "published"),
    [
        # The nearest city, 100 km east of the town, from a printed table of the winter of 2022.
        (_KUNMING, "2022-12-27T00:00:00+08:00", _RISING, "2022-12-27T07:52:00+08:00"),
        (_KUNMING, "2022-12-27T00:00:00+08:00", _RISING, "2022-12-27T18:27:00+08:00"),
        # The example of the manual of `astral`, which follows the calculator of the NOAA; civil twilight too.
        (_LONDON, "2009-04-22T00:00:00+00:00", -6.0, "2009-04-22T04:13:04+00:00"),
        (_LONDON, "2009-04-22T00:00:00+00:00", _RISING, "2009-04-22T04:50:16+00:00"),
        (_LONDON, "2009-04-22T00:00:00+00:00", _RISING, "2009-04-22T19:08:41+00:00"),
        (_LONDON, "2009-04-22T00:00:00+00:00", -6.0, "2009-04-22T19:46:06+00:00"),
    ],
)
def test_the_sun_rises_and_sets_when_almanacs_say_so(
    place: tuple[float, float], day: str, altitude: float, published: str
) -> None:
    expected = datetime.fromisoformat(published)
    found = _crossing(place, day, altitude, morning=expected.hour < 12)

    assert found == pytest.approx(expected.timestamp(), abs=60)


def test_lamps_burn_from_a_few_minutes_after_sunset_to_a_few_before_sunrise(layout: Layout) -> None:
    assert isinstance(layout.plan, LightingPlan)
    place = layout.plan.longitude, layout.plan.latitude
    noon = int(datetime.fromisoformat("2022-12-27T12:00:00+08:00").timestamp())
    state = solve(layout, Span(start=noon * _SECOND, steps=1440), (), _SEED).signals["lamp-001-d", "light.state"]
    on, off = (noon + 60 * (int(minute) + 1) for minute in np.flatnonzero(np.diff(state)))

    sunset = _crossing(place, "2022-12-27T00:00:00+08:00", _RISING, morning=False)
    sunrise = _crossing(place, "2022-12-28T00:00:00+08:00", _RISING, morning=True)
    assert 60 <= on - sunset <= 360
    assert 60 <= sunrise - off <= 360
    # The town lies a degree west of Kunming, whose sun sets at 18:27: four minutes earlier.
    assert sunset == pytest.approx(datetime.fromisoformat("2022-12-27T18:31:00+08:00").timestamp(), abs=180)
    assert SWITCH_ALTITUDE < _RISING


@pytest.mark.parametrize(
    ("altitude", "lux"),
    # Published by others than the source of the formula: the American Meteorological Society's glossary gives 410 to
    # 585 lx at sunset and 2 to 3.5 lx at the end of civil twilight; full sun is some 120,000 lx.
    [(_RISING, 500.0), (-6.0, 3.0), (90.0, 120_000.0)],
)
def test_daylight_is_as_bright_as_measured(altitude: float, lux: float) -> None:
    assert daylight(np.array([altitude]))[0] == pytest.approx(lux, rel=0.25)


def test_daylight_falls_steadily_with_the_sun() -> None:
    altitudes = np.linspace(90, -20, 2000)
    light = daylight(altitudes)

    assert np.all(np.diff(light) <= 0)
    assert light[-1] == 0
    assert np.all(np.abs(np.diff(np.log10(light[light > 0]))) < 0.05), "the pieces of the formula must meet"
