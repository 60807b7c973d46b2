"""A rule as data: what it applies to, its condition, its texts, and why it exists (rationalization, evidence).

The models check one rule by itself. What needs the catalogue of properties, or the other rules, is checked in `load`.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from domain.alert import AlertKind, Level
from domain.topics import IDENTIFIER
from rules.condition import Absence, Position, Threshold
from rules.fused import Fused
from rules.grounds import Grounds, Model, Template, Words

#: A rule's network when it watches every network; its alerts carry the network of their subject.
ANY_NETWORK = "any"


class Rationalization(Model):
    """Why the rule exists and what a person does about it (ISA-18.2 asks for it before an alarm is allowed)."""

    cause: Words
    consequence: Words
    operator_action: Words
    #: Seconds within which the operator must have acted to prevent the consequence.
    response_time_s: int = Field(gt=0)
    owner: Words


def _condition_kind(value: Any) -> str:  # noqa: ANN401 - whatever stands in the document
    if isinstance(value, Threshold | Position | Absence | Fused):
        return type(value).__name__.lower()
    keys = set(value) if isinstance(value, dict) else set()
    names = {"absence": "absence", "fused": "fused", "is": "position"}
    return next((kind for key, kind in names.items() if key in keys), "threshold")


Condition = Annotated[
    Annotated[Threshold, Tag("threshold")]
    | Annotated[Position, Tag("position")]
    | Annotated[Absence, Tag("absence")]
    | Annotated[Fused, Tag("fused")],
    Discriminator(_condition_kind),
]


class Scope(Model):
    """What a rule applies to; every part that is given must fit."""

    property: str | None = None
    asset_kinds: tuple[str, ...] | None = Field(default=None, min_length=1)
    #: Tags that the asset must carry with these values.
    tags: dict[str, str] = Field(default_factory=dict)
    #: What a fused rule speaks of: each asset, or each area.
    each: Literal["asset", "area"] = "asset"


class Cause(Model):
    """A rule that explains this one: while it is active there, this one is not announced, and points to its alert."""

    rule: str
    #: Where the other rule must be active, seen from the asset of this one.
    on: Literal["datastream", "device", "asset", "powered_by", "upstream", "area", "anywhere"]


class Rule(Model):
    """One rule of the catalogue."""

    id: str
    kind: AlertKind
    #: An alarm rests on one datastream or device; a warning is fused from several, and is what people outside are told
    #: of; a condition is never announced: other rules point to it.
    class_: Literal["alarm", "warning", "condition"] = Field("alarm", alias="class")
    network: str
    enabled: bool = True
    applies_to: Scope
    condition: Condition
    #: Stays open after its return until a person resets it.
    latching: bool = False
    #: Common causes: while one of them is active this rule's alerts are inhibited and linked to it.
    inhibited_by: tuple[Cause, ...] = ()
    #: Suppressed by design: while one of them is active this rule means nothing (a lamp is dark by day).
    suppressed_while: tuple[Cause, ...] = ()
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
        whole = isinstance(self.condition, Absence | Fused)
        if self.applies_to.property is None and not whole:
            raise ValueError("applies_to names no property: name the property whose value is judged")
        if self.applies_to.property is not None and isinstance(self.condition, Fused):
            raise ValueError("applies_to names a property, but a fused rule speaks of assets: name it in the leaves")
        if self.applies_to.each == "area" and not isinstance(self.condition, Fused):
            raise ValueError("only a fused rule can speak of areas: remove `each`")
        return self

    @model_validator(mode="after")
    def _class_fits(self) -> Self:
        fused = isinstance(self.condition, Fused)
        if self.class_ == "alarm" and fused:
            raise ValueError("fused from several datastreams: write `class: warning` (or `condition`)")
        if self.class_ == "warning" and not fused:
            raise ValueError("a warning is fused from several datastreams: write `class: alarm`")
        return self

    @property
    def grounds(self) -> tuple[tuple[Level, Grounds], ...]:
        """What each level rests on, the worst first. Leaves of a fused rule have grounds of their own."""
        condition = self.condition
        if isinstance(condition, Threshold):
            return tuple(reversed(condition.ranked))
        if isinstance(condition, Fused):
            return tuple(sorted((Level.parse(k), v) for k, v in condition.fused.items()))
        one = condition.absence if isinstance(condition, Absence) else condition
        return ((Level.parse(one.level), one.grounds),)

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels this rule can raise, the worst first."""
        return tuple(level for level, _ in self.grounds)
