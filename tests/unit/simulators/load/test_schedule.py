"""Who is in a fleet, and when each message is due."""

import numpy as np
import pytest
from numpy.typing import NDArray

from domain.errors import ConfigurationError
from simulators.load.groups import compose, streams, stride
from simulators.load.schedule import Schedule
from simulators.load.supply import step


def _due(schedule: Schedule, step_s: float) -> NDArray[np.float64]:
    return np.sort(np.concatenate([each.due_s for stretch in schedule.slices(step_s) for each in stretch]))


def _by_device(schedule: Schedule, step_s: float) -> dict[tuple[int, int], list[float]]:
    found: dict[tuple[int, int], list[float]] = {}
    for stretch in schedule.slices(step_s):
        for each in stretch:
            for due_s, device in zip(each.due_s.tolist(), each.devices.tolist(), strict=True):
                found.setdefault((each.group, device), []).append(due_s)
    return found


@pytest.mark.parametrize("devices", [1, 7, 222, 1000, 100_000])
def test_a_fleet_has_exactly_as_many_devices_as_asked_and_no_two_are_called_the_same(devices: int) -> None:
    groups = compose(devices, devices / 20)
    topics = {group.topic(number) for group in groups for number in range(group.count)}

    assert sum(group.count for group in groups) == len(topics) == devices
    assert streams(groups) > devices


def test_a_large_fleet_has_the_kinds_of_the_county_in_proportion() -> None:
    kinds = {group.name: group.count for group in compose(100_000, 5000)}

    assert len(kinds) == 19
    assert kinds["lamp"] / kinds["manhole"] == pytest.approx(42 / 37, rel=0.01)
    assert kinds["pump_station-pump1"] == kinds["pump_station-well"]


def test_kinds_report_as_often_compared_with_each_other_as_in_the_county() -> None:
    groups = compose(10_000, 500)

    assert sum(group.count / group.interval_s for group in groups) == pytest.approx(500)
    factors = {round(group.interval_s / group.hardware.interval_s, 9) for group in groups}
    assert len(factors) == 1


def test_too_few_devices_for_a_rate_are_told() -> None:
    with pytest.raises(ConfigurationError, match="take more devices"):
        compose(10, 5000)


def test_the_rate_is_even_over_any_stretch_of_time() -> None:
    groups = compose(100_000, 5000)
    due_s = _due(Schedule(groups, 20.0, seed=1), 0.2)

    assert len(due_s) == pytest.approx(100_000, abs=len(groups))
    for width_s in (0.1, 1.0):
        counts = np.histogram(due_s, bins=np.arange(0, 20 + 1e-9, width_s))[0]
        # Each group contributes one message more or less to a stretch, at most.
        assert np.all(np.abs(counts - 5000 * width_s) <= len(groups)), width_s
    assert np.max(np.diff(due_s)) < 0.002, "no two messages may be due far apart at 5,000 a second"


def test_every_device_reports_at_its_interval_and_none_is_left_out() -> None:
    groups = compose(300, 100)
    schedule = Schedule(groups, 60.0, seed=1)
    found = _by_device(schedule, 0.37)

    assert len(found) == 300
    for (group, _), due_s in found.items():
        assert np.diff(due_s) == pytest.approx(groups[group].interval_s)
    assert sum(map(len, found.values())) == schedule.total


def test_slices_of_any_length_hold_the_same_messages() -> None:
    schedule = Schedule(compose(500, 200), 10.0, seed=4)

    assert np.array_equal(_due(schedule, 0.05), _due(schedule, 1.0))
    assert np.all(_due(schedule, 1.0) < 10.0)


def test_the_same_seed_gives_the_same_schedule_and_another_seed_another() -> None:
    groups = compose(500, 200)

    assert np.array_equal(_due(Schedule(groups, 5, seed=1), 0.1), _due(Schedule(groups, 5, seed=1), 0.1))
    assert not np.array_equal(_due(Schedule(groups, 5, seed=1), 0.1), _due(Schedule(groups, 5, seed=2), 0.1))


def test_what_is_due_before_an_instant_is_counted_without_making_it() -> None:
    schedule = Schedule(compose(500, 200), 10.0, seed=1)
    due_s = _due(schedule, 1.0)

    for time_s in (0.0, 0.333, 5.0, 10.0, 99.0):
        assert schedule.before(time_s) == np.count_nonzero(due_s < time_s)


@pytest.mark.parametrize("count", [1, 2, 3, 10, 97, 1000, 18_919])
def test_a_stride_visits_every_device_before_any_twice(count: int) -> None:
    assert len(set(np.arange(count) * stride(count) % count)) == count


def test_messages_are_made_in_pieces_that_stay_small_at_any_rate() -> None:
    assert step(5000) == pytest.approx(0.2)
    assert step(1) == 1.0
    assert step(100_000) == 0.05
