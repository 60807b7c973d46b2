"""Recorded times -> instants, through time zones whose clocks are put back and forward."""

import re
from collections.abc import Hashable, Sequence
from datetime import timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulators.feed import TimeColumn

_FACTORS = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}
_WITH_ZONE = r"(?:[Zz]|[+-]\d\d:?\d\d)$"
_OFFSET = re.compile(r"([+-])(\d{2}):(\d{2})")
#: Stands where a text is not a time.
NOT_A_TIME = np.iinfo(np.int64).min


class LocalTimes:
    """Turns the time column of one file into instants, chunk after chunk.

    In the hour that a zone has twice, a series goes forward: its second 02:30 is the later one.
    """

    def __init__(self, column: TimeColumn) -> None:
        self._column = column
        self._last: dict[Hashable, int] = {}

    def micros(self, texts: "pd.Series[str]", keys: Sequence[Hashable] | None = None) -> NDArray[np.int64]:
        """Microseconds since 1970 (UTC); NOT_A_TIME where the text is no time, or one that the zone's clocks skip.

        Args:
            texts: The column, stripped.
            keys: To which series each row belongs, if the table mixes several.
        """
        factor = _FACTORS.get(self._column.format)
        if factor is not None:
            return self._epoch(texts, factor)
        pattern = "ISO8601" if self._column.format == "iso8601" else self._column.format
        if pattern == "ISO8601":
            aware = texts.str.contains(_WITH_ZONE, regex=True).to_numpy(dtype=bool)
        else:
            aware = np.full(len(texts), "%z" in pattern)
        result = np.full(len(texts), NOT_A_TIME)
        if aware.any():
            result[aware] = _micros(pd.to_datetime(texts[aware], format=pattern, errors="coerce", utc=True))
        if not aware.all():
            naive = pd.DatetimeIndex(pd.to_datetime(texts[~aware], format=pattern, errors="coerce"))
            chosen = None if keys is None else [key for key, has in zip(keys, aware, strict=True) if not has]
            result[~aware] = self._localize(naive, chosen)
        return result

    def _epoch(self, texts: "pd.Series[str]", factor: int) -> NDArray[np.int64]:
        numbers = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=np.float64)
        usable = np.isfinite(numbers) & (np.abs(numbers) < 9e18 / factor)
        result = np.full(len(texts), NOT_A_TIME)
        result[usable] = np.rint(numbers[usable] * factor)
        return result

    def _localize(self, naive: pd.DatetimeIndex, keys: Sequence[Hashable] | None) -> NDArray[np.int64]:
        zone = self._column.zone
        fixed = _OFFSET.fullmatch(zone)
        if fixed:
            ahead = timedelta(hours=int(fixed[2]), minutes=int(fixed[3])) * (1 if fixed[1] == "+" else -1)
            return _micros(naive.tz_localize("UTC") - ahead)
        earlier, later = (
            _micros(naive.tz_localize(zone, ambiguous=np.full(len(naive), first), nonexistent="NaT"))
            for first in (True, False)
        )
        for i in np.flatnonzero(earlier != later).tolist():
            key = None if keys is None else keys[i]
            if earlier[i] <= self._last.get(key, NOT_A_TIME):
                earlier[i] = later[i]
            self._last[key] = int(earlier[i])
        return earlier


def _micros(times: "pd.DatetimeIndex | pd.Series[pd.Timestamp]") -> NDArray[np.int64]:
    index = pd.DatetimeIndex(times).as_unit("us")
    # NaT is the least integer, which is NOT_A_TIME.
    return index.asi8.copy()
