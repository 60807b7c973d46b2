"""One track on one datastream: on from where it stands, or anew from an instant of the past. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain.alert import AlertEvent
from rules.marks import Mark, difference, following, settled, trimmed
from rules.scores import Baseline, look_back, scores
from rules.step import Story
from rules.threshold import NORMAL, Change, Sample, State, observe, reveal, run
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

    #: Good samples newer than the last one, as lists for the state machine.
    fresh: list[Sample]
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
    changes: list[Change] = []
    last = work.last
    samples = work.fresh
    if own.measure is not None and work.known is not None:
        times, values = _told(own, work.known, int(np.searchsorted(work.known.times, work.first)), baseline)
        last = story.last
        if last is not None:
            newer = times > last.time
            times, values = times[newer], values[newer]
        if _uneventful(own, story.state, values):
            newest = Sample(int(times[-1]), float(values[-1])) if len(times) else last
            return Verdict(story._replace(last=newest), len(story.marks), None)
        samples = _samples(times, values)
    elif own.measure is None and _uneventful(own, story.state, work.rows.values):
        return Verdict(story, len(story.marks), None)
    state = run(own, story.state, last, samples, changes)
    if not changes and state == story.state and own.measure is None:
        return Verdict(story, len(story.marks), None)
    newest = (samples[-1] if samples else last) if own.measure is not None else None
    marks = story.marks
    if changes:
        old = trimmed(marks, keep_from)
        marks = old + tuple(map(_mark, changes))
        return Verdict(Story(state, marks, newest), len(old), None)
    return Verdict(Story(state, marks, newest), len(marks), None)


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
        samples = _scored(own, work.known, begin, baseline)
    else:
        good = work.known.qualities[begin:] == 0
        samples = _samples(work.known.times[begin:][good], work.known.values[begin:][good])
    changes: list[Change] = []
    state = _run_far(own, samples, changes)
    if samples and state.pending:
        # What the clock has revealed before stays revealed, also after a restart.
        known = max(clock, story.marks[-1].time + 1 if story.marks else clock)
        state = reveal(own, state, samples[-1], known, changes)
    at = following(story.marks, since)
    old, new = story.marks[at:], tuple(map(_mark, changes))
    wrong, same = difference(old, new)
    marks = trimmed(story.marks[:at] + new, keep_from)
    dropped = at + len(new) - len(marks)
    newest = samples[-1] if samples and own.measure is not None else None
    return Verdict(Story(state, marks, newest), max(0, at + same - dropped), wrong)


def _run_far(own: Track, samples: Sequence[Sample], changes: list[Change]) -> State:
    """Runs from normal over many samples; while nothing is wrong it leaps to the next one beyond a limit."""
    values = np.array([sample.value for sample in samples], dtype=np.float64)
    outside = np.zeros(len(values), dtype=bool)
    if own.up:
        outside |= values > own.up[0]
    if own.down:
        outside |= -values > own.down[0]
    state, last, at = NORMAL, None, 0
    leaps = np.flatnonzero(outside)
    while at < len(samples):
        if state.normal:
            place = int(np.searchsorted(leaps, at))
            if place == len(leaps):
                return State(0, (), state.at)
            at = int(leaps[place])
            last = None
        state = observe(own, state, last, samples[at], changes)
        last = samples[at]
        at += 1
    return state


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


def _scored(own: Track, known: Series, begin: int, baseline: Baseline | None) -> list[Sample]:
    return _samples(*_told(own, known, begin, baseline))


def _samples(times: Ints, values: Floats) -> list[Sample]:
    return list(map(Sample, times.tolist(), values.tolist()))


def _mark(change: Change) -> Mark:
    return Mark(change.time, 0 if change.event is AlertEvent.CLEARED else change.rank, change.value)
