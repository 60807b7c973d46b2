"""KPIs on the wire."""

from typing import Literal, Self

from pydantic import Field

from api.models.wire import Instant, Wire
from domain.kpi_judgement import Figure, Verdict
from domain.kpi_names import NAMES
from storage import kpis

VerdictName = Literal["good", "tolerable", "bad", "none"]


class Kpi(Wire):
    """One figure with what is asked of it."""

    name: str = Field(description="As docs/kpis.md names it.", examples=["rate"])
    title_en: str = Field(examples=["Alarms per hour"])
    title_zh: str = Field(examples=["每小时报警数"])
    value: float | None = Field(description="Null when there is nothing to compute it from.", examples=[4.2])
    unit: str = Field(description="UCUM.", examples=["1/h"])
    target: str = Field(description="What is asked; empty when nothing is.", examples=["<= 6, at most 12"])
    verdict: VerdictName = Field(description="`none`: nothing is asked, or there is nothing to judge.")

    @classmethod
    def of(cls, figure: Figure) -> Self:
        """The figure with its names."""
        english, chinese = NAMES[figure.name]
        return cls(
            name=figure.name,
            title_en=english,
            title_zh=chinese,
            value=figure.value,
            unit=figure.unit,
            target=figure.target,
            verdict=Verdict(figure.verdict).value,
        )


class Load(Wire):
    """A part of the alarm load."""

    name: str | None = Field(
        description="Network, area, rule or operator position; null: no position is known.", examples=["gas"]
    )
    subject: str | None = Field(description="Of an alarm, its subject; of a position, its Chinese name.")
    alarms: int = Field(examples=[12])
    share: float = Field(description="Of all alarms, 0 to 1.", examples=[0.25])
    per_hour: float = Field(examples=[0.5])
    peak: int = Field(description="Most alarms in ten minutes.", examples=[3])

    @classmethod
    def all_of(cls, found: list[kpis.Load]) -> list[Self]:
        """Each of them."""
        return [cls.model_validate(one) for one in found]


class PositionLoad(Load):
    """The load of one operator position, judged: the rate is asked of each position alone."""

    verdict: VerdictName


class Band(Wire):
    """How many intervals of ten minutes had so many alarms."""

    least_alarms: int
    most_alarms: int | None = Field(description="Null: no end.")
    intervals: int


class Flood(Wire):
    """A flood of alarms."""

    started_at: Instant
    ended_at: Instant
    alarms: int
    peak: int = Field(description="Most alarms in ten minutes.")


class Chattering(Wire):
    """A rule on a subject that chattered."""

    rule: str = Field(examples=["gas-ch4-chamber"])
    subject: str = Field(examples=["datastream:7"])
    bursts: int = Field(description="How many times it began to.")


class Stale(Wire):
    """An alarm that stood for too long."""

    alert: int = Field(examples=[42])
    rule: str = Field(examples=["gas-ch4-chamber"])
    subject: str = Field(examples=["datastream:7"])
    network: str = Field(examples=["gas"])
    asset: str | None
    raised_at: Instant
    stale_from: Instant = Field(description="Within the period.")
    stale_to: Instant
    standing: bool = Field(description="At the end of the period.")


class AlarmKpis(Wire):
    """How well the alarms of a period serve the people who answer them."""

    since: Instant
    until: Instant
    kpis: list[Kpi]
    distribution: list[Band]
    positions: list[PositionLoad]
    networks: list[Load]
    areas: list[Load]
    rules: list[Load] = Field(description="The twenty heaviest.")
    top: list[Load] = Field(description="The ten heaviest alarms: a rule on a subject.")
    floods: list[Flood] = Field(description="The first 100.")
    chattering: list[Chattering] = Field(description="The first 100.")
    stale: list[Stale] = Field(description="The oldest 100.")


class Incident(Wire):
    """One incident: a fused warning, or an alert that was red or orange."""

    alert: int = Field(examples=[42])
    rule: str = Field(examples=["gas-ch4-chamber"])
    subject: str = Field(examples=["datastream:7"])
    alert_class: str = Field(examples=["warning"])
    network: str = Field(examples=["gas"])
    area: str = Field(examples=["330106"])
    asset: str | None
    level: str = Field(description="The worst it had.", examples=["red"])
    raised_at: Instant
    detected_s: float = Field(description="Seconds until it was on record.")
    acknowledged_s: float | None = Field(description="Seconds from then until somebody took it; null: nobody has.")
    restored_s: float | None = Field(description="Seconds until the condition ended; null: it holds.")
    title_en: str
    title_zh: str


class District(Wire):
    """The availability of one district."""

    district: str = Field(description="First six digits of the area code.", examples=["330106"])
    devices: int
    hours: float = Field(description="Device-hours that were promised.")
    share: float = Field(description="Of them with telemetry, 0 to 1.", examples=[0.993])
    verdict: VerdictName


class AssetLoad(Wire):
    """An asset with alarms."""

    asset: str = Field(examples=["gas-well-001"])
    network: str = Field(examples=["gas"])
    area: str = Field(examples=["330106"])
    alarms: int
    between_s: float = Field(description="Mean time between alarms.")


class Resilience(Wire):
    """How fast trouble was found, taken and over, and how much of the telemetry was there."""

    since: Instant
    until: Instant
    kpis: list[Kpi]
    availability: list[District]
    incidents: list[Incident] = Field(description="The newest 100.")
    assets: list[AssetLoad] = Field(description="The ten with the shortest time between alarms.")


class KpiLimit(Wire):
    """What a KPI counts, or what is asked of it."""

    name: str = Field(examples=["rate.acceptable"])
    value: float = Field(examples=[6])
    preset: float = Field(description="As delivered.", examples=[6])
    unit: str = Field(description="UCUM.", examples=["1/h"])
    role: Literal["definition", "limit"]
    source: str
    evidence: Literal["verified", "secondary", "unverified"]
    changed_at: Instant | None


class KpiLimits(Wire):
    """All of them, by name."""

    items: list[KpiLimit]
