"""Rules over a period that is over: the very engine, as fast as it can. The same input and rules give the same outcome.

The clock moves with the data. Live it moves every second, here from slice to slice: the history of a rule is a function
of the observations, and no silence between two of them is missed.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import tzinfo

from rules.history import Episode
from rules.holding import Telling, tellings
from rules.load import Catalogue
from rules.material import Material
from rules.rerun import PLACE, Rerun
from rules.rule import Rule
from rules.step import Key

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
    #: Alerts that a common cause or a condition by design held back to their end.
    held: tuple[Episode, ...]
    #: What other rules rest on, and nobody is told of.
    conditions: tuple[Episode, ...]
    #: Rules that raised an exception, with its text.
    failures: tuple[tuple[str, str], ...]


def backtest(
    catalogue: Catalogue, material: Material, progress: Progress = lambda _share: None, *, zone: tzinfo = PLACE
) -> Outcome:
    """Runs rules over a material.

    Args:
        catalogue: Rules and overrides; rules that are not enabled stay so.
        material: What was observed.
        progress: Told after every slice.
        zone: The time of the place.
    """
    rules = catalogue.rules
    rerun = Rerun(rules, material.site, overrides=catalogue.overrides, past=material.past(), zone=zone)
    rerun.tick(material.since)
    failures: dict[str, str] = {}
    count = 0
    for whole in material.slices():
        rerun.tick(int(whole.times[0]))
        failures |= rerun.observe(whole).failures
        count += len(whole.times)
        progress((int(whole.times[-1]) - material.since) / (material.until - material.since))
    rerun.tick(material.until)
    progress(1.0)
    told = tellings(rerun.evaluator.plan, rerun.history.transitions())
    found = [_told(episode, told) for episode in rerun.history.episodes()]
    alerts = [episode for episode in found if episode.class_ != _CONDITION]
    return Outcome(
        rules=rules,
        since=material.since,
        until=material.until,
        observations=count,
        episodes=tuple(episode for episode in alerts if episode.told_at is not None),
        held=tuple(episode for episode in alerts if episode.told_at is None),
        conditions=tuple(e for e in found if e.class_ == _CONDITION),
        failures=tuple(sorted(failures.items())),
    )


def _told(episode: Episode, told: dict[tuple[Key, int], Telling]) -> Episode:
    telling = told[(episode.rule, episode.subject), episode.raised_at]
    return replace(episode, told_at=telling.told_at, held_by=telling.cause)
