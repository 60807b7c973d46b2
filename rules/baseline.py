"""What is usual at this hour of the day: the median of the hourly means of the days before."""

from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray

from domain.times import MICROS_PER_SECOND

HOUR = 3600 * MICROS_PER_SECOND
_HOURS_PER_DAY = 24


def hourly(
    times: NDArray[np.int64], values: NDArray[np.float64], qualities: NDArray[np.int16]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
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

    def __init__(
        self, slots: NDArray[np.int64], means: NDArray[np.float64], *, days: int, least_days: int, zone: tzinfo
    ) -> None:
        self._slots, self._means = slots, means
        self._back = np.arange(days, 0, -1, dtype=np.int64) * _HOURS_PER_DAY
        self._least_days = least_days
        self._zone = zone

    @classmethod
    def of(
        cls, hours: NDArray[np.int64], means: NDArray[np.float64], *, days: int, least_days: int, zone: tzinfo
    ) -> Self:
        """Made of the hourly means of one datastream, in any order; `hours` are the starts of UTC hours."""
        slots = local_slots(hours, zone)
        order = np.lexsort((hours, slots))
        slots, means = slots[order], means[order]
        if slots.size:
            starts = np.flatnonzero(np.append(True, slots[1:] != slots[:-1]))
            counts = np.diff(np.append(starts, slots.size))
            slots, means = slots[starts], np.add.reduceat(means, starts) / counts
        return cls(slots, means, days=days, least_days=least_days, zone=zone)

    def at(self, times: NDArray[np.int64]) -> NDArray[np.float64]:
        """What is usual at these times; NaN where too few days have data in the hour."""
        if not self._slots.size:
            return np.full(times.size, np.nan)
        hours, which = np.unique(times // HOUR, return_inverse=True)
        wanted = local_slots(hours * HOUR, self._zone)[:, None] - self._back
        found = np.minimum(self._slots.searchsorted(wanted), self._slots.size - 1)
        known = self._slots[found] == wanted
        enough = np.flatnonzero(known.sum(axis=1) >= max(self._least_days, 1))
        # Unknown days go to the end of each row, so that the middle is that of the known ones.
        ordered = np.sort(np.where(known, self._means[found], np.inf)[enough], axis=1)
        counts, rows = known[enough].sum(axis=1), np.arange(enough.size)
        lower, upper = ordered[rows, (counts - 1) // 2], ordered[rows, counts // 2]
        usual = np.full(hours.size, np.nan)
        usual[enough] = np.where(counts % 2, lower, (lower + upper) / 2)
        return np.asarray(usual[which])


def local_slots(hours: NDArray[np.int64], zone: tzinfo) -> NDArray[np.int64]:
    """The local day * 24 + local hour of the starts of UTC hours."""
    return np.array([_slot(hour, zone) for hour in hours.tolist()], dtype=np.int64)


@lru_cache(maxsize=16_384)
def _slot(hour: int, zone: tzinfo) -> int:
    local = datetime.fromtimestamp(hour // MICROS_PER_SECOND, zone)
    return local.toordinal() * _HOURS_PER_DAY + local.hour
