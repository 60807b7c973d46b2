"""One time of leading: everything loaded as it was committed, then the journal followed and the clock ticked.

What is in memory always equals what is committed: a step is adopted after its commit, and when a commit fails the
session ends and the next one loads everything anew. Steps that change nothing but the position are committed once a
second; a crash in between makes the next leader read some quiet rows again, which changes nothing.
"""

import time
from collections.abc import Callable, Iterator

import numpy as np
import structlog
from numpy.typing import NDArray

from domain.subject import datastream_subject
from domain.times import LATEST, Clock
from rules.evaluate import Evaluator
from rules.plan import build
from rules.rule import Rule
from rules.silence import NEVER
from rules.step import Observations, Step
from rules.wording import commit_of, withdrawal
from runtime import metrics
from storage import journal
from storage.alerts import FOLLOWER, Commit, commit, read_states, take_lead
from storage.database import Link
from storage.journal import Heads, Stretch
from storage.watched import WatchedRegistry, newest_before, read_watched, registry_version

log = structlog.get_logger(__name__)

#: How long a position that nothing hangs on may wait for its commit, in seconds.
_POSITION_S = 1.0
#: Journal rows before the position that are read again at a start, to know what is late among the rows after it.
_LOOK_BACK = 500

#: The catalogue for a registry; ConfigurationError if it cannot be used.
Catalogue = Callable[[WatchedRegistry], tuple[Rule, ...]]


class Session:
    """The rules at work on one connection.

    Args:
        connection: In autocommit; nobody else uses it.
        catalogue: Makes the rules, again whenever the registry changes.
        leader: The unique name of this process.
        clock: For what is withdrawn; absence and delays are judged by the clock of ingest.
    """

    def __init__(self, connection: Link, catalogue: Catalogue, *, leader: str, clock: Clock) -> None:
        self._connection = connection
        self._catalogue = catalogue
        self._leader = leader
        self._clock = clock
        self._version = take_lead(connection, leader)
        registry = read_watched(connection)
        self._registry_version = registry.version
        self._evaluator = self._evaluator_for(registry)
        states = read_states(connection)
        committed = journal.positions(connection, FOLLOWER)
        known = journal.heads(connection).positions
        #: How far this session has come, ahead of the database by quiet rows only.
        self.positions = {partition: committed.get(partition, 0) for partition in known}
        orphans = self._evaluator.restore(states)
        self._withdraw(withdrawal(orphans, clock()))
        self._remember({state.subject for state in states})
        self._committed_at = time.monotonic()
        self._uncommitted = False
        self._pending: Heads | None = None
        log.info(
            "rules_loaded",
            rules=len(self._evaluator.plan.rules),
            datastreams=len(registry.watched),
            standing=len(states) - len(orphans),
        )

    def catch_up(self) -> bool:
        """Evaluates the next rows of the journal; False if there were none."""
        if not self.positions:
            self._discover(journal.heads(self._connection))
        stretch = journal.follow(self._connection, self.positions)
        if not stretch.rows:
            if self._uncommitted and time.monotonic() - self._committed_at >= _POSITION_S:
                self._write(Commit(positions=self.positions))
            return False
        with metrics.rules_evaluation_seconds.time():
            step = self._evaluate(stretch)
            reached = self.positions | stretch.positions
            self._uncommitted = True
            if step.changed or time.monotonic() - self._committed_at >= _POSITION_S:
                self._write(commit_of(step, reached))
            self._evaluator.adopt(step)
            self.positions = reached
        _count(step)
        return True

    def look_ahead(self) -> bool:
        """Begins a tick: reads the clock of ingest and how far the journal must be read for it.

        False if the tick before could not be judged yet.
        """
        missed = self._pending is not None
        self._reload_if_changed()
        heads = journal.heads(self._connection)
        self._discover(heads)
        self._pending = heads
        metrics.rules_lag.set(journal.lag_s(self._connection, self.positions))
        return not missed

    def tick(self) -> bool:
        """Ends a tick as soon as the journal has been read that far: judges absence and running delays."""
        heads = self._pending
        if heads is None or any(self.positions.get(name, 0) < seq for name, seq in heads.positions.items()):
            return False
        self._pending = None
        if heads.caught_up_at is None:
            return True
        with metrics.rules_evaluation_seconds.time():
            step = self._evaluator.tick(heads.caught_up_at)
            if step.changed:
                self._write(commit_of(step, self.positions))
            self._evaluator.adopt(step)
        _count(step)
        return True

    def close(self) -> None:
        """Commits the position reached, so that the next leader begins here."""
        if self._uncommitted:
            self._write(Commit(positions=self.positions))

    def _write(self, work: Commit) -> None:
        self._version = commit(self._connection, work, leader=self._leader, version=self._version)
        self._committed_at = time.monotonic()
        self._uncommitted = False
        for change in work.changes:
            metrics.rules_transitions.labels(change.event.value).inc()
            log.info(
                "alert",
                transition=change.event.value,
                rule=change.rule,
                subject=change.subject,
                level=change.level.label,
                value=change.value,
            )

    def _evaluate(self, stretch: Stretch) -> Step:
        batch = Observations(
            datastreams=stretch.datastreams, times=stretch.times, values=stretch.values, qualities=stretch.qualities
        )
        step = self._evaluator.evaluate(batch)
        if step.unknown and self._reload_if_changed():
            step = self._evaluator.evaluate(batch)
        return step

    def _evaluator_for(self, registry: WatchedRegistry) -> Evaluator:
        shared = frozenset(item.id for item in registry.properties if item.network is None)
        return Evaluator(build(self._catalogue(registry), registry.watched, shared))

    def _reload_if_changed(self) -> bool:
        if registry_version(self._connection) == self._registry_version:
            return False
        registry = read_watched(self._connection)
        evaluator = self._evaluator_for(registry)
        orphans = evaluator.inherit(self._evaluator)
        self._withdraw(withdrawal(orphans, self._clock()))
        self._evaluator = evaluator
        self._registry_version = registry.version
        log.info("registry_reloaded", version=registry.version, datastreams=len(registry.watched))
        return True

    def _withdraw(self, work: Commit) -> None:
        if work.dropped:
            self._write(work)

    def _discover(self, heads: Heads) -> None:
        for partition in heads.positions:
            self.positions.setdefault(partition, 0)

    def _remember(self, busy: set[str]) -> None:
        """Restores the newest observation of each datastream, as of the position: what was not read yet must not count.

        Where a rule is not normal only good values count, for its running delay goes on from the last one.
        """
        watched = self._evaluator.plan.watched
        datastreams = np.array([item.datastream for item in watched], dtype=np.int32)
        before = self._evaluated_before(datastreams)
        newest = newest_before(self._connection, datastreams, before, good=False)
        chosen = np.array([datastream_subject(item.datastream) in busy for item in watched], dtype=bool)
        self._evaluator.remember(newest.datastreams, newest.times, newest.values, good=False)
        calm = ~np.isin(newest.datastreams, datastreams[chosen])
        self._evaluator.remember(newest.datastreams[calm], newest.times[calm], newest.values[calm], good=True)
        if chosen.any():
            newest = newest_before(self._connection, datastreams[chosen], before[chosen], good=True)
            self._evaluator.remember(newest.datastreams, newest.times, newest.values, good=True)

    def _evaluated_before(self, datastreams: NDArray[np.int32]) -> NDArray[np.int64]:
        """For each datastream an instant: its newest observation before it has been evaluated.

        That is the earliest observation that stands in the journal after our position; or, where the rows shortly
        before our position hold a newer one, the instant after that, for what is unread is late then.
        """
        size = int(datastreams.max(initial=0)) + 1
        unread = np.full(size, LATEST, dtype=np.int64)
        for stretch in self._stretches(self.positions):
            known = stretch.datastreams < size
            np.minimum.at(unread, stretch.datastreams[known], stretch.times[known])
        if not (unread < LATEST).any():
            return unread[datastreams]
        recent = np.full(size, NEVER, dtype=np.int64)
        back = {partition: max(0, seq - _LOOK_BACK) for partition, seq in self.positions.items()}
        for stretch in self._stretches(back, self.positions):
            known = (stretch.datastreams < size) & (stretch.qualities == 0)
            np.maximum.at(recent, stretch.datastreams[known], stretch.times[known])
        return np.maximum(unread, recent + 1)[datastreams]

    def _stretches(self, after: dict[str, int], upto: dict[str, int] | None = None) -> Iterator[Stretch]:
        after = dict(after)
        while (stretch := journal.follow(self._connection, after, upto)).rows:
            after |= stretch.positions
            yield stretch


def _count(step: Step) -> None:
    metrics.rules_observations.inc(step.observations)
    metrics.rules_unknown.inc(step.unknown)
    for result, number in step.late.items():
        metrics.rules_late.labels(result).inc(number)
    for rule, error in step.failures.items():
        metrics.rules_failures.labels(rule).inc()
        log.error("rule_failed", rule=rule, error=error)
