"""What a session recalls from the database: the newest observations at its beginning, the past when it is asked."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from domain.subject import datastream_subject
from domain.times import LATEST
from rules.evaluate import Evaluator
from rules.past import Columns
from rules.plan import Floats, Ints
from rules.silence import NEVER
from storage import past
from storage.database import Link
from storage.journal import Stretch, follow
from storage.watched import newest_before

#: Journal rows before the position that are read again at a start, to know what is late among the rows after it.
_LOOK_BACK = 500


class StoredPast:
    """The past as it is stored, read on the session's connection."""

    def __init__(self, connection: Link) -> None:
        self._connection = connection

    def samples(self, datastreams: NDArray[np.int32], since: Ints) -> Columns:
        """Everything of each datastream from its own instant on."""
        found = past.samples(self._connection, datastreams, since)
        return Columns(datastreams=found.datastreams, times=found.times, values=found.values, qualities=found.qualities)

    def hourly(self, datastreams: NDArray[np.int32], since: int, until: int) -> tuple[NDArray[np.int32], Ints, Floats]:
        """Datastream, beginning of the UTC hour, and mean of the good values in it; ordered by both."""
        found = past.hourly(self._connection, datastreams, since, until)
        return found.datastreams, found.hours, found.means


def recall(connection: Link, evaluator: Evaluator, positions: dict[str, int], busy: set[str]) -> None:
    """Restores the newest observation of each datastream, as of the positions: what was not read yet must not count.

    Where a rule is not normal only good values count, for its running delay goes on from the last one.

    Args:
        connection: In autocommit.
        evaluator: Remembers them.
        positions: How far the journal has been evaluated.
        busy: Subjects on which some rule is not normal.
    """
    watched = evaluator.plan.watched
    datastreams = np.array([item.datastream for item in watched], dtype=np.int32)
    before = _evaluated_before(connection, datastreams, positions)
    newest = newest_before(connection, datastreams, before, good=False)
    chosen = np.array([datastream_subject(item.datastream) in busy for item in watched], dtype=bool)
    evaluator.remember(newest.datastreams, newest.times, newest.values, good=False)
    calm = ~np.isin(newest.datastreams, datastreams[chosen])
    evaluator.remember(newest.datastreams[calm], newest.times[calm], newest.values[calm], good=True)
    if chosen.any():
        newest = newest_before(connection, datastreams[chosen], before[chosen], good=True)
        evaluator.remember(newest.datastreams, newest.times, newest.values, good=True)


def _evaluated_before(connection: Link, datastreams: NDArray[np.int32], positions: dict[str, int]) -> NDArray[np.int64]:
    """For each datastream an instant: its newest observation before it has been evaluated.

    That is the earliest observation that stands in the journal after our position; or, where the rows shortly before
    our position hold a newer one, the instant after that, for what is unread is late then.
    """
    size = int(datastreams.max(initial=0)) + 1
    unread = np.full(size, LATEST, dtype=np.int64)
    for stretch in _stretches(connection, positions):
        known = stretch.datastreams < size
        np.minimum.at(unread, stretch.datastreams[known], stretch.times[known])
    if not (unread < LATEST).any():
        return unread[datastreams]
    recent = np.full(size, NEVER, dtype=np.int64)
    back = {partition: max(0, seq - _LOOK_BACK) for partition, seq in positions.items()}
    for stretch in _stretches(connection, back, positions):
        known = (stretch.datastreams < size) & (stretch.qualities == 0)
        np.maximum.at(recent, stretch.datastreams[known], stretch.times[known])
    return np.maximum(unread, recent + 1)[datastreams]


def _stretches(connection: Link, after: dict[str, int], upto: dict[str, int] | None = None) -> Iterator[Stretch]:
    after = dict(after)
    while (stretch := follow(connection, after, upto)).rows:
        after |= stretch.positions
        yield stretch
