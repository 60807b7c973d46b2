"""What rules hand to storage: changes of alerts, and where a rule stands that is not normal.

Times are event time, microseconds since 1970 (UTC).
"""

from dataclasses import dataclass
from typing import Literal

from domain.alert import AlertEvent, AlertKind, Level


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """One reading that an alert rests on: which, what it was, which limit it met, and since when."""

    datastream: int | None
    device: str
    asset: str
    property: str | None
    unit: str
    value: float | None
    #: The limit in `unit`; for silence, the seconds allowed.
    threshold: float | None
    #: In which way: `above`, `below`, `is`, `absent`, or the name of a measure.
    relation: str
    since: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """What an alert tells people, and about what."""

    kind: AlertKind
    class_: str
    network: str
    area: str
    asset: str | None
    device: str | None
    property: str | None
    title_en: str
    title_zh: str
    text_en: str
    text_zh: str
    latching: bool = False
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertChange:
    """One transition: raised, level_changed or cleared."""

    rule: str
    subject: str
    event: AlertEvent
    time: int
    level: Level
    value: float | None
    threshold: float | None
    #: Whether a changed level is a worse one.
    worse: bool = False
    #: Needed when an alert is raised or changes its level.
    account: Account | None = None
    comment: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Revision:
    """Late observations changed the past: from `since` on, the history of a rule on a subject is exactly this.

    What is recorded and not among `changes` (by event, time and level) was never so, and is withdrawn; what is among
    them and not recorded is appended. Nothing is edited.
    """

    rule: str
    subject: str
    since: int
    #: In the order of their times.
    changes: tuple[AlertChange, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Restraint:
    """An active alert is held back from now on, or (`cause` is None) no longer."""

    rule: str
    subject: str
    how: Literal["inhibited", "suppressed"]
    #: Rule and subject of the active condition that holds it back.
    cause: tuple[str, str] | None
    time: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """One transition that stands behind the present state, kept for as long as late observations may change it."""

    time: int
    #: The level after it; None: cleared.
    level: Level | None
    value: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleState:
    """A rule (or a leaf `rule#n` of one) on a subject: its level, the delays that run, the marks behind it."""

    rule: str
    subject: str
    level: Level | None
    #: When the violation of each further level began, whose on-delay is running.
    since: tuple[int, ...]
    #: The time of the last transition.
    at: int
    #: When the return from each level began, the worst first, whose off-delay is running.
    back: tuple[int, ...] = ()
    #: In the order of their times.
    marks: tuple[Mark, ...] = ()
