"""What a session recalls from the database: the newest observations at its beginning, the past when it is asked."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from domain.subject import datastream_subject
from domain.times import LATEST
from rules.evaluate import Evaluator
from rules.past import Columns
from rules.plan import Floats, Ints
from storage import past
from storage.database import Link
from storage.journal import Stretch, follow
from storage.watched import newest_before

#: Datastreams with unread observations that are looked at at once.
_AT_ONCE = 2_000


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

    Where nothing is unread and every rule is normal, any observation counts as evaluated; elsewhere only good ones do,
    for a running delay goes on from the last of them.

    Args:
        connection: In autocommit.
        evaluator: Remembers them.
        positions: How far the journal has been evaluated.
        busy: Subjects on which some rule is not normal.
    """
    watched = evaluator.plan.watched
    datastreams = np.array([item.datastream for item in watched], dtype=np.int32)
    unread = _unread(connection, datastreams, positions)
    any_before, good_before = _evaluated_before(connection, datastreams, unread)
    exact = np.array([datastream_subject(item.datastream) in busy for item in watched], dtype=bool)
    exact |= np.isin(datastreams, unread[0])
    newest = newest_before(connection, datastreams, any_before, good=False)
    evaluator.remember(newest.datastreams, newest.times, newest.values, good=False)
    calm = ~np.isin(newest.datastreams, datastreams[exact])
    evaluator.remember(newest.datastreams[calm], newest.times[calm], newest.values[calm], good=True)
    if exact.any():
        newest = newest_before(connection, datastreams[exact], good_before[exact], good=True)
        evaluator.remember(newest.datastreams, newest.times, newest.values, good=True)


#: Datastreams and times of observations, one beside the other.
_Keys = tuple[NDArray[np.int32], Ints]


def _unread(connection: Link, datastreams: NDArray[np.int32], positions: dict[str, int]) -> _Keys:
    """What stands in the journal after our position, of the datastreams that are watched."""
    known = np.zeros(int(datastreams.max(initial=0)) + 1, dtype=bool)
    known[datastreams] = True
    streams, times = [np.zeros(0, np.int32)], [np.zeros(0, np.int64)]
    for stretch in _stretches(connection, positions):
        chosen = np.flatnonzero(stretch.datastreams < len(known))
        chosen = chosen[known[stretch.datastreams[chosen]]]
        streams.append(stretch.datastreams[chosen])
        times.append(stretch.times[chosen])
    return np.concatenate(streams), np.concatenate(times)


def _evaluated_before(connection: Link, datastreams: NDArray[np.int32], unread: _Keys) -> tuple[Ints, Ints]:
    """For each datastream two instants: its newest observation, and its newest good one, before it was evaluated.

    Of a datastream with unread observations that is the one after its newest stored observation that is not unread; if
    all since the earliest unread one are unread, the earliest unread one itself.
    """
    any_before = np.full(len(datastreams), LATEST, dtype=np.int64)
    good_before = any_before.copy()
    if not len(unread[0]):
        return any_before, good_before
    order = np.lexsort((unread[1], unread[0]))
    streams, times = unread[0][order], unread[1][order]
    touched, first = np.unique(streams, return_index=True)
    ends = np.append(first[1:], len(streams))
    places = np.argsort(datastreams)
    places = places[np.searchsorted(datastreams, touched, sorter=places)]
    for begin in range(0, len(touched), _AT_ONCE):
        part = slice(begin, begin + _AT_ONCE)
        own = slice(int(first[part][0]), int(ends[part][-1]))
        ids, earliest, place = touched[part], times[first[part]], places[part]
        stored = past.samples(connection, ids, earliest)
        read = ~_among((stored.datastreams, stored.times), (streams[own], times[own]), ids)
        for before, kept in ((any_before, read), (good_before, read & (stored.qualities == 0))):
            before[place] = earliest
            number = np.searchsorted(ids, stored.datastreams[kept])
            np.maximum.at(before, place[number], stored.times[kept] + 1)
    return any_before, good_before


def _among(keys: _Keys, others: _Keys, ids: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Which of some observations are among others; all of datastreams in `ids`, which are sorted and few."""
    start = int(min(keys[1].min(initial=LATEST), others[1].min(initial=LATEST)))
    span = int(max(keys[1].max(initial=start), others[1].max(initial=start))) - start + 1
    one, two = (np.searchsorted(ids, part[0]) * span + (part[1] - start) for part in (keys, others))
    return np.isin(one, two)


def _stretches(connection: Link, after: dict[str, int]) -> Iterator[Stretch]:
    after = dict(after)
    while (stretch := follow(connection, after)).rows:
        after |= stretch.positions
        yield stretch
