"""A rule as data: what it applies to, its condition, its texts, and why it exists (rationalization, evidence).

The models check one rule by itself. What needs the catalogue of properties, or the other rules, is checked in `load`.
"""

import re
import string
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

from domain.alert import AlertKind, Level
from domain.topics import IDENTIFIER

#: What a title or text may name in braces; filled in when the alert is raised.
PLACEHOLDERS = frozenset({"value", "unit", "threshold", "asset_en", "asset_zh", "device"})
#: A rule's network when it watches every network; its alerts carry the network of their subject.
ANY_NETWORK = "any"
LevelName = Literal["red", "orange", "yellow", "blue"]
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(_Model):
    """A sentence for people, in both languages."""

    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)

    @field_validator("zh")
    @classmethod
    def _is_chinese(cls, text: str) -> str:
        if not _CHINESE.search(text):
            raise ValueError("holds no Chinese: write it in Simplified Chinese")
        return text


class Template(Words):
    """A sentence that may name what happened in braces."""

    @field_validator("en", "zh")
    @classmethod
    def _known_placeholders(cls, text: str) -> str:
        try:
            names = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
        except ValueError as exc:
            raise ValueError(f"braces do not match ({exc}): write {{value}}, or {{{{ for a brace") from exc
        if unknown := sorted(names - PLACEHOLDERS):
            raise ValueError(f"unknown placeholder {unknown[0]!r}: use one of {', '.join(sorted(PLACEHOLDERS))}")
        return text


class Rationalization(_Model):
    """Why the rule exists and what a person does about it (ISA-18.2 asks for it before an alarm is allowed)."""

    cause: Words
    consequence: Words
    operator_action: Words
    #: Seconds within which the operator must have acted to prevent the consequence.
    response_time_s: int = Field(gt=0)
    owner: Words


class Grounds(_Model):
    """Where a limit comes from. `verified`: the clause itself was read. `unverified`: practice, no text was read."""

    evidence: Literal["verified", "secondary", "unverified"]
    standard: str | None = None
    clause: str | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.evidence != "unverified" and not self.standard:
            raise ValueError(f"{self.evidence} evidence names no standard: add `standard`, or call it unverified")
        return self


class Limit(Grounds):
    """The limit of one level, in the unit of the property."""

    limit: float = Field(allow_inf_nan=False)


class Threshold(_Model):
    """The value beyond a limit: strictly `above` or strictly `below`; each level has its own limit."""

    above: dict[LevelName, Limit] | None = Field(None, min_length=1)
    below: dict[LevelName, Limit] | None = Field(None, min_length=1)
    #: How far back inside the limit the value must come before a level ends, in the unit of the property.
    hysteresis: float = Field(ge=0, allow_inf_nan=False)
    #: How long the value must stay beyond a limit before its level begins, in seconds.
    on_delay_s: int = Field(0, ge=0)

    @property
    def limits(self) -> dict[LevelName, Limit]:
        """The limits of whichever direction this is."""
        return self.above or self.below or {}

    @property
    def rising(self) -> bool:
        """Whether larger values are worse."""
        return self.above is not None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.above and not self.below:
            raise ValueError("names neither `above` nor `below`: add the one that is worse")
        if self.above and self.below:
            raise ValueError("both `above` and `below`: make two rules of it")
        ranked = sorted(self.limits.items(), key=lambda item: Level.parse(item[0]), reverse=True)
        for (mild, inner), (severe, outer) in pairwise(ranked):
            if not (inner.limit < outer.limit if self.rising else inner.limit > outer.limit):
                word = "above" if self.rising else "below"
                raise ValueError(
                    f"{severe} ({outer.limit:g}) must lie {word} {mild} ({inner.limit:g}): "
                    "order the limits as the levels are ordered, red the worst"
                )
        return self


class Position(_Model):
    """A switch or state that stands where it should not."""

    # `is` is a word of Python.
    position: bool = Field(alias="is")
    level: LevelName
    on_delay_s: int = Field(0, ge=0)
    grounds: Grounds


class Silence(_Model):
    """How long nothing may come: `factor` times the registered reporting interval, and `grace_s` more."""

    factor: float = Field(ge=1, allow_inf_nan=False)
    grace_s: int = Field(ge=0)
    level: LevelName
    grounds: Grounds


class Absence(_Model):
    """Nothing comes any more from a datastream or, if the rule names no property, from a whole device."""

    absence: Silence


def _condition_kind(value: Any) -> str:  # noqa: ANN401 - whatever stands in the document
    if isinstance(value, Threshold | Position | Absence):
        return type(value).__name__.lower()
    keys = set(value) if isinstance(value, dict) else set()
    if "absence" in keys:
        return "absence"
    return "position" if "is" in keys else "threshold"


Condition = Annotated[
    Annotated[Threshold, Tag("threshold")] | Annotated[Position, Tag("position")] | Annotated[Absence, Tag("absence")],
    Discriminator(_condition_kind),
]


class Scope(_Model):
    """What a rule applies to; every part that is given must fit."""

    property: str | None = None
    asset_kinds: tuple[str, ...] | None = Field(None, min_length=1)
    #: Tags that the asset must carry with these values.
    tags: dict[str, str] = Field(default_factory=dict)


class Rule(_Model):
    """One rule of the catalogue."""

    id: str
    kind: AlertKind
    #: An alarm rests on one datastream or device; warnings, fused from several, are another class.
    class_: Literal["alarm"] = Field("alarm", alias="class")
    network: str
    applies_to: Scope
    condition: Condition
    title: Template
    text: Template
    rationalization: Rationalization

    @field_validator("id")
    @classmethod
    def _is_identifier(cls, text: str) -> str:
        if not IDENTIFIER.fullmatch(text):
            raise ValueError("letters, digits and . _ : - only, at most 128, starting with a letter or digit")
        return text

    @model_validator(mode="after")
    def _has_property(self) -> Self:
        if self.applies_to.property is None and not isinstance(self.condition, Absence):
            raise ValueError("applies_to names no property: name the property whose value is judged")
        return self

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels this rule can raise, the worst first."""
        condition = self.condition
        if isinstance(condition, Threshold):
            return tuple(sorted(Level.parse(name) for name in condition.limits))
        level = condition.absence.level if isinstance(condition, Absence) else condition.level
        return (Level.parse(level),)
