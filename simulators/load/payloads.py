"""What the devices of a fleet say: the daily rhythms of the county for many devices at once, in their own forms."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from simulators import message
from simulators.load.groups import Group
from simulators.load.schedule import Slice
from simulators.noise import key, levels
from simulators.rhythms import Moment, Series, Signal, of
from simulators.telemetry import DIGITS, RANGES, SWITCHES

_SECOND = 1_000_000
_Devices = NDArray[np.int64]


class Crowd(Moment):
    """Many devices of one group, each at an instant of its own: what `Moment` is for one device, as arrays."""

    __slots__ = ("_devices", "_group", "_streams")

    def __init__(self, seed: int, group: Group, devices: _Devices, property_: str, times_s: Series) -> None:
        # Rhythms look at the kind in the name of a device, and at which pump of a station it is.
        super().__init__(seed, group.name, property_, times_s)
        self._group = group
        self._devices = devices
        self._streams = _numbered(devices, seed, group.name, property_)

    def wander(self, period_s: float) -> Signal:
        """Smooth noise from -1 to 1 of each device."""
        steps = np.asarray(self.time_s) / period_s
        left = np.floor(steps)
        part = steps - left
        part = part * part * (3 - 2 * part)
        counters = left.astype(np.uint64)
        ends = levels(self._streams ^ counters), levels(self._streams ^ (counters + np.uint64(1)))
        return np.asarray(ends[0] * (1 - part) + ends[1] * part, dtype=np.float64)

    def own(self, trait: str) -> Signal:
        """A constant from -1 to 1 of each device."""
        return levels(_numbered(self._devices, self.seed, self._group.name, trait))

    @property
    def station_phase(self) -> Signal:
        """The same for all devices of a station."""
        return 0.5 * levels(_numbered(self._devices, self.seed, self._group.equipment.kind, "phase"))


def payloads(groups: Sequence[Group], stretch: Slice, begin: int, seed: int) -> Iterator[bytes]:
    """The payloads of a slice, in its order.

    Args:
        groups: Of the fleet.
        stretch: Which devices of which group, and when.
        begin: What the times of the schedule count from, microseconds since 1970 (UTC).
        seed: Of the fleet.
    """
    group = groups[stretch.group]
    form = group.hardware.form
    names = group.hardware.properties
    times = instants(stretch, begin)
    samples = [times]
    if form == "array":
        # Such a device takes two samples for a message.
        samples.insert(0, times - round(group.interval_s * 1000 / 2) * 1000)
    rows = [
        zip(each.tolist(), zip(*(_column(group, stretch.devices, name, each, seed) for name in names), strict=True),
            strict=True)
        for each in samples
    ]  # fmt: skip
    for device, *found in zip(stretch.devices.tolist(), *rows, strict=True):
        said = [(time, dict(zip(names, values, strict=True))) for time, values in found]
        yield message.encode(group.device(device), form, said)


def instants(stretch: Slice, begin: int) -> NDArray[np.int64]:
    """The times that messages carry: when they are due, in whole milliseconds, microseconds since 1970."""
    return (begin + np.rint(stretch.due_s * _SECOND).astype(np.int64)) // 1000 * 1000


def _column(group: Group, devices: _Devices, name: str, times: NDArray[np.int64], seed: int) -> list[float | bool]:
    found = of(Crowd(seed, group, devices, name, times / _SECOND), name)
    low, high = RANGES[name]
    values = np.round(np.clip(np.broadcast_to(found, times.shape), low, high), DIGITS.get(name, 2))
    return list((values >= 0.5).tolist() if name in SWITCHES else values.tolist())


def _numbered(devices: _Devices, *names: object) -> NDArray[np.uint64]:
    """A 64-bit number for each device and some names; neighbours have nothing in common once they are mixed."""
    return np.uint64(key("fleet", *names)) ^ (devices.astype(np.uint64) << np.uint64(40))
