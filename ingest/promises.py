"""What devices promise about their next reading, gathered until it is worth writing."""

import time
from collections.abc import Callable, Mapping

#: Between two writings, in seconds: each one that changes something reloads the registry of every stage.
_WRITE_S = 30.0
#: What differs by less than this factor is the same promise.
_SAME = 1.1


class Promises:
    """Promises heard and not kept yet, by datastream; written now and then.

    Args:
        monotonic: Seconds of a clock that never goes back.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._kept: dict[int, float] = {}
        self._waiting: dict[int, float] = {}
        self._written_at = -_WRITE_S

    def heard(self, promises: Mapping[int, float]) -> None:
        """Notes what a stored batch promised."""
        for datastream, seconds in promises.items():
            kept = self._kept.get(datastream)
            if kept is not None and kept / _SAME <= seconds <= kept * _SAME:
                self._waiting.pop(datastream, None)
            else:
                self._waiting[datastream] = seconds

    def due(self) -> dict[int, float]:
        """What is to be written now; empty while it is too early, or nothing has changed."""
        if not self._waiting or self._monotonic() - self._written_at < _WRITE_S:
            return {}
        return dict(self._waiting)

    def written(self, kept: Mapping[int, float]) -> None:
        """What is kept now of what was due; the rest waits on."""
        self._written_at = self._monotonic()
        self._kept |= kept
        self.heard({datastream: self._waiting[datastream] for datastream in kept if datastream in self._waiting})
