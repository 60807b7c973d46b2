"""What rules hand to storage: changes of alerts, and where a rule stands that is not normal."""

from dataclasses import dataclass

from domain.alert import AlertEvent, AlertKind, Level


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


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertChange:
    """One transition. `time` is event time, microseconds since 1970 (UTC)."""

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
class RuleState:
    """A rule that is not normal on a subject. Times in microseconds since 1970 (UTC)."""

    rule: str
    subject: str
    level: Level | None
    since: tuple[int, ...]
    at: int
