"""What people do to alerts, why, and for how long; and what an alert rests on."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.models.alerts import AlarmStateName, CommentText, Fact, LevelName, ModeName, OperatorName, Shelving, plain_text
from api.models.rules import Grounds, Rationalization
from api.models.wire import Instant, Wire
from api.parameters import AREA, IDENTIFIER
from api.parameters import Instant as GivenInstant

Reason = Annotated[
    str,
    Field(min_length=1, max_length=2000, description="Why; it stays on record.", examples=["传感器待更换"]),
    AfterValidator(plain_text),
]
Identifier = Annotated[str, Field(pattern=IDENTIFIER)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")

    operator: OperatorName


class ShelveRequest(_Request):
    """An operator holds an alert back for a while."""

    reason: Reason
    mode: ModeName = Field("timed", description="one_shot: until it clears, but no longer than `duration_s`.")
    duration_s: int | None = Field(
        None,
        ge=1,
        le=2**31 - 1,
        description="Seconds; needed when timed. At most LIFELINE_SHELVE_MAX_S, the default of one_shot.",
        examples=[3600],
    )


class ActRequest(_Request):
    """An operator acts on an alert."""

    comment: CommentText | None = None


class OutOfServiceRequest(_Request):
    """An administrator takes out of service what an alert speaks of."""

    reason: Reason
    scope: Literal["alert", "device", "asset"] = Field(
        "alert", description="alert: its rule on its subject; device, asset: everything of it."
    )


class WindowRequest(_Request):
    """Planned work. Covers what fits everything that is given; at least one of network to rule."""

    reason: Reason
    network: Identifier | None = Field(None, examples=["gas"])
    area: Annotated[str, Field(pattern=AREA)] | None = Field(None, description="With all inside it.", examples=["3301"])
    asset: Identifier | None = None
    device: Identifier | None = None
    rule: Identifier | None = None
    starts_at: GivenInstant = Field(examples=["2026-05-01T22:00:00+08:00"])
    ends_at: GivenInstant = Field(examples=["2026-05-02T06:00:00+08:00"])


class Window(Wire):
    """One maintenance window."""

    id: int = Field(examples=[3])
    network: str | None
    area: str | None
    asset: str | None
    device: str | None
    rule: str | None
    starts_at: Instant
    ends_at: Instant
    reason: str
    by: str
    created_at: Instant
    cancelled_at: Instant | None
    cancelled_by: str | None
    in_force: bool = Field(description="Whether it holds alerts back now.")


class AlertReference(Wire):
    """Another alert, shortly."""

    id: int
    rule: str
    title_en: str
    title_zh: str
    alarm_state: AlarmStateName


class Explanation(Wire):
    """Why an alert is what it is: which readings, which limit, since when, what to do."""

    alert: int = Field(examples=[42])
    rule: str = Field(examples=["gas.ch4.chamber"])
    exercise: int | None = Field(description="The exercise that it belongs to; null: it is real.", examples=[None])
    alarm_state: AlarmStateName
    level: LevelName
    title_en: str
    title_zh: str
    text_en: str
    text_zh: str
    since: Instant = Field(description="When its condition began.")
    level_since: Instant = Field(description="When it came to its level.")
    until: Instant | None = Field(description="When its condition ended.")
    facts: list[Fact] = Field(description="The readings and limits it rests on.")
    grounds: Grounds | None = Field(description="Where the limit of its level comes from.")
    what_to_do: Rationalization | None = Field(
        description="Null while the rules have not told what is in force, and of rules that are no more."
    )
    held_back_by: list[str] = Field(
        description="What holds it back now: shelved, inhibited, suppressed, maintenance, out_of_service."
    )
    shelving: Shelving | None
    cause: AlertReference | None = Field(description="The alert that explains it.")
    explains: int = Field(description="Open alerts that it explains.")
    corrected: bool = Field(description="Whether late readings changed its history.")
