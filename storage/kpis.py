"""Alarm KPIs and resilience, as programs read them. The functions of the database compute; docs/kpis.md defines."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar

from psycopg import Connection, errors
from psycopg.rows import TupleRow, class_row

from domain.kpi_judgement import AlarmFigures, IncidentFigures
from storage.database import translated
from storage.sql import queries

T = TypeVar("T")
#: What the load may be split by.
Part = Literal["network", "area", "rule", "position", "level", "alarm"]
_EVERYTHING = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """Which part of the city, and whose alarms; None is no restriction. An area takes in the areas inside it."""

    since: datetime
    until: datetime
    network: str | None = None
    area: str | None = None
    #: The owner of the rules, in either language.
    position: str | None = None

    def parameters(self) -> dict[str, Any]:
        """As the queries take them."""
        return {
            "since": self.since,
            "until": self.until,
            "networks": None if self.network is None else [self.network],
            "area": self.area,
            "position": self.position,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class KpiLimit:
    """One row of what is counted (definition) or asked (limit), with its source."""

    name: str
    value: float
    preset: float
    unit: str
    role: str
    source: str
    evidence: str
    changed_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """A part of the load. `name` is None for rules whose operator position is not known."""

    name: str | None
    #: Of an alarm, its subject; of a position, its Chinese name.
    subject: str | None
    alarms: int
    #: Of all alarms of the scope, 0 to 1.
    share: float
    per_hour: float
    #: The most in ten minutes.
    peak: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """Ten minutes of the clock."""

    bucket: datetime
    alarms: int
    #: The number of the flood that it belongs to.
    flood: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Hour:
    """One hour of the clock."""

    bucket: datetime
    alarms: int
    red: int
    orange: int
    yellow: int
    blue: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """How many intervals had so many alarms; the last band has no end."""

    least_alarms: int
    most_alarms: int | None
    intervals: int


@dataclass(frozen=True, kw_only=True, slots=True)
class FloodEntry:
    """A flood of alarms."""

    started_at: datetime
    ended_at: datetime
    alarms: int
    peak: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Chatter:
    """A rule on a subject that chattered, and how many times it began to."""

    rule: str
    subject: str
    bursts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StaleAlarm:
    """An alarm that stood for too long, and the part of the period in which it was stale."""

    alert: int
    rule: str
    subject: str
    network: str
    asset: str | None
    raised_at: datetime
    stale_from: datetime
    stale_to: datetime
    #: At the end of the period.
    standing: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class AssetLoad:
    """An asset with alarms, and the mean time between them in seconds."""

    asset: str
    network: str
    area: str
    alarms: int
    between_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Incident:
    """One incident; seconds until it was found, taken and over, None where that has not happened."""

    alert: int
    rule: str
    subject: str
    alert_class: str
    network: str
    area: str
    asset: str | None
    level: str
    raised_at: datetime
    detected_s: float
    acknowledged_s: float | None
    restored_s: float | None
    title_en: str
    title_zh: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Availability:
    """The share of device-time with telemetry in one district, 0 to 1."""

    district: str
    devices: int
    #: Device-hours that were promised.
    hours: float
    share: float


def limits(connection: Connection[TupleRow]) -> list[KpiLimit]:
    """What is counted and what is asked, by name."""
    return _rows(connection, KpiLimit, "limits", {})


def values(found: list[KpiLimit]) -> dict[str, float]:
    """The values by name."""
    return {limit.name: limit.value for limit in found}


def set_limit(connection: Connection[TupleRow], name: str, value: float) -> None:
    """Changes a limit; KeyError when there is none of that name, ValueError when it cannot have that value."""
    with translated():
        try:
            row = connection.execute(queries("kpis")["set_limit"], {"name": name, "value": value}).fetchone()
        except errors.CheckViolation:
            raise ValueError(f"{name} cannot be {value:g}") from None
    if row is None:
        raise KeyError(name)


def alarm_figures(connection: Connection[TupleRow], scope: Scope) -> AlarmFigures:
    """Every figure of the alarms in a scope."""
    return _rows(connection, AlarmFigures, "alarm_figures", scope.parameters())[0]


def load(connection: Connection[TupleRow], scope: Scope, part: Part, *, limit: int = 100) -> list[Load]:
    """Where the load comes from, the heaviest first."""
    return _rows(connection, Load, "load", {**scope.parameters(), "part": part, "limit": limit})


def intervals(connection: Connection[TupleRow], scope: Scope) -> list[Interval]:
    """Every ten minutes of the scope, those without alarms too."""
    return _rows(connection, Interval, "intervals", scope.parameters())


def hours(connection: Connection[TupleRow], scope: Scope) -> list[Hour]:
    """Every hour of the scope, those without alarms too."""
    return _rows(connection, Hour, "hours", scope.parameters())


def distribution(connection: Connection[TupleRow], scope: Scope) -> list[Band]:
    """How many intervals had how many alarms."""
    return _rows(connection, Band, "distribution", scope.parameters())


def floods(connection: Connection[TupleRow], scope: Scope, *, limit: int = _EVERYTHING) -> list[FloodEntry]:
    """The floods, the first ones."""
    return _rows(connection, FloodEntry, "floods", {**scope.parameters(), "limit": limit})


def chattering(connection: Connection[TupleRow], scope: Scope, *, limit: int = _EVERYTHING) -> list[Chatter]:
    """What chattered, by rule and subject."""
    return _rows(connection, Chatter, "chattering", {**scope.parameters(), "limit": limit})


def stale(connection: Connection[TupleRow], scope: Scope, *, limit: int = _EVERYTHING) -> list[StaleAlarm]:
    """What stood for too long, the oldest first."""
    return _rows(connection, StaleAlarm, "stale", {**scope.parameters(), "limit": limit})


def assets(connection: Connection[TupleRow], scope: Scope, *, limit: int = 10) -> list[AssetLoad]:
    """The assets with the shortest time between alarms."""
    return _rows(connection, AssetLoad, "assets", {**scope.parameters(), "limit": limit})


def incident_figures(connection: Connection[TupleRow], scope: Scope) -> IncidentFigures:
    """Every figure of the incidents in a scope; positions make no difference."""
    return _rows(connection, IncidentFigures, "incident_figures", scope.parameters())[0]


def incidents(connection: Connection[TupleRow], scope: Scope, *, limit: int = 100) -> list[Incident]:
    """The newest incidents."""
    return _rows(connection, Incident, "incidents", {**scope.parameters(), "limit": limit})


def availability(connection: Connection[TupleRow], scope: Scope) -> list[Availability]:
    """Availability by district. Reads the observations of the whole scope where hourly rollups are not kept."""
    return _rows(connection, Availability, "availability", scope.parameters())


def exercised(connection: Connection[TupleRow], scope: Scope) -> int:
    """How many alerts of exercises people were told of in a scope's period and network; no figure counts them."""
    parameters = {name: value for name, value in scope.parameters().items() if name in ("since", "until", "networks")}
    with translated():
        row = connection.execute(queries("kpis")["exercised"], parameters).fetchone()
    return int(row[0]) if row else 0


def _rows(connection: Connection[TupleRow], kind: type[T], name: str, parameters: dict[str, Any]) -> list[T]:
    with translated(), connection.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(queries("kpis")[name], parameters).fetchall()
