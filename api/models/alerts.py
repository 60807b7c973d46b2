"""Alerts on the wire, and what people say about them."""

import unicodedata
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.models.wire import Instant, Wire

LevelName = Literal["red", "orange", "yellow", "blue"]
StateName = Literal["active", "returned"]
KindName = Literal["safety", "resilience", "equipment"]
ClassName = Literal["alarm", "warning", "condition"]
ModeName = Literal["one_shot", "timed"]
AlarmStateName = Literal[
    "normal",
    "unacknowledged",
    "acknowledged",
    "returned_unacknowledged",
    "shelved",
    "suppressed",
    "out_of_service",
]
EventName = Literal[
    "raised",
    "level_changed",
    "cleared",
    "withdrawn",
    "inhibited",
    "released",
    "suppressed",
    "unsuppressed",
    "acknowledged",
    "commented",
    "escalated",
    "shelved",
    "unshelved",
    "out_of_service",
    "in_service",
    "reset",
]


class Fact(Wire):
    """One reading that an alert rests on."""

    datastream: int | None = Field(examples=[7])
    device: str = Field(examples=["gas-ch4-001"])
    asset: str = Field(examples=["gas-well-001"])
    property: str | None = Field(examples=["gas.ch4.chamber"])
    unit: str = Field(description="UCUM.", examples=["%{LEL}"])
    value: float | None = Field(examples=[26.0])
    threshold: float | None = Field(
        description="The limit in `unit`; for silence, the seconds allowed.", examples=[25.0]
    )
    relation: str = Field(description="above, below, is, absent, or the name of a measure.", examples=["above"])
    since: Instant


class Shelving(Wire):
    """A person holds back what a rule says of a subject, for a while."""

    mode: ModeName = Field(description="one_shot: until it clears, at the latest at `until`.")
    reason: str = Field(examples=["传感器待更换"])
    by: str = Field(examples=["王伟"])
    since: Instant
    until: Instant


class AlertSummary(Wire):
    """One alert. `raised_at`, `level_at` and `cleared_at` are times of the condition itself."""

    id: int = Field(examples=[42])
    rule: str = Field(examples=["gas.ch4.chamber"])
    subject: str = Field(description="datastream:ID, device:ID, asset:ID or area:CODE.", examples=["datastream:7"])
    kind: KindName
    alert_class: ClassName = Field(
        description="alarm: of one datastream; warning: fused from several; condition: nobody is told of it."
    )
    network: str = Field(examples=["gas"])
    area: str = Field(examples=["330106"])
    exercise: int | None = Field(
        description="The exercise that it belongs to: nothing of it is real. Null: it is real.", examples=[None]
    )
    asset: str | None = Field(examples=["gas-well-001"])
    device: str | None = Field(examples=["gas-ch4-001"])
    property: str | None = Field(examples=["gas.ch4.chamber"])
    level: LevelName
    state: StateName = Field(description="active: the condition holds; returned: it held.")
    alarm_state: AlarmStateName = Field(
        description="State of ISA-18.2. What holds it back counts before the rest; an alert that is over is normal."
    )
    open: bool = Field(
        description="Still somebody's business: active, latched, or announced and not acknowledged.",
    )
    acknowledged: bool
    acknowledged_at: Instant | None
    acknowledged_by: str | None = Field(examples=["王伟"])
    raised_at: Instant = Field(examples=["2026-05-01T00:00:00.000Z"])
    level_at: Instant = Field(examples=["2026-05-01T00:05:00.000Z"])
    cleared_at: Instant | None
    value: float | None = Field(description="The value that decided, in the datastream's unit.", examples=[26.0])
    threshold: float | None = Field(examples=[25.0])
    title_en: str = Field(examples=["Methane in valve well 1"])
    title_zh: str = Field(examples=["1号阀井甲烷超限"])
    text_en: str
    text_zh: str
    facts: list[Fact] = Field(description="The readings it rests on.")
    announced: bool = Field(description="Whether people were ever told of it.")
    latched: bool = Field(description="Stays open after its return until a person resets it.")
    withdrawn: bool = Field(description="Late readings showed that it never was.")
    inhibited: bool = Field(description="Held back, because another active alert (`cause`) explains it.")
    cause: int | None = Field(description="The alert that explains it, or explained it last.", examples=[41])
    suppressed_by: str | None = Field(description="The rule whose condition makes it mean nothing now.")
    maintenance_window: int | None = Field(description="The window that covers it now.")
    out_of_service: bool
    shelving: Shelving | None = Field(description="Why nothing of it is announced for a while.")
    recorded_at: Instant = Field(description="When it was first written.")
    changed_at: Instant = Field(description="When it was last written.")


class Event(Wire):
    """Something that happened to an alert."""

    id: int = Field(examples=[101])
    time: Instant = Field(description="When it happened.")
    recorded_at: Instant = Field(description="When it was written.")
    event: EventName
    level: LevelName
    value: float | None
    threshold: float | None
    actor: str | None = Field(description="Who did it; null for a rule.", examples=["王伟"])
    comment: str | None = Field(examples=["巡检员已出发"])
    told: bool = Field(description="Whether people were to be told of it.")
    late: bool = Field(description="Written because late readings changed the past.")
    withdraws: int | None = Field(description="Of withdrawn: the event that never was.")
    cause: int | None = Field(description="Of inhibited: the alert that explains this one.")
    addressee: str | None = Field(description="Of escalated: whom the alert was handed on to.", examples=["值班领导"])
    exercise: int | None = Field(description="The exercise that it belongs to; null: it is real.", examples=[None])


class Notification(Wire):
    """One message to one channel about one event."""

    id: UUID = Field(description="The identity that the receiver sees.")
    event: int = Field(description="The event it tells of.", examples=[101])
    channel: str = Field(description="Name of the address in the configuration.", examples=["duty-room"])
    language: Literal["en", "zh"]
    state: Literal["pending", "sent", "failed", "unaddressed"]
    attempts: int
    written_at: Instant
    sent_at: Instant | None
    next_attempt_at: Instant | None
    exercise: int | None = Field(description="The exercise that it belongs to; null: it is real.", examples=[None])


class AlertDetail(AlertSummary):
    """An alert with its history and who was told."""

    events: list[Event] = Field(description="Oldest first; at most the last 1,000.")
    notifications: list[Notification] = Field(description="Newest first; at most 1,000.")


def plain_text(text: str) -> str:
    """Text as people write it; ValueError when it is empty or holds control characters."""
    text = text.strip()
    if not text:
        raise ValueError("must not be empty")
    # Cc: control characters, among them NUL, which the database refuses; Cs: halves of characters.
    if any(unicodedata.category(c) in {"Cc", "Cs"} and c not in "\n\t" for c in text):
        raise ValueError("must be text without control characters")
    return text


def _name(text: str) -> str:
    text = plain_text(text)
    if not text.isprintable():
        raise ValueError("must be a name on one line")
    return text


OperatorName = Annotated[
    str,
    Field(min_length=1, max_length=100, description="Who does this: a person's name.", examples=["王伟"]),
    AfterValidator(_name),
]
CommentText = Annotated[
    str,
    Field(
        min_length=1, max_length=2000, description="What the next one on duty should know.", examples=["巡检员已出发"]
    ),
    AfterValidator(plain_text),
]


class AcknowledgeRequest(BaseModel):
    """An operator takes an alert."""

    model_config = ConfigDict(extra="forbid")

    operator: OperatorName
    comment: CommentText | None = None


class EscalateRequest(BaseModel):
    """An operator hands an alert on to somebody above."""

    model_config = ConfigDict(extra="forbid")

    operator: OperatorName
    to: Annotated[
        str,
        Field(
            min_length=1,
            max_length=100,
            description="Whom: a person, a position, or the name of an address, which is then told as well.",
            examples=["值班领导"],
        ),
        AfterValidator(_name),
    ]
    note: CommentText | None = None


class CommentRequest(BaseModel):
    """An operator adds to the history of an alert."""

    model_config = ConfigDict(extra="forbid")

    operator: OperatorName
    comment: CommentText
