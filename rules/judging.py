"""One track on one datastream: on from where it stands, or anew from an instant of the past. Pure."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain.alert import AlertEvent
from rules.marks import Mark, difference, following, settled, trimmed
from rules.scores import Baseline, look_back, scores
from rules.step import Story
from rules.threshold import NORMAL, Change, Sample, State, reveal, run
from rules.track import Track

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Series(NamedTuple):
    """Samples of one datastream in the order of their times, each instant once; doubtful ones among them."""

    times: Ints
    values: Floats
    qualities: NDArray[np.int16]


class Work(NamedTuple):
    """What one datastream brings to its tracks."""

    #: Times and values of the good samples that are newer than the last one.
    fresh: tuple[Ints, Floats]
    #: The last good sample before them.
    last: Sample | None
    #: Good samples older than the last one.
    late: list[Sample]
    #: What is known since `need_since`, the samples above included; None if nothing looks back.
    known: Series | None
    #: The time of the first sample that comes now, of any quality.
    first: int
    #: Everything that comes now, and the time of the newest sample known.
    rows: Series
    newest: int
    #: Whether everything is newer than all that was decided, and nothing looks back.
    plain: bool


class Verdict(NamedTuple):
    """A story after new samples, and what of it is new."""

    story: Story
    #: How many of the story's marks stood before, and stay as they were.
    kept: int
    #: From when on what stood before is wrong; None if nothing is.
    wrong: int | None


def beyond(own: Track, value: float) -> bool:
    """Whether a value lies beyond the mildest limit."""
    return bool((own.up and value > own.up[0]) or (own.down and -value > own.down[0]))


def concerns(own: Track, story: Story, work: Work) -> bool:
    """Whether samples may change what this track has decided.

    Late ones may; and so may those that are newer than the last one, but older than what the clock has revealed since.
    """
    if story.marks and work.first <= story.marks[-1].time:
        return True
    if not work.late:
        return False
    if own.measure is not None or story.marks or story.state.pending:
        return True
    return any(beyond(own, sample.value) for sample in work.late)


def need_since(own: Track, story: Story, work: Work, *, anew: bool) -> int | None:
    """From when on samples must be known; None if those at hand will do."""
    if anew or concerns(own, story, work):
        return _restart(own, story, work) - look_back(own)
    if own.measure is not None:
        return work.first - look_back(own)
    return None


def _restart(own: Track, story: Story, work: Work) -> int:
    running = story.state.since + story.state.back
    earliest = min([sample.time for sample in work.late] + list(running) + [work.first])
    # A delay that a gap cut short goes on if a late sample bridges the gap.
    return settled(story.marks, earliest, own.delay + own.gap)


def go_on(own: Track, story: Story, work: Work, baseline: Baseline | None, keep_from: int) -> Verdict:
    """The story after samples in order."""
    last = work.last
    times, values = work.fresh
    if own.measure is not None and work.known is not None:
        times, values = _told(own, work.known, int(np.searchsorted(work.known.times, work.first)), baseline)
        last = story.last
        if last is not None:
            newer = times > last.time
            times, values = times[newer], values[newer]
    newest = _newest(times, values) or last if own.measure is not None else None
    if _uneventful(own, story.state, values):
        return Verdict(story._replace(last=newest), len(story.marks), None)
    changes: list[Change] = []
    state = run(own, story.state, last, times, values, changes)
    if not changes:
        return Verdict(Story(state, story.marks, newest), len(story.marks), None)
    old = trimmed(story.marks, keep_from)
    return Verdict(Story(state, old + tuple(map(mark_of, changes)), newest), len(old), None)


def anew(own: Track, story: Story, work: Work, baseline: Baseline | None, *, clock: int, keep_from: int) -> Verdict:
    """The story found anew from before its first late sample on.

    Args:
        own: The track.
        story: As it stands.
        work: With everything known since `need_since`.
        baseline: For a deviation.
        clock: Up to when running delays have been judged.
        keep_from: Marks of episodes that ended earlier are forgotten.
    """
    if work.known is None:
        raise ValueError("nothing is known of the past")
    since = _restart(own, story, work)
    begin = int(np.searchsorted(work.known.times, since, side="right"))
    if own.measure is not None:
        times, values = _told(own, work.known, begin, baseline)
    else:
        good = work.known.qualities[begin:] == 0
        times, values = work.known.times[begin:][good], work.known.values[begin:][good]
    changes: list[Change] = []
    state = run(own, NORMAL, None, times, values, changes)
    newest = _newest(times, values)
    if newest is not None and state.pending:
        # What the clock has revealed before stays revealed, also after a restart.
        known = max(clock, story.marks[-1].time + 1 if story.marks else clock)
        state = reveal(own, state, newest, known, changes)
    at = following(story.marks, since)
    old, new = story.marks[at:], tuple(map(mark_of, changes))
    wrong, same = difference(old, new)
    stays = trimmed(story.marks[:at], keep_from)
    kept = newest if own.measure is not None else None
    return Verdict(Story(state, stays + new, kept), len(stays) + same, wrong)


def _uneventful(own: Track, state: State, values: Floats) -> bool:
    """Whether nothing can come of these values: all is normal, and none lies beyond the mildest limit."""
    if not state.normal:
        return False
    if not len(values):
        return True
    return not ((own.up and values.max() > own.up[0]) or (own.down and -values.min() > own.down[0]))


def _told(own: Track, known: Series, begin: int, baseline: Baseline | None) -> tuple[Ints, Floats]:
    """The times and scores of all samples from a place on that have a score."""
    found = scores(own, known.times, known.values, known.qualities, begin, baseline)
    told = ~np.isnan(found)
    return known.times[begin:][told], found[told]


def _newest(times: Ints, values: Floats) -> Sample | None:
    return Sample(int(times[-1]), float(values[-1])) if len(times) else None


def mark_of(change: Change) -> Mark:
    """A transition as it is kept."""
    return Mark(change.time, 0 if change.event is AlertEvent.CLEARED else change.rank, change.value)
