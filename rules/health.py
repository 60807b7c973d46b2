"""How each rule fares: what fails, what is active, how much it watches; written for people every few seconds."""

import time
from collections import Counter
from collections.abc import Iterable

import structlog

from domain.exercise_mark import exercise_of
from domain.subject import datastream_subject, device_subject
from domain.transition import RuleState
from rules.plan import Plan
from rules.rule import Rule
from rules.vitals import Vitals
from runtime import metrics
from storage.catalogue_in_force import RuleHealth

log = structlog.get_logger(__name__)

#: Between two writings, in seconds.
WRITE_S = 5.0
#: A rule counts as failing for so long after its last failure, in seconds.
_FAILING_S = 60.0


class Health:
    """Counts what happens to the rules of one catalogue."""

    def __init__(self, plan: Plan, vitals: Vitals) -> None:
        self._rules = tuple(sorted({*plan.rules, *vitals.rules}))
        self._subjects = _subjects(plan)
        self._exercised = _exercised(plan)
        self._failures = Counter[str]()
        self._errors: dict[str, str] = {}
        self._failed_at: dict[str, float] = {}
        self._written_at = 0.0

    def failed(self, failures: dict[str, str]) -> None:
        """Rules ended in errors."""
        for rule, error in failures.items():
            name = rule.partition("#")[0]
            self._failures[name] += 1
            self._errors[name] = error
            self._failed_at[name] = time.monotonic()
            metrics.rules_failures.labels(name).inc()
            log.error("rule_failed", rule=rule, error=error)

    @property
    def failing(self) -> int:
        """How many rules have failed lately."""
        since = time.monotonic() - _FAILING_S
        return sum(1 for at in self._failed_at.values() if at > since)

    def due(self) -> bool:
        """Whether it is time to write."""
        return time.monotonic() - self._written_at >= WRITE_S

    def report(self, standings: Iterable[RuleState]) -> list[RuleHealth]:
        """What is new about every rule since the last report.

        Args:
            standings: Everything that is not normal.
        """
        active = Counter(
            state.rule for state in standings if state.level is not None and state.subject not in self._exercised
        )
        found = [
            RuleHealth(
                rule=rule,
                failures=self._failures[rule],
                error=self._errors.get(rule),
                active=active[rule],
                subjects=self._subjects[rule],
            )
            for rule in self._rules
        ]
        self._failures.clear()
        self._errors.clear()
        self._written_at = time.monotonic()
        return found


def catalogue_row(rule: Rule) -> dict[str, object]:
    """A rule as it is written in the catalogue, as plain values."""
    return rule.model_dump(mode="json", by_alias=True, exclude_none=True)


def _subjects(plan: Plan) -> Counter[str]:
    """How many subjects each rule watches."""
    # Datastreams that the same rules watch share one tuple of tracks.
    shared = Counter(
        id(own) for own, item in zip(plan.tracks, plan.watched, strict=True) if exercise_of(item.area) is None
    )
    tracks = {id(own): own for own in plan.tracks}
    found = Counter[str]()
    for number, times in shared.items():
        for name in {own.name.partition("#")[0] for own in tracks[number]}:
            found[name] += times
    for silence in plan.silences:
        found[silence.name.partition("#")[0]] += sum(
            exercise_of(plan.watched[number].area) is None for number in silence.first.tolist()
        )
    return found


def _exercised(plan: Plan) -> frozenset[str]:
    """The subjects that belong to an exercise: people who look after real ones need not see them counted."""
    own = [item for item in plan.watched if exercise_of(item.area) is not None]
    return frozenset(
        (
            *(datastream_subject(item.datastream) for item in own),
            *(device_subject(item.device) for item in own),
            *(fusion.subject for fusion in plan.fusions if exercise_of(fusion.area) is not None),
        )
    )
