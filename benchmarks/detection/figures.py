"""What alerts are worth beside labels: plain functions of times, alarms and labels.

An alarm is a stretch of samples at which at least one alert is active. A labelled stretch is found if an alarm is
active at one of its samples; the delay runs from its first sample, so that an alarm that is active already finds it at
once. How often that was so is counted beside it: some of it is luck.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
from numpy.typing import NDArray

from domain.times import MICROS_PER_SECOND

Flags = NDArray[np.bool_]
_DAY_S = 86_400


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """What was counted in one file, or in several together."""

    samples: int
    #: Seconds that the samples stand for.
    seconds: float
    #: Alarms that began where nothing is labelled wrong, even if something was soon after; without labels, all of them.
    false_alarms: int
    alarms: int
    #: None without labels: nothing can be said then.
    truth: "Truth | None"


@dataclass(frozen=True, kw_only=True, slots=True)
class Truth:
    """How alarms and labels meet. An unlabelled sample counts as normal."""

    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int
    #: Length of each labelled stretch in seconds, and the delay until it was found (None: never).
    stretches: tuple[tuple[float, float | None], ...]
    #: Labelled stretches before which an alarm was active already.
    already: int
    #: Samples that nobody has labelled.
    unlabelled: int


def stretches(flags: Flags) -> list[tuple[int, int]]:
    """Runs of true as [begin, end)."""
    edges = np.flatnonzero(np.diff(flags.astype(np.int8), prepend=0, append=0))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def alarmed(times: NDArray[np.int64], spans: Iterable[tuple[int, int | None]]) -> Flags:
    """At which samples an alert is active: from its begin on, no longer at its end."""
    flags = np.zeros(times.size, dtype=np.bool_)
    for begin, end in spans:
        first = int(np.searchsorted(times, begin))
        flags[first : times.size if end is None else int(np.searchsorted(times, end))] = True
    return flags


def count(times: NDArray[np.int64], flags: Flags, labels: NDArray[np.int8] | None, interval_s: int) -> Counts:
    """Counts one file.

    Args:
        times: Of the samples, microseconds since 1970 (UTC).
        flags: Whether an alarm is active at each.
        labels: 1 wrong, 0 normal, -1 unlabelled; None if the file has none.
        interval_s: Seconds that one sample stands for.
    """
    alarms = stretches(flags)
    if labels is None:
        truth, false_alarms = None, len(alarms)
    else:
        wrong = labels == 1
        false_alarms = sum(1 for begin, _ in alarms if not wrong[begin])
        truth = Truth(
            true_positives=int((flags & wrong).sum()),
            false_positives=int((flags & ~wrong).sum()),
            true_negatives=int((~flags & ~wrong).sum()),
            false_negatives=int((~flags & wrong).sum()),
            stretches=tuple(_found(times, flags, begin, end, interval_s) for begin, end in stretches(wrong)),
            already=sum(1 for begin, _ in stretches(wrong) if begin and flags[begin - 1] and flags[begin]),
            unlabelled=int((labels == -1).sum()),
        )
    return Counts(
        samples=times.size,
        seconds=float(times.size * interval_s),
        false_alarms=false_alarms,
        alarms=len(alarms),
        truth=truth,
    )


def _found(times: NDArray[np.int64], flags: Flags, begin: int, end: int, interval_s: int) -> tuple[float, float | None]:
    length = float(times[end - 1] - times[begin]) / MICROS_PER_SECOND + interval_s
    hits = np.flatnonzero(flags[begin:end])
    delay = float(times[begin + hits[0]] - times[begin]) / MICROS_PER_SECOND if hits.size else None
    return length, delay


def together(several: Sequence[Counts]) -> Counts:
    """Several files as one; those without labels add nothing to what needs them."""
    truths = [one.truth for one in several if one.truth is not None]
    labelled = [one for one in several if one.truth is not None] or list(several)
    return Counts(
        samples=sum(one.samples for one in labelled),
        seconds=sum(one.seconds for one in labelled),
        false_alarms=sum(one.false_alarms for one in labelled),
        alarms=sum(one.alarms for one in labelled),
        truth=Truth(
            true_positives=sum(t.true_positives for t in truths),
            false_positives=sum(t.false_positives for t in truths),
            true_negatives=sum(t.true_negatives for t in truths),
            false_negatives=sum(t.false_negatives for t in truths),
            stretches=tuple(stretch for t in truths for stretch in t.stretches),
            already=sum(t.already for t in truths),
            unlabelled=sum(t.unlabelled for t in truths),
        )
        if truths
        else None,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """What a table shows of counts. Seconds and shares; None where it cannot be told."""

    samples: int
    alarms: int
    false_alarms_per_day: float | None
    labelled: int | None
    found: int | None
    #: Of those found, how many were found by an alarm that was active before they began.
    already: int | None
    delay_median_s: float | None
    delay_longest_s: float | None
    true_positive_rate: float | None
    false_positive_rate: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    #: Score of the BATADAL competition (Taormina et al., 2018).
    score: float | None
    score_time: float | None
    score_classes: float | None
    unlabelled: int | None


#: What can be told without labels.
_NOTHING = Figures(
    samples=0,
    alarms=0,
    false_alarms_per_day=None,
    labelled=None,
    found=None,
    already=None,
    delay_median_s=None,
    delay_longest_s=None,
    true_positive_rate=None,
    false_positive_rate=None,
    precision=None,
    recall=None,
    f1=None,
    score=None,
    score_time=None,
    score_classes=None,
    unlabelled=None,
)


def figures(counts: Counts) -> Figures:
    """The figures of what was counted."""
    truth = counts.truth
    rate = counts.false_alarms / (counts.seconds / _DAY_S) if counts.seconds and truth else None
    if truth is None:
        return replace(_NOTHING, samples=counts.samples, alarms=counts.alarms)
    delays = [delay for _, delay in truth.stretches if delay is not None]
    tpr = _share(truth.true_positives, truth.true_positives + truth.false_negatives)
    fpr = _share(truth.false_positives, truth.false_positives + truth.true_negatives)
    in_time = score_of_time(truth.stretches)
    classes = None if tpr is None or fpr is None else (tpr + 1 - fpr) / 2
    both = 2 * truth.true_positives + truth.false_positives + truth.false_negatives
    return Figures(
        samples=counts.samples,
        alarms=counts.alarms,
        false_alarms_per_day=rate,
        labelled=len(truth.stretches),
        found=len(delays),
        already=truth.already,
        delay_median_s=median(delays) if delays else None,
        delay_longest_s=max(delays) if delays else None,
        true_positive_rate=tpr,
        false_positive_rate=fpr,
        precision=_share(truth.true_positives, truth.true_positives + truth.false_positives)
        if truth.stretches
        else None,
        recall=tpr,
        f1=_share(2 * truth.true_positives, both) if truth.stretches else None,
        score=None if in_time is None or classes is None else (in_time + classes) / 2,
        score_time=in_time,
        score_classes=classes,
        unlabelled=truth.unlabelled,
    )


def score_of_time(found: Sequence[tuple[float, float | None]]) -> float | None:
    """S_TTD: one less the mean share of each attack that passes before it is found; all of it if it never is."""
    if not found:
        return None
    return 1 - sum((length if delay is None else delay) / length for length, delay in found) / len(found)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
