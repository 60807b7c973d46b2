"""Scenarios scored: town, engines, devices, rules and judge put together, in worker processes."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, as_completed
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Self

from domain.errors import LifelineError
from domain.times import MICROS_PER_SECOND
from runtime.process import end_with_parent
from simulators.scenario import Scenario, load
from simulators.scenario_times import DAY_S, Moment, instant
from simulators.scenario_verdicts import Judgement, judge

if TYPE_CHECKING:
    from rules.step import Observations
    from simulators.town.ground import Scale
    from simulators.town.layout import Town
    from simulators.town.world import World

#: A step of a scenario costs about as much as so many of its other costs put together; for sharing work out evenly.
_FIXED_STEPS = 240
#: Days without any event that are stored before each scenario begins, so that rules know what is usual at which hour.
HISTORY_DAYS = 4
#: Seconds between their readings: rules look at means of hours.
_HISTORY_STEP_S = 600


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """In which town scenarios are scored, and by which rules."""

    scale: "Scale" = "test"
    seed: int = 1
    #: Folder of the catalogue; None: the shipped one.
    rules: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """What came of one scenario."""

    scenario: Scenario
    begin: int
    judgement: Judgement
    #: Readings that were stored; sent again; refused for their times; and never sent.
    stored: int
    duplicates: int
    refused: int
    lost: int
    #: Rules that raised an exception.
    failures: tuple[str, ...]
    #: How long it took.
    seconds: float


class ScoringError(LifelineError):
    """A worker process died."""


def score(
    names: Sequence[str],
    setting: Setting,
    *,
    workers: int = 2,
    progress: Callable[[Score], object] = lambda _score: None,
) -> list[Score]:
    """Scores scenarios, in the order of their names as given.

    Raises:
        ConfigurationError: A scenario cannot be used in this town.
        ScoringError: A process ended without an answer.
    """
    found: dict[str, Score] = {}
    if workers <= 1:
        with _Bench(setting) as bench:
            for name in _alike(names):
                found[name] = bench.score(name)
                progress(found[name])
        return [found[name] for name in names]
    with ExitStack() as stack:
        futures: dict[Future[Score], str] = {}
        for share in _shares(names, workers):
            # A process for each share, so that one keeps what engines said about a span for its next scenario.
            pool = stack.enter_context(_process())
            stack.callback(_leave, pool)
            futures |= {pool.submit(_score_here, name, setting): name for name in share}
        try:
            for future in as_completed(futures):
                found[futures[future]] = future.result()
                progress(found[futures[future]])
        except BrokenExecutor as exc:
            raise ScoringError(f"a worker process died: is there memory enough? ({exc})") from exc
        finally:
            for future in futures:
                future.cancel()
    return [found[name] for name in names]


class _Bench:
    """One process: a town and its world, which remembers what it has solved."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self._sampled: int | None = -1
        self._town: Town
        self._world: World | None = None
        self._before: dict[int, Observations] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._world is not None:
            self._world.close()

    def score(self, name: str) -> Score:
        """Runs one scenario."""
        from commands.scenario_engine import alarms_of
        from rules.load import load_catalogue
        from runtime.settings import load as load_settings
        from simulators.devices.emit import emit
        from simulators.town.build import registry

        started = time.monotonic()
        scenario = load(name)
        town, world = self._standing(scenario)
        scenario.check(town)
        begin = scenario.begin()
        span, happenings = scenario.span(begin), scenario.happenings(begin)
        traffic = emit(town, world.truth(span, happenings), happenings, seed=self.setting.seed)
        outcome = alarms_of(
            traffic,
            registry(town),
            load_catalogue(self.setting.rules),
            load_settings(),
            since=span.start,
            until=span.end,
            step_s=scenario.sampling,
            before=self._days_before(scenario),
        )
        judgement = judge(
            scenario,
            begin,
            outcome.alarms,
            {asset.id: asset.kind for asset in town.assets},
            {asset.id: asset.area for asset in town.assets},
        )
        return Score(
            scenario=scenario,
            begin=begin,
            judgement=judgement,
            stored=outcome.stored,
            duplicates=outcome.duplicates,
            refused=outcome.refused,
            lost=traffic.lost,
            failures=outcome.failures,
            seconds=time.monotonic() - started,
        )

    def _days_before(self, scenario: Scenario) -> "Observations":
        """What is stored of the quiet days before, up to the midnight before it begins."""
        from commands.scenario_engine import heard
        from runtime.settings import load as load_settings
        from simulators.devices.emit import emit
        from simulators.town.build import build, registry
        from simulators.town.truth import Span

        town, world = self._standing(scenario)
        midnight = instant(scenario.day, Moment("00:00", 0))
        if midnight not in self._before:
            steps = HISTORY_DAYS * DAY_S // _HISTORY_STEP_S
            span = Span(start=midnight - HISTORY_DAYS * DAY_S * MICROS_PER_SECOND, steps=steps, step_s=_HISTORY_STEP_S)
            rarely = build(self.setting.scale, self.setting.seed, sample_s=_HISTORY_STEP_S)
            traffic = emit(rarely, world.truth(span, ()), (), seed=self.setting.seed)
            self._before[midnight] = heard(traffic, registry(town), load_settings()).observations
        return self._before[midnight]

    def _standing(self, scenario: Scenario) -> "tuple[Town, World]":
        from simulators.town.build import build
        from simulators.town.world import World

        if self._world is None or self._sampled != scenario.sample_s:
            self.__exit__()
            self._town = build(self.setting.scale, self.setting.seed, sample_s=scenario.sample_s)
            self._world = World(self._town, workers=1)
            self._sampled = scenario.sample_s
        return self._town, self._world


_bench: _Bench | None = None


def _process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=end_with_parent)


def _score_here(name: str, setting: Setting) -> Score:
    """In a worker process, which keeps its world until it ends."""
    global _bench  # noqa: PLW0603 - the one thing that a worker process is for
    if _bench is None:
        _bench = _Bench(setting)
    return _bench.score(name)


def _leave(pool: ProcessPoolExecutor) -> None:
    """Ends the engines of a worker process, for which it would wait for ever when it ends itself."""
    with suppress(BrokenExecutor):
        pool.submit(_leave_here).result()


def _leave_here() -> None:
    global _bench  # noqa: PLW0603 - as above
    if _bench is not None:
        _bench.__exit__()
    _bench = None


def _alike(names: Iterable[str]) -> list[str]:
    """Scenarios of one span after each other, so that engines need not say again what a quiet network does."""
    return sorted(names, key=lambda name: (_span(load(name)), name))


def _shares(names: Iterable[str], workers: int) -> Iterator[list[str]]:
    """Scenarios shared out evenly; those of one span stay together if they are not too many for one."""
    groups: dict[tuple[object, ...], list[str]] = {}
    for name in _alike(names):
        groups.setdefault(_span(load(name)), []).append(name)
    costs = {name: _FIXED_STEPS + load(name).span(0).steps for own in groups.values() for name in own}
    most = sum(costs.values()) / workers
    parts: list[list[str]] = []
    for own in groups.values():
        pieces = max(1, round(sum(costs[name] for name in own) / most))
        parts += [own[piece::pieces] for piece in range(pieces)]
    shares: list[list[str]] = [[] for _ in range(workers)]
    for part in sorted(parts, key=lambda own: (-sum(costs[n] for n in own), own)):
        min(shares, key=lambda share: sum(costs[n] for n in share)).extend(part)
    return (share for share in shares if share)


def _span(scenario: Scenario) -> tuple[int, int, int]:
    span = scenario.span(scenario.begin())
    return span.step_s, span.start, span.steps
