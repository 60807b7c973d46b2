"""What is usual at this hour of the day: the median of the hourly means of the days before."""

from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray

from domain.times import MICROS_PER_SECOND

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
#: Numbers of datastreams.
Streams = NDArray[np.integer]

HOUR = 3600 * MICROS_PER_SECOND
_HOURS_PER_DAY = 24
#: More slots than there are up to the year 9999, and all days that are looked at before the first.
_SLOTS = 1 << 27


def hourly(times: Ints, values: Floats, qualities: NDArray[np.int16]) -> tuple[Ints, Floats]:
    """The means of the good values of one datastream in each UTC hour that has any.

    Args:
        times: Microseconds since 1970 (UTC), rising.
        values: One for each time.
        qualities: 0 is good.

    Returns:
        The starts of the hours, in microseconds, and the means.
    """
    good = qualities == 0
    hours, values = times[good] // HOUR * HOUR, values[good]
    if not hours.size:
        return hours, values
    starts = np.flatnonzero(np.append(True, hours[1:] != hours[:-1]))
    counts = np.diff(np.append(starts, hours.size))
    return hours[starts], np.add.reduceat(values, starts) / counts


class Baseline:
    """The usual values of one datastream, from its hourly means.

    A UTC hour belongs to the local hour in which it starts, so that zones with half hours have baselines, too. The hour
    that is repeated when summer time ends counts once, with the mean of both.

    Args:
        slots: Local day * 24 + local hour, rising.
        means: One for each slot.
        days: How many local days before the day of a time are looked at.
        least_days: With fewer days that have data in this hour, nothing is usual.
        zone: In which the day has its hours.
    """

    def __init__(self, slots: Ints, means: Floats, *, days: int, least_days: int, zone: tzinfo) -> None:
        self._slots, self._means = slots, means
        self._days, self._least_days = days, least_days
        self._zone = zone

    @classmethod
    def of(cls, hours: Ints, means: Floats, *, days: int, least_days: int, zone: tzinfo) -> Self:
        """Made of the hourly means of one datastream, in any order; `hours` are the starts of UTC hours."""
        slots, means = _each_once(local_slots(hours, zone), hours, means)
        return cls(slots, means, days=days, least_days=least_days, zone=zone)

    def at(self, times: Ints) -> Floats:
        """What is usual at these times; NaN where too few days have data in the hour."""
        hours, which = np.unique(times // HOUR, return_inverse=True)
        asked = local_slots(hours * HOUR, self._zone)
        return _medians(self._slots, self._means, asked, self._days, self._least_days)[which]


def usual(
    known: tuple[Streams, Ints, Floats], asked: tuple[Streams, Ints], *, days: int, least_days: int, zone: tzinfo
) -> Floats:
    """What is usual on many datastreams at once, each at a time of its own; the same as a Baseline of each would tell.

    Args:
        known: Hourly means, in any order: the numbers of their datastreams, the starts of UTC hours, the means.
        asked: The numbers of datastreams, none negative, and times.
        days: See Baseline, as for the other two.
        least_days: See Baseline.
        zone: See Baseline.

    Returns:
        One value for each that is asked; NaN where too few days have data in the hour.
    """
    streams, hours, means = known
    keys, means = _each_once(_keys(streams, local_slots(hours, zone)), hours, means)
    wanted = _keys(asked[0], local_slots(asked[1] // HOUR * HOUR, zone))
    return _medians(keys, means, wanted, days, least_days)


def local_slots(hours: Ints, zone: tzinfo) -> Ints:
    """The local day * 24 + local hour of the starts of UTC hours."""
    numbers = hours // HOUR
    first, last = (int(numbers.min()), int(numbers.max())) if numbers.size else (0, 0)
    if last - first < numbers.size:
        # Hours are asked more than once: each is looked up once.
        return np.array([_slot(number, zone) for number in range(first, last + 1)], dtype=np.int64)[numbers - first]
    return np.array([_slot(number, zone) for number in numbers.tolist()], dtype=np.int64)


@lru_cache(maxsize=16_384)
def _slot(number: int, zone: tzinfo) -> int:
    local = datetime.fromtimestamp(number * HOUR // MICROS_PER_SECOND, zone)
    return local.toordinal() * _HOURS_PER_DAY + local.hour


def _keys(streams: Streams, slots: Ints) -> Ints:
    """Numbers that stand for a slot of a datastream. Slots of one lie together, and none before the first is one's."""
    return streams.astype(np.int64) * _SLOTS + slots


def _each_once(slots: Ints, hours: Ints, means: Floats) -> tuple[Ints, Floats]:
    """The slots, rising, and the mean of each; of two hours of one slot, the mean of both."""
    if (np.diff(slots) > 0).all():
        return slots, means
    order = np.lexsort((hours, slots))
    slots, means = slots[order], means[order]
    starts = np.flatnonzero(np.append(True, slots[1:] != slots[:-1]))
    counts = np.diff(np.append(starts, slots.size))
    return slots[starts], np.asarray(np.add.reduceat(means, starts) / counts)


def _medians(slots: Ints, means: Floats, asked: Ints, days: int, least_days: int) -> Floats:
    """The median of the means of the slots a day, two days, and so on before each that is asked."""
    result = np.full(asked.size, np.nan)
    if not slots.size:
        return result
    wanted = asked[:, None] - np.arange(days, 0, -1) * _HOURS_PER_DAY
    found = np.minimum(slots.searchsorted(wanted), slots.size - 1)
    known = slots[found] == wanted
    counts = known.sum(axis=1)
    enough = np.flatnonzero(counts >= max(least_days, 1))
    # Unknown days go to the end of each row, so that the middle is that of the known ones.
    ordered = np.sort(np.where(known, means[found], np.inf)[enough], axis=1)
    counts, rows = counts[enough], np.arange(enough.size)
    lower, upper = ordered[rows, (counts - 1) // 2], ordered[rows, counts // 2]
    result[enough] = np.where(counts % 2, lower, (lower + upper) / 2)
    return result
