"""The quick way for live data: which of many observations could have a score beyond the limits.

Nearly all of 100,000 datastreams are normal at any time. A gate remembers a few numbers for each datastream that it
covers, and from these tells a lowest and a highest score that an observation could have. Whoever lies between the
mildest limits with both is quiet; the exact scores (`scores`) need only be told of the others. A gate may look too
often, but it never misses: what it says rests on more samples than the window has, never on fewer.

What a gate has not taken, it does not know: after a start, take what lies within the look-back of the live data. (For
`unchanged` no such need: what is unknown counts as unchanged.) Late observations, older than what was taken of their
datastream, have to be scored without asking a gate. Once taken, they are reckoned with.
"""

import numpy as np
from numpy.typing import NDArray

from rules.baseline import HOUR
from rules.measure import Measure
from rules.memories import Memory, Usual, memory_of
from rules.scores import Floats, Ints
from rules.stretches import Stretches

Places = NDArray[np.intp]
Flags = NDArray[np.bool_]
Qualities = NDArray[np.int16]


class Gate:
    """Looks after all datastreams that are measured in one and the same way.

    Args:
        measure: The measure.
        numbers: The dense numbers of the datastreams that it covers, each once.
        size: How many datastreams there are.
        low: For each that it covers, the score below which it is wrong; -inf if never.
        high: For each that it covers, the score above which it is wrong; inf if never.
    """

    def __init__(self, measure: Measure, numbers: NDArray[np.integer], size: int, low: Floats, high: Floats) -> None:
        self.measure = measure
        self.numbers: Places = np.asarray(numbers, dtype=np.intp)
        self._size = size
        self._low, self._high = np.array(low, dtype=np.float64), np.array(high, dtype=np.float64)
        self._place: Places = np.full(size, -1, dtype=np.intp)
        self._place[self.numbers] = np.arange(self.numbers.size)
        self._memory: Memory = memory_of(measure, self._high)
        self._seen: Places = np.zeros(self.numbers.size, dtype=np.intp)

    def look(self, index: NDArray[np.integer], times: Ints, values: Floats, qualities: Qualities) -> Flags:
        """Which observations of a batch could have a score beyond the limits; remembers nothing.

        Args:
            index: The dense numbers of their datastreams, in any order.
            times: Microseconds since 1970 (UTC), in any order; none earlier than what was taken of its datastream.
            values: One for each.
            qualities: 0 is good.

        Returns:
            True for those that have to be scored; False where the gate does not cover the datastream.
        """
        result = np.zeros(times.size, dtype=np.bool_)
        chosen, batch = self._stretches(index, times, values, qualities)
        if batch.places.size:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                least, most = self._memory.bounds(batch)
            outside = (least < self._low.take(batch.places)) | (most > self._high.take(batch.places))
            if chosen is None:
                return outside
            result[chosen] = outside
        return result

    def take(self, index: NDArray[np.integer], times: Ints, values: Floats, qualities: Qualities) -> None:
        """Remembers a batch; called when it is committed."""
        _, batch = self._stretches(index, times, values, qualities)
        if batch.places.size:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                self._memory.take(batch)

    # What is usual, for `deviation`.

    def stale(self, index: NDArray[np.integer], times: Ints) -> tuple[Places, Ints]:
        """Of which datastreams, in which hours, it is not known what is usual; each once.

        Returns:
            Dense numbers, and the starts of UTC hours in microseconds. Until `load` tells, all their values are looked
            at. None with another measure than `deviation`.
        """
        if not isinstance(self._memory, Usual):
            return np.array([], dtype=np.intp), np.array([], dtype=np.int64)
        places = self._place.take(index)
        unknown = (places >= 0) & ~self._memory.known(places, times)
        hours, places = np.divmod(
            np.unique(times[unknown] // HOUR * self.numbers.size + places[unknown]), max(self.numbers.size, 1)
        )
        return self.numbers[places], hours * HOUR

    def load(self, numbers: NDArray[np.integer], hours: Ints, baselines: Floats) -> None:
        """Takes over what is usual on datastreams in an hour; NaN if nothing is. Two hours in a row are kept."""
        if isinstance(self._memory, Usual):
            self._memory.load(self._place.take(numbers), hours, baselines)

    def _stretches(
        self, index: NDArray[np.integer], times: Ints, values: Floats, qualities: Qualities
    ) -> tuple[Places | None, Stretches]:
        """What the measure is about, in stretches, and where it stands in the batch; None if all as it is."""
        places = self._place.take(index)
        wanted = places >= 0
        if self.measure.doubtful:
            values = (qualities != 0).astype(np.float64)
        else:
            wanted &= qualities == 0
        chosen: Places | None = None
        if not wanted.all():
            chosen = np.flatnonzero(wanted)
            places, times, values = places[chosen], times[chosen], values[chosen]
        if self._each_once(places):
            return chosen, Stretches(places, times, values, None)
        # Sorted by one key where it has room, which is several times as quick as by two.
        begun = int(times.min())
        span = int(times.max()) - begun + 1
        if span < (1 << 62) // max(self.numbers.size, 1):
            order = np.argsort(places * span + (times - begun), kind="stable")
        else:
            order = np.lexsort((times, places))
        places = places[order]
        starts = np.flatnonzero(np.append(True, places[1:] != places[:-1]))
        return order if chosen is None else chosen[order], Stretches(places, times[order], values[order], starts)

    def _each_once(self, places: Places) -> bool:
        """Whether no datastream stands twice in a batch."""
        if places.size < 2:
            return True
        at = np.arange(places.size)
        self._seen[places] = at
        return bool((self._seen.take(places) == at).all())
