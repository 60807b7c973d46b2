"""Exercises: the twin of the equipment that one has, how its time runs, and what is expected in it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from domain.exercise_mark import BANNER_EN, BANNER_ZH, area_of, twin_id
from domain.registry import Asset, Datastream, Link, Registry


def twin(registry: Registry, exercise: int) -> Registry:
    """A registry of equipment that exists for one exercise only; names say so in both languages."""
    return Registry(
        assets=tuple(_asset(asset, exercise) for asset in registry.assets),
        devices=tuple(
            replace(device, id=twin_id(exercise, device.id), asset=twin_id(exercise, device.asset))
            for device in registry.devices
        ),
        datastreams=tuple(
            Datastream(device=twin_id(exercise, one.device), property=one.property, unit=one.unit)
            for one in registry.datastreams
        ),
        links=tuple(
            Link(
                from_asset=twin_id(exercise, one.from_asset),
                relation=one.relation,
                to_asset=twin_id(exercise, one.to_asset),
            )
            for one in registry.links
        ),
    )


def _asset(asset: Asset, exercise: int) -> Asset:
    return replace(
        asset,
        id=twin_id(exercise, asset.id),
        area=area_of(exercise, asset.area),
        name_en=f"{BANNER_EN}{asset.name_en}",
        name_zh=f"{BANNER_ZH}{asset.name_zh}",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How the time of an exercise runs beside the wall clock. Instants in microseconds since 1970 (UTC)."""

    #: The first instant of the incident, and when it is published.
    begins: int
    published_from: int
    #: Seconds of the incident in one second of the wall clock.
    speed: float
    #: Where its time stands still: nothing is published of what comes after.
    ends: int

    def event_time(self, wall: int) -> int:
        """How far the incident has come at an instant of the wall clock."""
        return min(self.begins + round((wall - self.published_from) * self.speed), self.ends)

    def wall_time(self, event: int) -> int:
        """When an instant of the incident is published."""
        return self.published_from + round((event - self.begins) / self.speed)


StepName = Literal["acknowledge", "escalate", "clear", "comment", "shelve", "notice"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """A text in both languages."""

    en: str
    zh: str

    def of(self, language: str) -> str:
        """The text in `en` or `zh`."""
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """An alert that the platform must raise. Seconds count from the begin of the exercise's incident."""

    #: Any of these rules.
    rules: tuple[str, ...]
    #: Any of these assets or devices of the twin; none: anywhere. `area:` and `kind:` may stand before.
    on: tuple[str, ...]
    #: Not before, and at the latest.
    since_s: float
    by_s: float
    #: It must reach this level or a higher one.
    level: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What people must do about an alert, and within how many seconds of having been told."""

    name: StepName
    #: Index of the expectation whose alert it is about; None: any alert of the exercise.
    expected: int | None
    within_s: float
    text: Words


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What an exercise expects, as it was when it began."""

    duration_s: float
    #: When the incident itself begins: the first event of the timeline.
    incident_s: float
    summary: Words
    expected: tuple[Expected, ...] = ()
    steps: tuple[Step, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As the database keeps it."""
        return asdict(self)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Plan":
        """What `as_json` gave."""
        return cls(
            duration_s=document["duration_s"],
            incident_s=document["incident_s"],
            summary=Words(**document["summary"]),
            expected=tuple(
                Expected(**one | {"rules": tuple(one["rules"]), "on": tuple(one["on"])}) for one in document["expected"]
            ),
            steps=tuple(Step(**one | {"text": Words(**one["text"])}) for one in document["steps"]),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Exercise:
    """One exercise. Instants in microseconds since 1970 (UTC)."""

    id: int
    title: Words
    scenario: str
    scale: str
    seed: int
    started_by: str
    started_at: int
    #: None until its equipment stands.
    pace: Pace | None
    ended_at: int | None
    ended_by: str | None
    plan: Plan

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.ended_at is None
