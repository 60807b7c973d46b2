"""Exercises and the report on one, on the wire."""

from typing import Literal

from pydantic import Field

from api.models.alerts import LevelName
from api.models.wire import Instant, Wire

VerdictName = Literal["met", "late", "open", "missed"]


class Exercise(Wire):
    """A scripted incident on equipment of its own. Nothing of it is real."""

    id: int = Field(examples=[3])
    title_en: str = Field(examples=["Cloudburst, and the pump station loses its power"])
    title_zh: str = Field(examples=["短时强降雨叠加泵站停电"])
    scenario: str = Field(examples=["cloudburst-power-loss"])
    running: bool
    started_by: str = Field(examples=["王伟"])
    started_at: Instant
    begins_at: Instant | None = Field(description="Event time at which its telemetry begins; null until it does.")
    speed: float | None = Field(description="Seconds of event time in one second.", examples=[1.0])
    ended_at: Instant | None
    ended_by: str | None


class Detection(Wire):
    """What became of one expected alert; seconds are null where it did not happen."""

    rules: list[str] = Field(description="Any of these.", examples=[["pump-power-lost"]])
    expected_by_s: float = Field(description="Event time, from the begin of the incident; may be negative.")
    verdict: VerdictName
    alert: int | None
    title_en: str | None
    title_zh: str | None
    level: LevelName | None = Field(description="The worst it came to.")
    raised_at: Instant | None = Field(description="Event time.")
    detect_s: float | None = Field(description="Event time, from the begin of the incident.")
    store_s: float | None = Field(description="Wall clock: from the deciding reading until it was on record.")
    notify_s: float | None = Field(description="Wall clock: from then until the first message was out.")
    acknowledge_s: float | None = Field(description="Wall clock, from when people were to be told.")
    acknowledged_by: str | None
    escalate_s: float | None = Field(description="Wall clock, from when people were to be told.")
    escalated_by: str | None
    escalated_to: str | None
    clear_s: float | None = Field(description="Event time, from the raise.")
    closed_by_end: bool = Field(description="Its condition still held when the exercise ended.")


class Step(Wire):
    """What people had to do."""

    step: str = Field(examples=["acknowledge"])
    text_en: str
    text_zh: str
    within_s: float
    verdict: VerdictName
    alert: int | None
    seconds: float | None
    by: str | None


class Report(Wire):
    """The after-action report; of an exercise that runs, as it stands now."""

    exercise: Exercise
    incident_at: Instant | None = Field(description="Event time of the first event of the scenario.")
    passed: bool
    missed: int
    late: int
    detections: list[Detection]
    steps: list[Step]
    alerts: int = Field(description="Alerts of the exercise.")
    announced: int = Field(description="Those that people were told of.")
    unexpected: list[int] = Field(description="Announced alerts that no expectation names.")
