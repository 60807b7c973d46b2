"""What instruments make of the truth: each effect alone, against its law."""

import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulators.devices.character import PROPERTIES, character
from simulators.devices.emit import emit
from simulators.devices.traffic import BATTERY, BIAS, CLOCK, DRIFT, NOISY, SPIKE, STUCK, Traffic
from simulators.town.happenings import Happening
from simulators.town.layout import Instrument
from simulators.town.truth import Series, Span
from tests.support.field import (
    ALL,
    DAY,
    GATEWAY,
    HOUR,
    LAMPS,
    MIDNIGHT,
    MINUTE,
    POINT,
    SECOND,
    STATION,
    WELL,
    happening,
    rows_of,
    town,
    truth,
)

NOON = MIDNIGHT + 12 * HOUR
PRESSURE = (STATION.device, "water.pressure")


def traffic(
    *happenings: Happening,
    instruments: tuple[Instrument, ...] = ALL,
    span: Span = DAY,
    given: dict[tuple[str, str], Series] | None = None,
    seed: int = 1,
) -> Traffic:
    there = town(*instruments)
    return emit(there, truth(there, span, given), happenings, seed=seed)


def column(found: Traffic, stream: tuple[str, str], name: str = "value") -> NDArray[Any]:
    """One column of a datastream, in order of sampling."""
    rows = rows_of(found.streams, found.stream, *stream)
    order = np.argsort(found.sampled[rows], kind="stable")
    return np.asarray(getattr(found, name)[rows][order])


def arrays(found: Traffic) -> list[NDArray[np.float64]]:
    names = ("sent", "device", "first", "count", "stream", "sampled", "value", "truth", "labels")
    return [getattr(found, name) for name in names]


def test_a_day_of_a_minute_each_is_reported_whole_without_faults() -> None:
    found = traffic(instruments=(STATION,))
    assert len(found.sent) == 1440
    assert len(found.value) == 2 * 1440
    assert found.lost == 0
    assert not found.labels.any()
    assert (np.diff(np.unique(found.sampled)) == MINUTE).all()
    assert (found.sampled % 1000 == 0).all()
    assert (found.sent % 1000 == 0).all()
    assert (np.diff(found.sent) >= 0).all()


def test_the_noise_has_the_spread_of_its_table_and_no_lean() -> None:
    off = column(traffic(instruments=(STATION,)), PRESSURE) - 0.4
    like = character("water.pressure")
    # Rounding to a thousandth adds a spread of its own, 0.001 / sqrt(12).
    expected = np.hypot(like.floor, 0.001 / np.sqrt(12))
    assert np.std(off) == pytest.approx(expected, rel=0.08)
    assert abs(np.mean(off)) < 4 * expected / np.sqrt(1440)
    assert abs(np.corrcoef(off[1:], off[:-1])[0, 1]) < 0.1


def test_noise_differs_between_devices_properties_and_seeds() -> None:
    twins = (STATION, replace(STATION, device="station-002-rtu"))
    found = traffic(instruments=twins)
    first, second = column(found, PRESSURE), column(found, ("station-002-rtu", "water.pressure"))
    other = column(traffic(instruments=twins, seed=2), PRESSURE)
    for one in (second, other):
        assert abs(np.corrcoef(first, one)[0, 1]) < 0.1


def test_a_noisy_sensor_is_noisier_by_its_factor_and_only_then() -> None:
    fault = happening("device.noisy", STATION.device, NOON, observed="water.pressure", factor=20)
    found = traffic(fault, instruments=(STATION,))
    values, labels = column(found, PRESSURE), column(found, PRESSURE, "labels")
    assert np.std(values[720:]) == pytest.approx(20 * character("water.pressure").floor, rel=0.1)
    assert np.std(values[:719]) < 0.002
    assert ((labels & NOISY) > 0).sum() in {719, 720}
    assert not column(found, (STATION.device, "water.flow"), "labels").any()


def test_a_drift_grows_by_its_rate_a_day_and_ends_with_its_repair() -> None:
    fault = happening("device.drift", STATION.device, MIDNIGHT, NOON, observed="water.pressure", per_day=0.2)
    found = traffic(fault, instruments=(STATION,))
    values, times = column(found, PRESSURE), column(found, PRESSURE, "sampled")
    drifts = column(found, PRESSURE, "labels") & DRIFT > 0
    days = (times - MIDNIGHT) / (24 * HOUR)
    slope, start = np.polyfit(days[drifts], values[drifts], 1)
    assert slope == pytest.approx(0.2, rel=0.02)
    assert start == pytest.approx(0.4, abs=0.001)
    assert np.mean(values[~drifts]) == pytest.approx(0.4, abs=0.001)
    assert column(found, PRESSURE, "truth").tolist() == [0.4] * 1440


def test_a_bias_is_added_as_it_is() -> None:
    fault = happening("device.bias", STATION.device, NOON, observed="water.flow", offset=-25)
    values = column(traffic(fault, instruments=(STATION,)), (STATION.device, "water.flow"))
    assert np.mean(values[720:]) - np.mean(values[:719]) == pytest.approx(-25, abs=0.2)


def test_a_fault_without_a_property_befalls_every_sensor_but_not_the_state_of_the_device() -> None:
    fault = happening("device.bias", WELL.device, MIDNIGHT, offset=5)
    found = traffic(fault, instruments=(WELL,))
    assert (column(found, (WELL.device, "gas.ch4.chamber"), "labels") == BIAS).all()
    # A contact cannot read too much.
    for name in ("gas.well.water", "device.battery", "device.rssi"):
        assert not column(found, (WELL.device, name), "labels").any()


def test_a_stuck_sensor_repeats_the_last_value_before_it_stuck() -> None:
    ramp = {PRESSURE: np.linspace(0.2, 0.6, 1440)}
    fault = happening("device.stuck", STATION.device, NOON, NOON + HOUR, observed="water.pressure")
    found = traffic(fault, instruments=(STATION,), given=ramp)
    values = column(found, PRESSURE)
    stuck = column(found, PRESSURE, "labels") & STUCK > 0
    first = int(np.flatnonzero(stuck)[0])
    assert stuck.sum() == 60
    assert set(values[stuck]) == {values[first - 1]}
    assert len(set(values[~stuck])) > 100
    assert np.ptp(column(found, PRESSURE, "truth")[stuck]) > 0.01


def test_spikes_come_at_their_mean_distance_have_their_height_and_their_label() -> None:
    fault = happening("device.spikes", STATION.device, MIDNIGHT, observed="water.flow", size=500, every=20)
    found = traffic(fault, instruments=(STATION,))
    values = column(found, (STATION.device, "water.flow"))
    wild = column(found, (STATION.device, "water.flow"), "labels") & SPIKE > 0
    assert (wild == (values > 400)).all()
    assert 45 <= wild.sum() <= 100
    assert np.mean(values[wild]) == pytest.approx(620, abs=1)


def test_a_spike_of_a_switch_is_the_other_state() -> None:
    fault = happening("device.spikes", WELL.device, MIDNIGHT, observed="gas.well.water", every=10)
    found = traffic(fault, instruments=(WELL,))
    stream = (WELL.device, "gas.well.water")
    assert ((column(found, stream, "labels") & SPIKE > 0) == (column(found, stream) == 1)).all()
    assert column(found, stream).sum() > 50


@settings(max_examples=25, deadline=None)
@given(level=st.floats(-1e6, 1e6), name=st.sampled_from(sorted(set(PROPERTIES) - {"device.battery", "device.rssi"})))
def test_values_are_always_within_their_range_and_on_their_digits(level: float, name: str) -> None:
    one = replace(STATION, properties=(name,))
    span = Span(start=MIDNIGHT, steps=30)
    values = column(
        traffic(instruments=(one,), span=span, given={(one.device, name): np.full(30, level)}), (one.device, name)
    )
    item = PROPERTIES[name]
    assert ((values >= item.minimum) & (values <= item.maximum)).all()
    assert values.tolist() == [round(value, character(name).digits) for value in values.tolist()]


def test_between_two_instants_the_truth_goes_in_a_straight_line_and_switches_hold() -> None:
    one = replace(WELL, sample_s=5, heartbeat_s=5)
    span = Span(start=MIDNIGHT, steps=10)
    given = {
        (one.device, "gas.ch4.chamber"): np.linspace(10, 19, 10),
        (one.device, "gas.well.water"): np.array([0, 1] * 5, dtype=np.float64),
    }
    found = traffic(instruments=(one,), span=span, given=given)
    # Before the clock of the device is added, the true time is that of sampling.
    skew = int(found.sampled.min()) - int(column(found, (one.device, "gas.ch4.chamber"), "sampled")[0])
    assert skew == 0
    steps = np.diff(column(found, (one.device, "gas.ch4.chamber"), "truth"))
    assert steps[:-12] == pytest.approx(np.full(len(steps) - 12, 5 / 60))
    assert set(column(found, (one.device, "gas.well.water"), "truth")) == {0.0, 1.0}
    assert len(column(found, (one.device, "gas.well.water"))) == 120


def test_nothing_is_told_of_an_event_before_it_happens() -> None:
    at = NOON + 30 * SECOND
    given = {PRESSURE: np.where(DAY.times < at, 0.4, 0.1)}
    quick = replace(STATION, sample_s=5, heartbeat_s=5)
    event = happening("water.burst", "pressure-point-001", at)
    found = traffic(event, instruments=(quick,), given=given)
    times, true = column(found, PRESSURE, "sampled"), column(found, PRESSURE, "truth")
    before = times < at - SECOND
    assert set(true[before]) == {0.4}
    assert set(true[times > NOON + 61 * SECOND]) == {0.1}
    # Without an event it is weather, and goes in a straight line.
    smooth = column(traffic(instruments=(quick,), given=given), PRESSURE, "truth")
    assert len(set(smooth)) > 5


def test_a_second_span_goes_on_where_the_first_ended() -> None:
    halves = [Span(start=MIDNIGHT, steps=700), Span(start=MIDNIGHT + 700 * MINUTE, steps=740)]
    parts = [traffic(instruments=(STATION, WELL), span=span) for span in halves]
    whole = traffic(instruments=(STATION, WELL))
    for stream in ((STATION.device, "water.flow"), (WELL.device, "device.rssi")):
        for name in ("value", "sampled"):
            joined = np.concatenate([column(part, stream, name) for part in parts])
            assert (joined == column(whole, stream, name)).all()


def test_a_wrong_clock_is_written_beside_the_values_and_labelled() -> None:
    fault = happening("device.clock_wrong", STATION.device, NOON, NOON + HOUR, seconds=900)
    plain, found = traffic(instruments=(STATION,)), traffic(fault, instruments=(STATION,))
    ahead = (found.sampled - plain.sampled) / SECOND
    wrong = found.labels & CLOCK > 0
    assert ((ahead >= 900) & (ahead < 901))[wrong].all()
    assert not ahead[~wrong].any()
    assert wrong.sum() == 2 * 60
    assert (found.sent == plain.sent).all()
    # Set right, it writes no instant a second time.
    assert len(np.unique(found.sampled)) == 1440


def test_a_battery_runs_down_by_its_rate_until_the_device_is_silent() -> None:
    fault = happening("device.battery_low", WELL.device, MIDNIGHT, volts_per_day=3.0)
    found = traffic(fault, instruments=(WELL,))
    stream = (WELL.device, "device.battery")
    values, times = column(found, stream), column(found, stream, "sampled")
    assert np.polyfit((times - MIDNIGHT) / (24 * HOUR), values, 1)[0] == pytest.approx(-3.0, rel=0.02)
    assert (column(found, stream, "labels") == BATTERY).all()
    assert values.min() > 1.98
    assert len(values) < 1440
    assert found.lost == 4 * (1440 - len(values))


def test_a_dead_device_says_nothing_and_what_it_would_have_said_is_counted() -> None:
    fault = happening("device.dead", WELL.device, NOON, NOON + HOUR)
    found = traffic(fault, instruments=(WELL,))
    times = np.unique(found.sampled)
    assert len(times) == 1380
    assert found.lost == 60 * 4
    assert np.diff(times).max() == 61 * MINUTE


def test_lamps_are_silent_without_the_supply_of_their_cabinet_and_stations_are_not() -> None:
    # Not at a whole number of heartbeats.
    back = NOON + 2 * HOUR + 5 * MINUTE
    lost = happening("power.lost", "cabinet-001", NOON, back)
    station = happening("power.lost", STATION.asset, NOON, NOON + 2 * HOUR)
    found = traffic(lost, station)
    for lamp in LAMPS:
        times = column(found, (lamp.device, "light.state"), "sampled")
        assert not ((times > NOON + 2 * SECOND) & (times < back - 2 * SECOND)).any()
        # The first sample with supply is told at once.
        assert ((times >= back - SECOND) & (times < back + 61 * SECOND)).any()
    assert len(column(found, PRESSURE)) == 1440
    assert len(column(found, (GATEWAY.device, "gateway.online"))) == 1440


def test_a_lamp_on_a_dead_feeder_is_silent() -> None:
    lamp = replace(LAMPS[0], properties=("light.state", "light.voltage"))
    supply = np.full(1440, 225.0)
    supply[600:660] = 0.0
    times = column(
        traffic(instruments=(lamp,), given={(lamp.device, "light.voltage"): supply}),
        (lamp.device, "light.state"),
        "sampled",
    )
    dark = (times >= MIDNIGHT + 601 * MINUTE) & (times < MIDNIGHT + 659 * MINUTE)
    assert not dark.any()
    assert len(times) > 120


def test_a_weak_link_shows_in_the_signal_strength() -> None:
    link = happening("device.poor_link", "carrier-mobile", NOON, late=0.0, twice=0.0)
    strength = column(traffic(link, instruments=(WELL,)), (WELL.device, "device.rssi"))
    assert np.mean(strength[:719]) - np.mean(strength[721:]) == pytest.approx(18, abs=3)


def test_a_missing_truth_is_named() -> None:
    there = town(STATION)
    with pytest.raises(ValueError, match=r"nothing is true of water\.flow of station-001-rtu"):
        emit(there, truth(town(replace(STATION, properties=("water.pressure",)))), (), seed=1)


STORY = (
    happening("device.poor_link", "carrier-mobile", MIDNIGHT, lost=0.1, twice=0.2, late=0.3),
    happening("device.carrier_out", "carrier-telecom", NOON, NOON + 2 * HOUR, keeps=0.9),
    happening("device.gateway_out", "cabinet-001", NOON, NOON + HOUR),
    happening("device.spikes", POINT.device, MIDNIGHT, observed="water.pressure", size=0.5),
    happening("device.restart", POINT.device, NOON + HOUR),
)


def digest() -> str:
    from hashlib import blake2b

    found = traffic(*STORY)
    return blake2b(b"".join(array.tobytes() for array in arrays(found)) + str(found.lost).encode()).hexdigest()


def test_another_process_emits_the_same_bytes_and_another_seed_does_not() -> None:
    code = "from tests.unit.simulators.devices.test_emit import digest; print(digest())"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert outputs == {digest()}
    other = traffic(*STORY, seed=2)
    assert any(
        a.shape != b.shape or (a != b).any() for a, b in zip(arrays(other), arrays(traffic(*STORY)), strict=True)
    )


@settings(max_examples=30, deadline=None)
@given(
    picked=st.lists(
        st.tuples(
            st.sampled_from(
                [
                    ("device.poor_link", "carrier-mobile"),
                    ("device.poor_link", "cabinet-001"),
                    ("device.carrier_out", "carrier-telecom"),
                    ("device.carrier_out", "carrier-mobile"),
                    ("device.gateway_out", "cabinet-001"),
                    ("device.restart", WELL.device),
                    ("device.restart", GATEWAY.device),
                    ("device.dead", LAMPS[0].device),
                    ("device.stuck", WELL.device),
                ]
            ),
            st.integers(0, 300),
            st.one_of(st.none(), st.integers(1, 200)),
        ),
        max_size=5,
    )
)
def test_whatever_happens_every_message_carries_whole_samples_of_its_device(
    picked: list[tuple[tuple[str, str], int, int | None]],
) -> None:
    events = [
        happening(
            kind,
            target,
            MIDNIGHT + since * MINUTE,
            None if length is None or kind == "device.restart" else MIDNIGHT + (since + length) * MINUTE,
        )
        for (kind, target), since, length in picked
    ]
    span = Span(start=MIDNIGHT, steps=300)
    found, plain = traffic(*events, span=span), traffic(span=span)
    assert (np.diff(found.sent) >= 0).all()
    width = {one.device: len(one.properties) for one in ALL}
    seen = np.zeros(len(found.value), dtype=bool)
    for device, first, count in zip(found.device.tolist(), found.first.tolist(), found.count.tolist(), strict=True):
        rows = slice(first, first + count)
        names = {found.streams[stream][0] for stream in found.stream[rows].tolist()}
        assert names == {found.devices[device]}
        assert count == width[found.devices[device]]
        assert len(set(found.sampled[rows].tolist())) == 1
        seen[rows] = True
    assert seen.all()
    # Periodic devices: what was sampled is either told or counted as lost.
    periodic = {one.device for one in ALL if one.heartbeat_s == one.sample_s}
    told, usual = (sum(one.streams[stream][0] in periodic for stream in one.stream.tolist()) for one in (found, plain))
    if not any(event.kind == "device.dead" for event in events):
        assert usual - found.lost <= told <= usual


def test_the_later_part_of_a_truth_is_read_as_it_is_in_the_whole_and_every_device_speaks_at_once() -> None:
    whole = truth(town())
    noon = MIDNIGHT + 12 * HOUR
    later = whole.since(noon)
    assert (later.span.start, later.span.end) == (noon, whole.span.end)
    found, usual = (emit(town(), one, (), seed=1) for one in (later, whole))
    known = {
        (usual.streams[s], t): v
        for s, t, v in zip(usual.stream.tolist(), usual.sampled.tolist(), usual.value.tolist(), strict=True)
    }
    told = list(zip(found.stream.tolist(), found.sampled.tolist(), found.value.tolist(), strict=True))
    periodic = {one.device for one in ALL if one.heartbeat_s == one.sample_s}
    assert all(known[found.streams[s], t] == v for s, t, v in told if found.streams[s][0] in periodic)
    speaks = {found.streams[s][0]: t for s, t, _ in reversed(told)}
    assert set(speaks) == {one.device for one in ALL}
    assert max(speaks.values()) - noon <= max(one.sample_s for one in ALL) * SECOND + SECOND
    with pytest.raises(ValueError, match="no instant"):
        whole.since(whole.span.end)
