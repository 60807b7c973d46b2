"""One time of leading: everything loaded as it was committed, then the journal followed and the clock ticked.

What is in memory always equals what is committed: a step is adopted after its commit, and when a commit fails the
session ends and the next one loads everything anew. Steps that change nothing but the position are committed once a
second; a crash in between makes the next leader read some quiet rows again, which changes nothing.
"""

import time
from datetime import UTC, tzinfo

import structlog

from domain.times import Clock
from domain.transition import RuleState
from rules.clocks import Clocks
from rules.evaluate import HORIZON_S, Evaluator
from rules.health import Health, catalogue_row
from rules.load import Catalogue
from rules.plan import build
from rules.recall import StoredPast, recall
from rules.shelf import Shelf
from rules.step import Observations, Step
from rules.surroundings import Surroundings
from rules.vitals import PREFIX, Vitals, signs
from rules.wording import commit_of, withdrawal
from runtime import metrics
from storage import catalogue_in_force, journal, lifecycle
from storage.alerts import FOLLOWER, Commit, commit, read_states, take_lead
from storage.catalogue_in_force import RuleInForce
from storage.database import Link
from storage.journal import Heads, Stretch
from storage.vitals import keep_counts, read_vitals
from storage.watched import WatchedRegistry, read_watched, registry_version

log = structlog.get_logger(__name__)

#: How long a position that nothing hangs on may wait for its commit, in seconds.
_POSITION_S = 1.0
#: How often the counters of ingest are kept, in seconds.
_COUNTS_S = 60.0


class Session:
    """The rules at work on one connection.

    Args:
        connection: In autocommit; nobody else uses it.
        shelf: Holds the catalogue.
        leader: The unique name of this process.
        clock: For what is withdrawn and for the platform's own health; absence and delays are judged by the clocks of
            ingest.
        zone: The time of the place.
        horizon_s: For how long late observations may change the past.
    """

    def __init__(
        self,
        connection: Link,
        shelf: Shelf,
        *,
        leader: str,
        clock: Clock,
        zone: tzinfo = UTC,
        horizon_s: int = HORIZON_S,
    ) -> None:
        self._zone = zone
        self._horizon_s = horizon_s
        self._connection = connection
        self._shelf = shelf
        self._leader = leader
        self._clock = clock
        self._version = take_lead(connection, leader)
        self._registry = read_watched(connection, exercises=True)
        self._catalogue = shelf.take(self._registry)
        self._lay(self._evaluator_for(self._registry, self._catalogue))
        states = read_states(connection)
        committed = journal.positions(connection, FOLLOWER)
        known = journal.heads(connection).positions
        #: How far this session has come, ahead of the database by quiet rows only.
        self.positions = {partition: committed.get(partition, 0) for partition in known}
        platform, field = _parted(states)
        orphans = self._evaluator.restore(field) + self._vitals.restore(platform)
        self._withdraw(withdrawal(orphans, clock()))
        recall(connection, self._evaluator, self.positions, {state.subject for state in states})
        self._evaluator.warm()
        self._publish()
        self._committed_at = time.monotonic()
        self._counted_at = -_COUNTS_S
        self._uncommitted = False
        self._pending: Heads | None = None
        log.info(
            "rules_loaded",
            rules=len(self._evaluator.plan.rules),
            datastreams=len(self._registry.watched),
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
            # Asked after the rows were read: whoever stored them had said before since when it listens.
            self._evaluator.listen(self._clocks.listening(journal.heads(self._connection)))
            step = self._evaluate(stretch)
            reached = self.positions | stretch.positions
            self._uncommitted = True
            if step.changed or time.monotonic() - self._committed_at >= _POSITION_S:
                self._write(commit_of(step, reached))
            self._evaluator.adopt(step)
            self.positions = reached
        self._count(step)
        return True

    def look_ahead(self) -> bool:
        """Begins a tick: ends what people limited in time, and reads the clocks of ingest and how far the journal goes.

        False if the tick before could not be judged yet.
        """
        missed = self._pending is not None
        self._reload_if_changed()
        self._check_vitals()
        lifecycle.sweep(self._connection, self._clock())
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
        now = self._clocks.of(heads)
        if now is None:
            return True
        with metrics.rules_evaluation_seconds.time():
            step = self._evaluator.tick(now, self._clocks.listening(heads))
            if step.changed:
                self._write(commit_of(step, self.positions))
            self._evaluator.adopt(step)
        self._count(step)
        if self._health.due():
            standings = [*self._evaluator.standings(), *self._vitals.standings()]
            catalogue_in_force.put_health(
                self._connection, self._health.report(standings), self._clock(), leader=self._leader
            )
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
                alert_level=change.level.label,
                value=change.value,
            )
        for revision in work.revisions:
            log.info("alert_rewritten", rule=revision.rule, subject=revision.subject, transitions=len(revision.changes))

    def _evaluate(self, stretch: Stretch) -> Step:
        batch = Observations(
            datastreams=stretch.datastreams, times=stretch.times, values=stretch.values, qualities=stretch.qualities
        )
        step = self._evaluator.evaluate(batch)
        if step.unknown and self._reload_if_changed():
            step = self._evaluator.evaluate(batch)
        return step

    def _evaluator_for(self, registry: WatchedRegistry, catalogue: Catalogue) -> Evaluator:
        shared = frozenset(item.id for item in registry.properties if item.network is None)
        plan = build(
            catalogue.rules,
            registry.watched,
            surroundings=Surroundings(registry.assets, registry.links),
            shared=shared,
            overrides=catalogue.overrides,
        )
        return Evaluator(plan, StoredPast(self._connection), zone=self._zone, horizon_s=self._horizon_s)

    def _lay(self, evaluator: Evaluator) -> None:
        """Everything that hangs on the registry and the catalogue, at once."""
        self._evaluator = evaluator
        self._vitals = Vitals(self._catalogue.rules)
        self._health = Health(evaluator.plan, self._vitals)
        self._clocks = Clocks(evaluator.plan.watched, self._registry.paces)

    def _reload_if_changed(self) -> bool:
        """Takes over a changed registry or catalogue; False if there was none that could be used."""
        moved = registry_version(self._connection) != self._registry.version
        if not moved and not self._shelf.changed():
            return False
        registry = read_watched(self._connection, exercises=True) if moved else self._registry
        former, refusal = self._catalogue, self._shelf.refusal
        catalogue = self._shelf.take(registry)
        try:
            evaluator = self._evaluator_for(registry, catalogue) if moved or catalogue != former else None
        except Exception as exc:
            if catalogue is former:
                raise
            # Whatever a new catalogue brings about, the rules that work go on.
            self._shelf.put_back(former, f"{type(exc).__name__}: {exc}")
            catalogue, evaluator = former, self._evaluator_for(registry, former) if moved else None
        if evaluator is not None:
            self._take_over(registry, catalogue, evaluator)
        if catalogue is not former or self._shelf.refusal != refusal:
            self._publish()
        return evaluator is not None

    def _take_over(self, registry: WatchedRegistry, catalogue: Catalogue, evaluator: Evaluator) -> None:
        earlier, vitals = self._evaluator, self._vitals
        orphans = evaluator.inherit(earlier)
        evaluator.warm()
        self._registry, self._catalogue = registry, catalogue
        self._lay(evaluator)
        orphans += self._vitals.inherit(vitals)
        self._withdraw(withdrawal(orphans, self._clock()))
        log.info(
            "rules_reloaded",
            registry=registry.version,
            catalogue=catalogue.digest[:12],
            rules=len(catalogue.rules),
            datastreams=len(registry.watched),
        )

    def _publish(self) -> None:
        """Writes which catalogue is in force, and which is refused."""
        catalogue, refusal = self._catalogue, self._shelf.refusal
        rows = [
            RuleInForce(
                id=rule.id,
                kind=rule.kind.value,
                class_=rule.class_,
                network=rule.network,
                enabled=rule.enabled,
                definition=catalogue_row(rule),
            )
            for rule in catalogue.rules
        ]
        catalogue_in_force.put_in_force(self._connection, rows, catalogue.digest, leader=self._leader)
        if refusal is not None:
            catalogue_in_force.refuse(self._connection, refusal.digest, refusal.problems, leader=self._leader)

    def _check_vitals(self) -> None:
        """Judges the platform's own health, by the wall clock."""
        if time.monotonic() - self._counted_at >= _COUNTS_S:
            keep_counts(self._connection)
            self._counted_at = time.monotonic()
        found = read_vitals(self._connection)
        told = signs(found, failing=self._health.failing, refused=self._shelf.refusal is not None)
        step = self._vitals.evaluate(self._clock(), told)
        if step.states or step.changes:
            self._write(self._vitals.commit_of(step))
        self._vitals.adopt(step)

    def _withdraw(self, work: Commit) -> None:
        if work.dropped:
            self._write(work)

    def _discover(self, heads: Heads) -> None:
        for partition in heads.positions:
            self.positions.setdefault(partition, 0)

    def _count(self, step: Step) -> None:
        metrics.rules_observations.inc(step.observations)
        metrics.rules_unknown.inc(step.unknown)
        for result, number in step.late.items():
            metrics.rules_late.labels(result).inc(number)
        self._health.failed(step.failures)


def _parted(states: list[RuleState]) -> tuple[list[RuleState], list[RuleState]]:
    """States of rules on the platform, and of rules on the field."""
    platform = [state for state in states if state.subject.startswith(PREFIX)]
    return platform, [state for state in states if not state.subject.startswith(PREFIX)]
