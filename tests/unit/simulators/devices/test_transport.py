"""How reports travel: by exception, late, twice, held by an outage, lost by a restart."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulators.devices import transport
from simulators.devices.character import character
from simulators.devices.emit import emit
from simulators.devices.traffic import Traffic
from simulators.town.happenings import Happening
from simulators.town.layout import Instrument
from simulators.town.truth import Series, Span
from tests.support.field import (
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
ONE = NOON + HOUR


def traffic(
    *happenings: Happening,
    instruments: tuple[Instrument, ...],
    span: Span = DAY,
    given: dict[tuple[str, str], Series] | None = None,
) -> Traffic:
    there = town(*instruments)
    return emit(there, truth(there, span, given), happenings, seed=1)


def sampled(found: Traffic) -> NDArray[np.int64]:
    """The time of each message's sample."""
    return found.sampled[found.first]


def readings(found: Traffic) -> set[tuple[int, int, float]]:
    return set(zip(found.stream.tolist(), found.sampled.tolist(), found.value.tolist(), strict=True))


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(st.floats(-30, 30), min_size=20, max_size=150), every=st.sampled_from([120, 300, 600, 3600]))
def test_report_by_exception_misses_no_change_and_keeps_its_heartbeat(steps: list[float], every: int) -> None:
    lamp = replace(LAMPS[0], heartbeat_s=every)
    span = Span(start=MIDNIGHT, steps=len(steps))
    given = {(lamp.device, "light.power"): np.clip(100 + np.cumsum(steps), 0, 20_000)}
    quiet = traffic(instruments=(lamp,), span=span, given=given)
    whole = traffic(instruments=(replace(lamp, heartbeat_s=60),), span=span, given=given)
    stream = (lamp.device, "light.power")
    told, all_ = (rows_of(one.streams, one.stream, *stream) for one in (quiet, whole))
    times, values = quiet.sampled[told], quiet.value[told]
    order = np.argsort(times)
    times, values = times[order], values[order]
    band = character("light.power").deadband
    for time, value in zip(whole.sampled[all_].tolist(), whole.value[all_].tolist(), strict=True):
        last = values[np.searchsorted(times, time, side="right") - 1]
        assert abs(value - last) < band
    gaps = np.diff([*times, whole.sampled[all_].max()])
    assert (gaps <= every * SECOND).all()


def test_report_by_exception_is_quiet_while_nothing_changes_and_tells_a_switch_at_once() -> None:
    state = np.zeros(1440)
    state[700:900] = 1.0
    found = traffic(instruments=LAMPS[:1], given={(LAMPS[0].device, "light.state"): state})
    times = np.sort(sampled(found))
    assert len(times) <= 1440 / 10 + 3
    for turn in (700, 900):
        assert ((times >= MIDNIGHT + turn * MINUTE - SECOND) & (times <= MIDNIGHT + (turn + 1) * MINUTE)).sum() == 1


def test_a_restart_makes_a_quiet_device_speak() -> None:
    plain = traffic(instruments=LAMPS[:1])
    found = traffic(happening("device.restart", LAMPS[0].device, NOON + 3 * MINUTE), instruments=LAMPS[:1])
    times = sampled(found)
    assert ((times >= NOON + 3 * MINUTE - SECOND) & (times <= NOON + 4 * MINUTE + SECOND)).sum() == 1
    assert found.lost == 0
    assert abs(len(found.sent) - len(plain.sent)) <= 1


def test_messages_leave_soon_after_their_sample_and_in_its_order() -> None:
    found = traffic(instruments=(STATION, WELL, LAMPS[0]))
    # Of the device's own clock: how far it is off comes on top.
    delay = (found.sent - sampled(found)) / SECOND
    limits = {STATION.device: (-0.1, 0.3), WELL.device: (-0.4, 7.0), LAMPS[0].device: (-0.8, 2.5)}
    for number, device in enumerate(found.devices):
        own = delay[found.device == number]
        assert limits[device][0] <= own.min() <= own.max() <= limits[device][1]
        assert (np.diff(sampled(found)[found.device == number]) > 0).all()


def test_a_connection_keeps_the_order_of_samples_that_come_faster_than_they_travel() -> None:
    quick = replace(WELL, sample_s=1, heartbeat_s=1)
    found = traffic(instruments=(quick,), span=Span(start=MIDNIGHT, steps=20))
    assert len(found.sent) == 1200
    assert (np.diff(sampled(found)) == SECOND).all()


def test_a_carrier_outage_loses_nothing_and_brings_everything_later() -> None:
    outage = happening("device.carrier_out", "carrier-mobile", NOON, ONE)
    plain, found = traffic(instruments=(WELL, POINT)), traffic(outage, instruments=(WELL, POINT))
    assert readings(found) == readings(plain)
    assert found.lost == 0
    well = found.device == 0
    assert not (well & (found.sent >= NOON) & (found.sent < ONE)).any()
    # The other carrier works on.
    assert (found.sent[~well] == plain.sent[plain.device == 1]).all()
    late = well & (found.sent - sampled(found) > MINUTE)
    assert 59 <= late.sum() <= 60
    assert (np.diff(sampled(found)[late]) > 0).all()
    gaps = np.diff(found.sent[late]) / SECOND
    assert gaps == pytest.approx(np.full(len(gaps), 1 / transport.DEVICE_RATE), abs=0.002)
    assert found.sent[late].min() < ONE + 120 * SECOND


def test_a_gateway_outage_holds_all_lamps_behind_it_and_is_seen_by_its_watch() -> None:
    fast = tuple(replace(lamp, heartbeat_s=60) for lamp in LAMPS)
    outage = happening("device.gateway_out", "cabinet-001", NOON, ONE)
    plain = traffic(instruments=(GATEWAY, STATION, *fast))
    found = traffic(outage, instruments=(GATEWAY, STATION, *fast))
    lamps = np.isin(found.device, [2, 3, 4])
    assert not (lamps & (found.sent >= NOON) & (found.sent < ONE)).any()
    assert lamps.sum() == 3 * 1440
    late = np.flatnonzero(lamps & (found.sent - sampled(found) > 2 * MINUTE))
    gaps = np.diff(found.sent[late]) / SECOND
    assert gaps == pytest.approx(np.full(len(gaps), 1 / transport.GATEWAY_RATE), abs=0.002)
    online = rows_of(found.streams, found.stream, GATEWAY.device, "gateway.online")
    down = (found.sampled[online] >= NOON - SECOND // 10) & (found.sampled[online] < ONE - SECOND // 10)
    assert (found.value[online] == ~down).all()
    assert (found.truth[online] == ~down).all()
    assert (found.sent[found.device == 1] == plain.sent[plain.device == 1]).all()


def test_an_outage_that_keeps_half_loses_about_half_and_counts_it() -> None:
    outage = happening("device.carrier_out", "carrier-mobile", NOON, NOON + 8 * HOUR, keeps=0.5)
    found = traffic(outage, instruments=(WELL,))
    assert found.lost + len(found.value) == 4 * 1440
    assert found.lost / 4 == pytest.approx(240, abs=40)


def test_an_outage_without_end_keeps_everything_back() -> None:
    found = traffic(happening("device.carrier_out", "carrier-mobile", NOON), instruments=(WELL,))
    assert found.sent.max() < NOON
    assert found.lost + len(found.value) == 4 * 1440


def test_a_restart_in_an_outage_loses_exactly_what_was_held() -> None:
    outage = happening("device.carrier_out", "carrier-mobile", NOON, ONE)
    restart = happening("device.restart", WELL.device, NOON + 30 * MINUTE + SECOND // 2)
    plain = traffic(instruments=(WELL,))
    found = traffic(outage, restart, instruments=(WELL,))
    held = (plain.sent >= NOON) & (plain.sent < restart.since)
    assert readings(plain) - readings(found) == {
        reading
        for first, count in zip(plain.first[held].tolist(), plain.count[held].tolist(), strict=True)
        for reading in zip(
            plain.stream[first : first + count].tolist(),
            plain.sampled[first : first + count].tolist(),
            plain.value[first : first + count].tolist(),
            strict=True,
        )
    }
    assert found.lost == 4 * held.sum()
    assert 29 <= held.sum() <= 31


def test_a_restart_while_the_store_drains_loses_what_still_waits() -> None:
    outage = happening("device.carrier_out", "carrier-mobile", NOON, ONE)
    drained = traffic(outage, instruments=(WELL,))
    late = np.sort(drained.sent[drained.sent - sampled(drained) > MINUTE])
    restart = happening("device.restart", WELL.device, int(late[20]) + 1)
    found = traffic(outage, restart, instruments=(WELL,))
    assert found.lost == 4 * (len(late) - 21)


def test_a_restart_of_the_gateway_empties_it_and_a_restart_of_a_lamp_does_not() -> None:
    fast = tuple(replace(lamp, heartbeat_s=60) for lamp in LAMPS)
    outage = happening("device.gateway_out", "cabinet-001", NOON, ONE)
    of_lamp = traffic(
        outage, happening("device.restart", LAMPS[0].device, NOON + 30 * MINUTE), instruments=(GATEWAY, *fast)
    )
    of_gateway = traffic(
        outage, happening("device.restart", GATEWAY.device, NOON + 30 * MINUTE), instruments=(GATEWAY, *fast)
    )
    assert of_lamp.lost == 0
    assert of_gateway.lost == pytest.approx(2 * 3 * 30, abs=6)


def test_a_store_is_bounded_and_keeps_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "DEVICE_STORE", 20)
    found = traffic(happening("device.carrier_out", "carrier-mobile", NOON, ONE), instruments=(WELL,))
    late = np.sort(sampled(found)[found.sent - sampled(found) > 10 * SECOND])
    assert len(late) == 20
    assert late.min() >= ONE - 21 * MINUTE
    assert found.lost == 4 * (1440 - len(found.sent))
    late_sent = np.sort(found.sent[found.sent - sampled(found) > 10 * SECOND])
    assert late_sent[-1] - late_sent[0] < 20 * SECOND


def test_a_poor_link_loses_repeats_and_delays_in_its_proportions() -> None:
    link = happening("device.poor_link", WELL.device, MIDNIGHT, lost=0.1, twice=0.2, late=0.3, seconds=600)
    found = traffic(link, instruments=(WELL, POINT))
    plain = traffic(instruments=(WELL, POINT))
    well = found.device == 0
    assert found.lost == pytest.approx(4 * 144, rel=0.25)
    assert found.lost % 4 == 0
    firsts, counts = np.unique(found.first[well], return_counts=True)
    assert (counts == 2).sum() / len(firsts) == pytest.approx(0.2, abs=0.03)
    assert set(counts.tolist()) == {1, 2}
    delay = (found.sent - sampled(found))[well] / SECOND
    assert (delay > 45).mean() == pytest.approx(0.3 * 555 / 600, abs=0.04)
    assert delay.max() < 600 + 30 + 10
    # Late ones fall behind those that were sampled after them.
    assert (np.diff(sampled(found)[well]) < 0).sum() > 100
    assert (found.sent[~well] == plain.sent[plain.device == 1]).all()


def test_a_copy_carries_the_same_rows_and_comes_later() -> None:
    link = happening("device.poor_link", "carrier-telecom", MIDNIGHT, lost=0.0, twice=1.0, late=0.0)
    found = traffic(link, instruments=(POINT,))
    assert len(found.sent) == 2 * 1440
    assert len(found.value) == 2 * 1440
    for first in np.unique(found.first).tolist():
        one, other = found.sent[found.first == first].tolist()
        assert SECOND <= other - one <= 30 * SECOND


def test_what_two_outages_hold_leaves_after_the_second() -> None:
    first = happening("device.carrier_out", "carrier-mobile", NOON, ONE)
    again = happening("device.carrier_out", "carrier-mobile", ONE + 2 * SECOND, ONE + HOUR)
    plain, found = traffic(instruments=(WELL,)), traffic(first, again, instruments=(WELL,))
    assert readings(found) == readings(plain)
    assert not ((found.sent >= NOON) & (found.sent < ONE)).any()
    assert not ((found.sent >= again.since) & (found.sent < ONE + HOUR)).any()


def test_what_waits_for_the_end_of_an_outage_after_the_span_leaves_then() -> None:
    outage = happening("device.carrier_out", "carrier-mobile", NOON, DAY.end + HOUR)
    found = traffic(outage, instruments=(WELL,))
    assert found.lost == 0
    assert (found.sent > DAY.end + HOUR).sum() == 720
