"""The engine over observations that are all known already, as tests of rules and backtests have them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from zoneinfo import ZoneInfo

from domain.registry import Link
from domain.subject import Watched, WatchedAsset
from rules.evaluate import HORIZON_S, Evaluator
from rules.history import History
from rules.override import Override
from rules.past import Past
from rules.plan import build
from rules.rule import Rule
from rules.step import Observations, Step
from rules.surroundings import Surroundings

#: The time of the place, if nobody says otherwise.
PLACE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """What stands in the field, as rules see it."""

    watched: tuple[Watched, ...]
    assets: tuple[WatchedAsset, ...] = ()
    links: tuple[Link, ...] = ()


def evaluator_for(
    rules: Iterable[Rule],
    site: Site,
    *,
    overrides: Sequence[Override] = (),
    past: Past | None = None,
    zone: tzinfo = PLACE,
    horizon_s: int = HORIZON_S,
) -> Evaluator:
    """The very engine, with nothing in its memory."""
    surroundings = Surroundings(site.assets, site.links)
    plan = build(rules, site.watched, surroundings=surroundings, overrides=overrides)
    return Evaluator(plan, past, zone=zone, horizon_s=horizon_s)


class Rerun:
    """One run from the beginning; each step is adopted at once.

    Args:
        rules: The catalogue.
        site: What stands in the field.
        overrides: What the site changes of the rules.
        past: Where all observations can be read again; default: what was observed in this run.
        zone: The time of the place.
    """

    def __init__(
        self,
        rules: Iterable[Rule],
        site: Site,
        *,
        overrides: Sequence[Override] = (),
        past: Past | None = None,
        zone: tzinfo = PLACE,
    ) -> None:
        self.evaluator = evaluator_for(rules, site, overrides=overrides, past=past, zone=zone)
        self.history = History()

    def observe(self, batch: Observations) -> Step:
        """Evaluates a batch."""
        return self._adopted(self.evaluator.evaluate(batch))

    def tick(self, now: int) -> Step:
        """Moves the clock."""
        return self._adopted(self.evaluator.tick(now))

    def _adopted(self, step: Step) -> Step:
        self.evaluator.adopt(step)
        self.history.apply(step)
        return step
