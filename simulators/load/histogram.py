"""Durations in buckets that grow by one percent: bounded memory, quantiles within one percent."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

#: Each bucket is so much wider than the one before.
_GROWTH = 1.01
#: Durations are told apart from one microsecond to a hundred days.
_LEAST_S, _MOST_S = 1e-6, 8.64e6
_BUCKETS = math.ceil(math.log(_MOST_S / _LEAST_S) / math.log(_GROWTH)) + 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantiles:
    """Milliseconds; None when nothing was recorded."""

    p50: float | None
    p99: float | None
    max: float | None


class Histogram:
    """Counts durations."""

    def __init__(self) -> None:
        self._counts = np.zeros(_BUCKETS, dtype=np.int64)
        self._longest_s = 0.0

    def __len__(self) -> int:
        return int(self._counts.sum())

    def record(self, seconds: Iterable[float]) -> None:
        """Adds durations; one below a microsecond counts as none."""
        given = np.fromiter(seconds, dtype=np.float64)
        if not given.size:
            return
        self._longest_s = max(self._longest_s, float(given.max()))
        steps = np.log(np.clip(given, _LEAST_S, _MOST_S) / _LEAST_S) / math.log(_GROWTH)
        self._counts += np.bincount(np.ceil(steps).astype(np.int64), minlength=_BUCKETS)

    def quantile(self, part: float) -> float | None:
        """Seconds that this part of the durations does not exceed, at most one percent too much."""
        total = len(self)
        if total == 0:
            return None
        rank = max(1, math.ceil(part * total))
        bucket = int(np.searchsorted(np.cumsum(self._counts), rank))
        return min(self._longest_s, _LEAST_S * _GROWTH**bucket)

    def quantiles(self) -> Quantiles:
        """What a report shows of it."""
        p50, p99 = (None if found is None else round(found * 1000, 3) for found in map(self.quantile, (0.5, 0.99)))
        return Quantiles(p50=p50, p99=p99, max=round(self._longest_s * 1000, 3) if len(self) else None)
