"""What is true of drinking water over a span: sound days, what an incident does to them, the same in every process."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from simulators.town.truth import Series, Span, Truth
from tests.support.water_town import DAY, PLANT, SECOND, STATION, at, event, laid, quiet, signal, solved

_MORNING = Span(start=at(8), steps=240)


def _every(truth: Truth, observed: str) -> list[Series]:
    found = [series for (_, name), series in truth.signals.items() if name == observed]
    assert found
    return found


def test_every_instrument_has_its_truth_and_nothing_else_has() -> None:
    truth = quiet()
    wanted = {
        (one.device, name)
        for one in laid().instruments
        for name in one.properties
        if name not in ("device.battery", "device.rssi")
    }
    assert truth.signals.keys() == wanted
    for key, series in truth.signals.items():
        assert series.shape == (DAY.steps,), key
        assert series.dtype == np.float64, key
        assert np.isfinite(series).all(), key


#: Property -> least and most of a sound day: within what GB 5749-2022, CJJ 58 and the rules of the catalogue allow,
#: with a margin for the noise of sensors.
_SOUND = {
    "water.pressure": (0.22, 0.8),
    "water.cl2.free": (0.12, 1.0),
    "water.turbidity": (0.05, 0.9),
    "water.ph": (7.0, 8.0),
    "water.conductivity": (300.0, 340.0),
    "water.temperature": (8.0, 24.0),
    "water.tank.level": (1.7, 4.85),
    "water.pump.state": (1.0, 1.0),
    "water.noise": (5.0, 40.0),
    "water.flow": (1.0, 500.0),
}


@pytest.mark.parametrize("scale", ["test", "town"])
def test_a_quiet_day_stays_within_bounds_everywhere(scale: str) -> None:
    truth = quiet() if scale == "test" else solved(span=Span(start=at(0), steps=144, step_s=600), scale="town")
    for (device, observed), series in truth.signals.items():
        least, most = _SOUND[observed]
        assert least <= series.min(), (device, observed)
        assert series.max() <= most, (device, observed)
    # GB 5749-2022: 0.3 mg/L as water leaves the plant.
    assert signal(truth, PLANT, "water.cl2.free").min() > 0.4


def test_use_peaks_in_the_morning_and_the_evening() -> None:
    flow = signal(quiet(), PLANT, "water.flow")
    night, morning, evening = (flow[60 * hour] for hour in (4, 9, 20))
    assert night < 0.5 * morning
    assert night < 0.5 * evening


def test_no_two_days_are_the_same_but_all_are_alike() -> None:
    span = Span(start=at(0), steps=2 * 144, step_s=600)
    flow = signal(solved(span=span), PLANT, "water.flow").reshape(2, 144)
    assert np.abs(flow[0] - flow[1]).max() > 0.5
    assert (np.abs(flow[0] - flow[1]) < 0.15 * flow.mean()).all()


def test_a_span_has_settled_when_it_begins() -> None:
    """The same instants, begun a day later, are nearly the same."""
    early = Span(start=at(-24), steps=288, step_s=600)
    late = Span(start=at(0), steps=144, step_s=600)
    one, other = solved(span=early), solved(span=late)
    for key, series in other.signals.items():
        if key[1] in ("water.cl2.free", "water.pressure", "water.tank.level"):
            assert series == pytest.approx(one.signals[key][144:], rel=0.03, abs=0.03), key


def test_instants_of_a_long_span_are_close_to_those_of_a_short_one() -> None:
    minute, quarter = quiet(), solved(span=Span(start=at(0), steps=96, step_s=900))
    for key, series in quarter.signals.items():
        if key[1] in ("water.pressure", "water.tank.level", "water.cl2.free"):
            assert series == pytest.approx(minute.signals[key][::15], rel=0.05, abs=0.05), key


def test_fields_cover_the_crossings_in_the_order_of_their_names() -> None:
    truth = solved(event("water.contamination", "quality-point-001", at(9)), span=_MORNING)
    assert set(truth.fields) == {"water.pressure", "water.chlorine", "water.contaminant"}
    assert set(quiet().fields) == {"water.pressure", "water.chlorine"}
    for name, values in truth.fields.items():
        assert values.shape == (_MORNING.steps, len(truth.things[name]))
    plan = laid().plan
    node = plan.nodes["pressure-point-001"]  # type: ignore[attr-defined]
    metres = truth.of("water.pressure", node)
    # Taps nearby move it by 0.2 m at most.
    assert signal(truth, "pressure-point-001", "water.pressure") == pytest.approx(metres * 9.80665e-3, abs=0.002)
    chlorine = truth.of("water.chlorine", plan.nodes["quality-point-002"])  # type: ignore[attr-defined]
    assert signal(truth, "quality-point-002", "water.cl2.free") == pytest.approx(chlorine)


def test_a_contaminant_uses_chlorine_up_and_clouds_and_salts_the_water() -> None:
    span = Span(start=at(8), steps=240)
    clean = solved(span=span)
    foul = solved(event("water.contamination", "quality-point-001", at(9), at(10), mass=60_000.0), span=span)
    node = laid().plan.nodes["quality-point-001"]  # type: ignore[attr-defined]
    amount = foul.of("water.contaminant", node)

    def gone(observed: str) -> Series:
        return signal(foul, "quality-point-001", observed) - signal(clean, "quality-point-001", observed)

    assert amount[:60].max() < 1e-3
    assert 3.0 < amount[65:115].min() < amount.max() < 100.0
    expected = np.minimum(0.05 * amount, signal(clean, "quality-point-001", "water.cl2.free"))
    assert -gone("water.cl2.free") == pytest.approx(expected, abs=1e-4)
    assert gone("water.conductivity") == pytest.approx(1.6 * amount, abs=1e-3)
    assert gone("water.turbidity") == pytest.approx(0.06 * amount, abs=1e-3)
    # Downstream it comes later; upstream never.
    assert gone("water.conductivity")[130:].max() < 1.0
    assert np.abs(signal(foul, PLANT, "water.conductivity") - signal(clean, PLANT, "water.conductivity")).max() < 1e-3


def test_a_leak_is_heard_near_it_and_only_there() -> None:
    truth = solved(event("water.burst", "pressure-point-001", at(9), at(10), emitter=0.3), span=_MORNING)
    still = solved(span=_MORNING)
    near, far = ("pressure-point-001", "pressure-point-003")
    louder = signal(truth, near, "water.noise") - signal(still, near, "water.noise")
    assert (louder[60:120] > 20).all()
    assert (louder[:60] == 0).all()
    assert np.abs(louder[120:]).max() < 0.01
    assert np.abs(signal(truth, far, "water.noise") - signal(still, far, "water.noise")).max() < 1.0


def test_sediment_is_carried_along_and_settles_nowhere_upstream() -> None:
    truth = solved(event("water.turbid", "quality-point-002", at(8.5), at(11), rise=4.0), span=_MORNING)
    still = solved(span=_MORNING)

    def rise(asset: str) -> Series:
        return signal(truth, asset, "water.turbidity") - signal(still, asset, "water.turbidity")

    assert rise("quality-point-002").max() == pytest.approx(4.0, rel=0.02)
    assert rise("quality-point-003").max() > 2.0
    assert np.argmax(rise("quality-point-003") > 1.0) > np.argmax(rise("quality-point-002") > 1.0) + 20
    assert rise("quality-point-001").max() < 1e-3


def test_a_station_without_power_stands_still_and_others_do_not() -> None:
    truth = solved(event("power.lost", STATION, at(9), at(10)), span=_MORNING)
    state, flow = (signal(truth, STATION, f"water.{name}") for name in ("pump.state", "flow"))
    assert (state[:60] == 1).all()
    assert (state[60:120] == 0).all()
    assert (state[120:] == 1).all()
    assert (flow[60:120] == 0).all()
    assert flow[:60].min() > 50
    # Behind the filters of the plant no sediment is stirred up, however its flow jumps.
    assert signal(truth, PLANT, "water.turbidity").max() < 0.3
    # A cabinet's power is none of the water's.
    other = solved(event("power.lost", "cabinet-001", at(9), at(10)), span=_MORNING)
    assert (signal(other, STATION, "water.pump.state") == 1).all()


def test_without_dosing_the_plant_is_below_the_standard_within_the_hour() -> None:
    truth = solved(event("water.dosing_lost", PLANT, at(9)), span=_MORNING)
    chlorine = signal(truth, PLANT, "water.cl2.free")
    assert chlorine[:60].min() > 0.6
    assert chlorine[70] > 0.4
    assert chlorine[120] < 0.3


_SCRIPT = """
import hashlib, sys
from tests.support.water_town import STATION, at, event, solved
from simulators.town.truth import Span
truth = solved(event("water.burst", "water-main-001", at(9)), event("water.contamination", "quality-point-001", at(9)),
               span=Span(start=at(8), steps=120), seed=int(sys.argv[1]))
digest = hashlib.sha256()
for part in (truth.signals, truth.fields):
    for key in sorted(part):
        digest.update(str(key).encode() + part[key].tobytes())
print(digest.hexdigest())
"""


def _digest(seed: int) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(seed)], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stderr == ""
    return done.stdout.strip()


def test_another_process_says_the_same_to_the_last_bit_and_another_seed_does_not() -> None:
    first, again, other = _digest(1), _digest(1), _digest(2)
    assert len(first) == len(hashlib.sha256().hexdigest())
    assert first == again
    assert first != other


def test_what_began_before_the_span_is_felt_in_it() -> None:
    span = Span(start=at(10), steps=30)
    truth = solved(event("water.burst", "pressure-point-001", at(9)), span=span)
    still = solved(span=span)
    fall = signal(still, "pressure-point-001", "water.pressure") - signal(truth, "pressure-point-001", "water.pressure")
    assert (fall > 0.05).all()
    assert span.times[0] - at(9) == 3600 * SECOND
