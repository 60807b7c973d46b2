"""Days of the county at once: the same values as the live county, with incidents on the hour."""

import numpy as np

from simulators.county import build
from simulators.days import live_through
from simulators.rhythms import healthy, healthy_series

HOUR = 3_600_000_000
BEGIN = 1_777_564_800_000_000
COUNTY = build(1)


def test_a_series_is_what_single_instants_are() -> None:
    times_s = np.arange(BEGIN / 1e6, BEGIN / 1e6 + 86_400, 4321.7)
    for device in COUNTY.devices[::7]:
        for name in device.hardware.properties:
            singly = [healthy(1, device.id, name, float(time_s)) for time_s in times_s]
            assert np.allclose(healthy_series(1, device.id, name, times_s), singly, rtol=0, atol=1e-9), name


def test_every_device_reports_at_its_interval_and_each_second_while_something_is_wrong() -> None:
    days = live_through(COUNTY, BEGIN, BEGIN + HOUR)
    well = days.streams.index(("valve-well-001-d", "gas.ch4.chamber"))
    gaps = {
        days.streams[number]: np.diff(days.times[days.numbers == number]) / 1e6 for number in range(len(days.streams))
    }
    assert gaps[days.streams[well]].max() == 10
    alarmed = [stream for stream, gap in gaps.items() if gap.min() < 1.1]
    assert {"gas.ch4.chamber", "water.pressure", "manhole.open", "light.leak"} <= {name for _, name in alarmed}
    high = days.values[[days.streams[n][1] == "gas.ch4.chamber" for n in days.numbers]]
    assert high.max() > 50


def test_the_same_period_is_the_same_to_the_last_digit_and_a_part_of_it_is_a_part() -> None:
    one, again = (live_through(COUNTY, BEGIN, BEGIN + HOUR) for _ in range(2))
    assert np.array_equal(one.times, again.times)
    assert np.array_equal(one.values, again.values)
    assert one.times.min() >= BEGIN
    assert one.times.max() < BEGIN + HOUR
