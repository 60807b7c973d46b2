"""Covers, levels and air of manholes and valve wells over a span."""

import numpy as np
import pytest

from simulators.town import chambers
from simulators.town.manholes_covers import head_that_lifts
from simulators.town.truth import Series, Span, Truth
from tests.support.gas_town import DAY, QUIET, SECOND, at, event, laid, manhole_plan, solved

DAYTIME = Span(start=at(10), steps=481)
STORM = (event("drainage.storm", None, 14, depth=80.0), event("power.lost", "pump-station-001", 14.25, 17))
#: A deep manhole of the upper sewer, which surcharges in the storm, and one beside a valve well.
UPPER, BESIDE, WELL = "deep-manhole-004", "deep-manhole-001", "valve-well-001"


def of(truth: Truth, asset: str, name: str) -> Series:
    return truth.signals[f"{asset}-d", name]


def clock(span: Span, condition: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
    """Hours of the day at which something is true first."""
    assert condition.any()
    return (int(span.times[int(condition.argmax())]) - at(0)) / 3.6e9


def test_every_instrument_has_its_truth_those_of_the_valve_wells_too() -> None:
    truth = solved()
    wanted = {
        (one.device, name)
        for layout in laid()
        for one in layout.instruments
        for name in one.properties
        if name not in ("device.battery", "device.rssi")
    }
    assert truth.signals.keys() == wanted


def test_on_a_quiet_day_covers_lie_closed_and_the_air_is_fit_for_people() -> None:
    truth = solved()
    for (_, name), series in truth.signals.items():
        if name == "manhole.tilt":
            assert 0 <= series.min() <= series.max() < 5
        if name in ("manhole.open", "gas.well.water"):
            assert not series.any()
        if name in ("manhole.ch4", "gas.ch4.chamber"):
            # Never nothing at all: that is what a detector under water says.
            assert 0 < series.min() <= series.max() < 5
        if name == "manhole.h2s":
            assert 0 < series.min() <= series.max() < 5
        if name == "manhole.o2":
            assert 20 < series.min() <= series.max() <= chambers.AIR_O2


@pytest.mark.parametrize(("hole", "hours"), [(3.0, 3.0), (5.0, 1.5), (10.0, 0.75), (25.0, 0.5)])
def test_the_wider_the_hole_the_sooner_the_well_beside_it_shows_ten_percent(hole: float, hours: float) -> None:
    leak = event("gas.leak", WELL, 11, hole=hole)
    truth = solved(leak, span=DAYTIME)
    found = clock(DAYTIME, of(truth, WELL, "gas.ch4.chamber") >= 10)
    # Not before the gas has come through the soil.
    assert 11 + leak["lag"] / 60 <= found < 11 + hours


def test_natural_gas_goes_into_the_manhole_beside_the_well_without_sulfide_and_not_into_the_next_one() -> None:
    truth, quiet = solved(event("gas.leak", WELL, 11, hole=10), span=DAYTIME), solved(span=DAYTIME)
    assert of(truth, BESIDE, "manhole.ch4").max() > 50
    assert (of(truth, BESIDE, "manhole.ch4") <= of(truth, WELL, "gas.ch4.chamber") + 1).all()
    np.testing.assert_array_equal(of(truth, BESIDE, "manhole.h2s"), of(quiet, BESIDE, "manhole.h2s"))
    for other in ("deep-manhole-002", UPPER):
        np.testing.assert_array_equal(of(truth, other, "manhole.ch4"), of(quiet, other, "manhole.ch4"))


def test_the_methane_of_a_small_leak_strives_for_the_analytic_value_of_its_box() -> None:
    span = Span(start=at(0), steps=3 * 96, step_s=900)
    leak = event("gas.leak", WELL, 1, hole=3)
    truth, quiet = solved(leak, span=span), solved(span=span)
    risen = (of(truth, WELL, "gas.ch4.chamber") - of(quiet, WELL, "gas.ch4.chamber"))[-1]
    inflow = leak["reaches"] * float(truth.of("gas.leak", WELL)[-1])
    # The exchange of air differs from chamber to chamber by 15 % at most.
    least, most = (100 * 20 * inflow / (inflow + 1.3 * factor) for factor in (1.15, 0.85))
    assert least < risen < most


def test_when_the_leak_is_shut_the_chamber_airs() -> None:
    truth = solved(event("gas.leak", WELL, 11, 12, hole=5), span=DAYTIME)
    methane = of(truth, WELL, "gas.ch4.chamber")
    peak = int(methane.argmax())
    assert at(12) <= DAYTIME.times[peak] <= at(12.5)
    assert methane[-1] < methane[peak] / 3


def test_a_leak_of_yesterday_is_still_in_the_chamber_this_morning() -> None:
    leak = event("gas.leak", WELL, 2, hole=5)
    late = Span(start=at(10), steps=60)
    whole = of(solved(leak), WELL, "gas.ch4.chamber")[600:660]
    np.testing.assert_allclose(of(solved(leak, span=late), WELL, "gas.ch4.chamber"), whole, rtol=0.03)


def test_with_a_quarter_of_an_hour_between_samples_gas_is_one_of_them_late_at_most() -> None:
    leak = event("gas.leak", WELL, 2, hole=5)
    coarse = of(solved(leak, span=Span(start=at(0), steps=96, step_s=900)), WELL, "gas.ch4.chamber")
    minute = of(solved(leak), WELL, "gas.ch4.chamber")[::15]
    assert (coarse < minute + 1).all()
    assert (coarse[1:] > minute[:-1] - 1).all()


def test_biogas_is_methane_with_sulfide_and_without_oxygen_and_stays_where_it_rots() -> None:
    truth = solved(event("manhole.biogas", BESIDE, 11, 16, ch4=30, h2s=20, hours=2), span=DAYTIME)
    top = DAYTIME.between(at(13), at(16))
    assert of(truth, BESIDE, "manhole.ch4")[top] == pytest.approx(30, abs=2)
    assert of(truth, BESIDE, "manhole.h2s")[top] == pytest.approx(20, abs=2)
    assert of(truth, BESIDE, "manhole.o2")[top].max() < 19.5
    assert of(truth, WELL, "gas.ch4.chamber").max() < 5
    after = DAYTIME.times >= at(17.9)
    assert of(truth, BESIDE, "manhole.h2s")[after].max() < 12


def test_a_detector_in_a_flooded_well_reads_nothing_whatever_leaks() -> None:
    truth = solved(event("manhole.flooded_well", WELL, 11, 15), event("gas.leak", WELL, 11.5, hole=10), span=DAYTIME)
    flooded = DAYTIME.between(at(11), at(15))
    np.testing.assert_array_equal(of(truth, WELL, "gas.well.water") == 1, flooded)
    assert not of(truth, WELL, "gas.ch4.chamber")[flooded].any()
    # It is pumped dry, and the gas was there all the time.
    assert of(truth, WELL, "gas.ch4.chamber")[~flooded][70] > 50
    assert of(truth, BESIDE, "manhole.ch4").max() > 50


def test_water_of_the_street_runs_into_the_well_below_it_and_stays() -> None:
    truth = solved(*STORM)
    drowned = manhole_plan().street[WELL]
    street = truth.of("drainage.street", drowned)
    assert street.max() < 0.15, "the wells of the test town are where no street drowns"
    assert not of(truth, WELL, "gas.well.water").any()
    below = Truth(
        span=truth.span,
        signals={},
        fields={**truth.fields, "drainage.street": _street_under_water(truth)},
        things=truth.things,
    )
    from simulators.town import manholes

    water = of(manholes.solve(laid()[2], QUIET, [], 1, below), WELL, "gas.well.water")
    assert clock(QUIET, water == 1) == 14
    assert not water[QUIET.times >= at(21.1)].any()
    assert water[QUIET.between(at(14), at(20.9))].all()


def _street_under_water(truth: Truth) -> Series:
    """Half a metre on every street from 14:00 to 15:00."""
    return np.tile(
        np.where(QUIET.between(at(14), at(15)), 0.5, 0.0)[:, None], (1, len(truth.things["drainage.street"]))
    )


def test_the_level_in_a_deep_manhole_is_that_of_its_sewer() -> None:
    truth = solved(*STORM)
    np.testing.assert_array_equal(
        of(truth, UPPER, "manhole.level"), truth.of("drainage.depth", manhole_plan().stands[UPPER])
    )


def test_water_lifts_a_cover_when_it_stands_higher_above_the_rim_than_the_cover_is_heavy() -> None:
    """60 to 90 kg over 0.28 m2: 21 to 32 cm."""
    assert head_that_lifts(75) == pytest.approx(0.265, abs=0.001)
    truth = solved(*STORM)
    lifted = 0
    for asset, node in manhole_plan().stands.items():
        head = -truth.of("drainage.freeboard", node)
        open_ = of(truth, asset, "manhole.open")
        if head.max() < 0.2:
            assert not open_.any()
        if head.max() > 0.33:
            lifted += 1
            first = int(open_.argmax())
            assert head[first] > 0.2
            assert head[first - 1] < 0.33
            # Nobody puts it back.
            assert open_[first:].all()
            assert of(truth, asset, "manhole.tilt")[first:].min() > 10
    assert lifted >= 3
    assert of(truth, UPPER, "manhole.open").any()


def test_gas_detectors_below_the_rim_read_nothing_while_the_manhole_is_full() -> None:
    truth = solved(*STORM)
    full = truth.of("drainage.freeboard", manhole_plan().stands[UPPER]) < 0.3
    assert full.any()
    assert not of(truth, UPPER, "manhole.ch4")[full].any()
    assert (of(truth, UPPER, "manhole.ch4")[~full] > 0).all()
    assert of(truth, UPPER, "manhole.o2").min() > 20


def test_a_stolen_cover_is_open_as_long_as_it_is_gone() -> None:
    truth = solved(event("manhole.cover_open", "manhole-001", 11, 12, tilt=60), span=DAYTIME)
    gone = DAYTIME.between(at(11), at(12))
    np.testing.assert_array_equal(of(truth, "manhole-001", "manhole.open") == 1, gone)
    assert (of(truth, "manhole-001", "manhole.tilt")[gone] == 60).all()
    assert of(truth, "manhole-001", "manhole.tilt")[~gone].max() < 5
    assert not of(truth, "manhole-002", "manhole.open").any()


def test_an_open_manhole_airs_faster() -> None:
    biogas = event("manhole.biogas", BESIDE, 11, 16)
    shut = of(solved(biogas, span=DAYTIME), BESIDE, "manhole.ch4")
    aired = of(solved(biogas, event("manhole.cover_open", BESIDE, 13), span=DAYTIME), BESIDE, "manhole.ch4")
    assert aired[DAYTIME.between(at(13.5), at(16))].max() < 5 < shut[DAYTIME.between(at(13.5), at(16))].min()


def test_an_excavator_shakes_covers_nearby_without_opening_them() -> None:
    truth = solved(event("gas.dig", "gas-main-001", 11, 12), span=DAYTIME)
    tilt = of(truth, BESIDE, "manhole.tilt")
    assert np.abs(np.diff(tilt)).max() > 6
    assert tilt.max() < 10
    assert not of(truth, BESIDE, "manhole.open").any()
    assert np.abs(np.diff(of(truth, UPPER, "manhole.tilt"))).max() < 0.1
    calm = DAYTIME.times >= at(11.5)
    assert np.abs(np.diff(tilt[calm])).max() < 0.1


def test_another_seed_differs_and_the_same_does_not() -> None:
    first, again, other = (solved(span=DAYTIME, seed=seed) for seed in (1, 1, 2))
    name = (f"{BESIDE}-d", "manhole.ch4")
    np.testing.assert_array_equal(first.signals[name], again.signals[name])
    assert not np.array_equal(first.signals[name], other.signals[name])


def test_weeks_are_solved_too() -> None:
    span = Span(start=at(0), steps=4 * DAY // (900 * SECOND), step_s=900)
    assert all(np.isfinite(series).all() for series in solved(span=span).signals.values())
