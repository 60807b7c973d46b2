"""Rules over a period that is over: the very engine, as fast as it can. The same input and rules give the same outcome.

The clock moves with the data. Live it moves every second; here it moves from slice to slice, and to every instant at
which somebody is heard again after a silence that a rule may speak of, so that no silence is missed.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from domain.times import MICROS_PER_SECOND
from rules.condition import Absence
from rules.fused import Fused, leaves
from rules.history import Episode
from rules.load import Catalogue
from rules.material import Material, part_of
from rules.plan import Ints
from rules.rerun import Rerun
from rules.rule import Rule
from rules.step import Observations

#: A rule of this class is never announced.
_CONDITION = "condition"
#: Told how much of the period is done, from 0 to 1.
Progress = Callable[[float], object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a set of rules makes of a period. Times in microseconds since 1970 (UTC)."""

    rules: tuple[Rule, ...]
    since: int
    until: int
    observations: int
    #: What people would have been told of, by its beginning.
    episodes: tuple[Episode, ...]
    #: What other rules rest on, and nobody is told of.
    conditions: tuple[Episode, ...]
    #: Rules that raised an exception, with its text.
    failures: tuple[tuple[str, str], ...]


def backtest(catalogue: Catalogue, material: Material, progress: Progress = lambda _share: None) -> Outcome:
    """Runs rules over a material.

    Args:
        catalogue: Rules and overrides; rules that are not enabled stay so.
        material: What was observed.
        progress: Told after every slice.
    """
    rules = catalogue.rules
    rerun = Rerun(rules, material.site, overrides=catalogue.overrides, past=material.past())
    rerun.tick(material.since)
    silences = _Silences(rules, material)
    failures: dict[str, str] = {}
    count = 0
    for whole in material.slices():
        for part in silences.pieces(whole):
            rerun.tick(int(part.times[0]))
            failures |= rerun.observe(part).failures
        count += len(whole.times)
        progress((int(whole.times[-1]) - material.since) / (material.until - material.since))
    rerun.tick(material.until)
    progress(1.0)
    found = rerun.history.episodes()
    return Outcome(
        rules=rules,
        since=material.since,
        until=material.until,
        observations=count,
        episodes=tuple(e for e in found if e.class_ != _CONDITION),
        conditions=tuple(e for e in found if e.class_ == _CONDITION),
        failures=tuple(sorted(failures.items())),
    )


class _Silences:
    """Where the clock must stand still on its way: who was heard again after a silence that a rule may speak of."""

    def __init__(self, rules: Iterable[Rule], material: Material) -> None:
        watched = material.site.watched
        size = max((item.datastream for item in watched), default=0) + 1
        self._last: Ints = np.full(size, material.since, dtype=np.int64)
        self._allowed: Ints = np.full(size, 2**62, dtype=np.int64)
        factors = list(_factors(rules))
        for item in watched:
            allowed = min((factor * item.interval_s + grace for factor, grace in factors), default=None)
            if allowed is not None:
                self._allowed[item.datastream] = int(allowed * MICROS_PER_SECOND)

    def pieces(self, whole: Observations) -> Iterator[Observations]:
        """A slice in pieces: each such instant stands alone, so that the clock is moved before it and after it."""
        order = np.argsort(whole.datastreams, kind="stable")
        streams, times = whole.datastreams[order], whole.times[order]
        first = np.append(True, streams[1:] != streams[:-1])
        before = np.where(first, self._last[streams], np.append(times[:1], times[:-1]))
        returns = np.unique(times[times - before > self._allowed[streams]])
        ends = np.flatnonzero(np.append(first[1:], True))
        self._last[streams[ends]] = times[ends]
        around = [np.searchsorted(whole.times, returns, side=side) for side in ("left", "right")]
        edges = np.unique(np.concatenate(([0], *around, [len(whole.times)])))
        for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            yield part_of(whole, begin, end)


def _factors(rules: Iterable[Rule]) -> Iterator[tuple[float, float]]:
    """Factor and grace of every absence that any rule speaks of."""
    for rule in rules:
        if isinstance(rule.condition, Absence):
            yield rule.condition.absence.factor, rule.condition.absence.grace_s
        elif isinstance(rule.condition, Fused):
            for level in rule.condition.fused.values():
                for leaf in leaves(level.when):
                    if leaf.absent is not None:
                        yield leaf.absent.factor, leaf.absent.grace_s
