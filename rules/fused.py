"""Conditions fused from several datastreams: of one asset, of its neighbours, of an area.

An expression is `all`, `any` or `not` of others, two in order (`first`, `then`), a stretch of the day (`hours`), or a
leaf: a condition on the datastreams of one property at a place, and how many of them must meet it.

    first: {property: pressure, below: 0.05, evidence: unverified}
    then: {property: turbidity, above: 1.0, where: {linked: [feeds], direction: to, hops: 5}, evidence: unverified}

Truth has three values. A datastream that is silent, doubtful or was never heard is unknown, never normal: `not` of it
is not true, and shares are reckoned over those that are known. A leaf that finds no datastream at its place is never
true; `at_least` is false there, so that `not` of it is true: nothing there says so. A subject is laid out only if one
of its levels could ever be true with the datastreams that it has.
"""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from rules.grounds import Grounds, LevelName, Model, Number
from rules.measure import Measure

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


class Where(Model):
    """Which assets a leaf looks at, seen from the subject of the rule: exactly one of the first three, then filters."""

    #: The subject itself, every asset of its area, or every asset. For an area, `asset` means its assets, too; links
    #: and distances are seen from assets alone. Whole devices (`absent` without a property) of an area or everywhere
    #: are those of the rule's network.
    place: Literal["asset", "area", "everywhere"] | None = None
    #: Assets that links of these relations lead to (or, `from`, that lead to the subject by them).
    linked: tuple[str, ...] | None = Field(default=None, min_length=1)
    #: Assets not farther than this from the subject, itself included.
    within_m: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    direction: Literal["to", "from", "either"] = "either"
    #: How many links may lead there.
    hops: int = Field(default=1, ge=1, le=20)
    asset_kinds: tuple[str, ...] | None = Field(default=None, min_length=1)
    tags: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = sum(way is not None for way in (self.place, self.linked, self.within_m))
        if given != 1:
            raise ValueError(f"name exactly one of place, linked, within_m, not {given}")
        return self


class Count(Model):
    """How many of the members must meet the condition; exactly one of them. Default: one."""

    at_least: int | None = Field(default=None, ge=1)
    #: Fewer than this many meet it; a number may stand in a tag of the subject (the duty pumps of a station).
    fewer_than: Number | None = None
    #: The share of the known members that meet it is above, or below this.
    share_above: float | None = Field(default=None, ge=0, lt=1)
    share_below: float | None = Field(default=None, gt=0, le=1)
    #: With a smaller share of known members the leaf is unknown.
    known: float = Field(default=0.5, ge=0, le=1)
    #: With fewer members than this the leaf is unknown: one lamp is no feeder.
    members: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [self.at_least, self.fewer_than, self.share_above, self.share_below]
        if sum(way is not None for way in given) != 1:
            raise ValueError("name exactly one of at_least, fewer_than, share_above, share_below")
        return self


class Absent(Model):
    """Nothing has come for `factor` times the promised interval, and `grace_s` more."""

    factor: float = Field(ge=1, allow_inf_nan=False)
    grace_s: int = Field(0, ge=0)


class Leaf(Grounds):
    """A condition on each datastream of a property at a place: exactly one of above, below, is, absent.

    Without a property, `absent` looks at whole devices.
    """

    property: str | None = None
    measure: Measure | None = None
    above: Number | None = None
    below: Number | None = None
    position: bool | None = Field(None, alias="is")
    absent: Absent | None = None
    hysteresis: float = Field(0.0, ge=0, allow_inf_nan=False)
    #: How long one member must be beyond its limit to count, in seconds.
    for_s: int = Field(0, ge=0)
    where: Where = Where(place="asset")
    count: Count = Count(at_least=1)

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [self.above, self.below, self.position, self.absent]
        if sum(way is not None for way in given) != 1:
            raise ValueError("name exactly one of above, below, is, absent")
        if self.property is None and self.absent is None:
            raise ValueError("names no property: name the property whose value is judged")
        return self


class All(Model):
    """Every part is true."""

    all: tuple["Expression", ...] = Field(min_length=1)


class Any_(Model):  # noqa: N801 - `Any` is taken
    """At least one part is true."""

    any: tuple["Expression", ...] = Field(min_length=1)


class Not(Model):
    """The part is known to be false."""

    not_: "Expression" = Field(alias="not")


class InOrder(Model):
    """One after the other: `then` begins while `first` is true, or within `within_s` after; never before it.

    True while `then` lasts, but for no longer than `within_s`; a warning is held longer by `off_delay_s`. What was
    true already when `first` began is not in order. A gap of the data in which `then` is unknown does not make it begin
    anew. The leaves inside count for no longer than they are true: the order has its own `within_s`.
    """

    first: "Expression"
    then: "Expression"


class Hours(Model):
    """A stretch of the day in the time of the place: `22:00-05:00`. With equal ends it is the whole day."""

    hours: str

    @field_validator("hours")
    @classmethod
    def _is_stretch(cls, text: str) -> str:
        if not _HOURS.fullmatch(text):
            raise ValueError('not a stretch of the day: write it like "22:00-05:00"')
        return text

    @property
    def minutes(self) -> tuple[int, int]:
        """Begin and end, in minutes after midnight; the end may come first."""
        begin, end = self.hours.split("-")
        return int(begin[:2]) * 60 + int(begin[3:]), int(end[:2]) * 60 + int(end[3:])


def _kind(value: Any) -> str:  # noqa: ANN401 - whatever stands in the document
    if isinstance(value, All | Any_ | Not | InOrder | Hours | Leaf):
        return {All: "all", Any_: "any", Not: "not", InOrder: "first", Hours: "hours"}.get(type(value), "leaf")
    keys = set(value) if isinstance(value, dict) else set()
    if "then" in keys:
        return "first"
    return next((name for name in ("all", "any", "not", "first", "hours") if name in keys), "leaf")


Expression = Annotated[
    Annotated[All, Tag("all")]
    | Annotated[Any_, Tag("any")]
    | Annotated[Not, Tag("not")]
    | Annotated[InOrder, Tag("first")]
    | Annotated[Hours, Tag("hours")]
    | Annotated[Leaf, Tag("leaf")],
    Discriminator(_kind),
]


class FusedLevel(Grounds):
    """When one level holds, and what that rests on."""

    when: Expression


class Fused(Model):
    """Levels, each with an expression; the worst that is true counts."""

    fused: dict[LevelName, FusedLevel] = Field(min_length=1)
    #: A leaf that was true counts for so long after, so that the parts need not coincide. Never what stands in `not`.
    #: Of two in order, the time from the first to the second.
    within_s: int = Field(0, ge=0)
    on_delay_s: int = Field(0, ge=0)
    off_delay_s: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _order_has_time(self) -> Self:
        if not self.within_s and any(_ordered(level.when) for level in self.fused.values()):
            raise ValueError("`first` and `then` need a time: add within_s")
        return self


for _model in (All, Any_, Not, InOrder, FusedLevel, Fused):
    _model.model_rebuild()


def parts(expression: "Expression") -> tuple["Expression", ...]:
    """What an expression is made of; nothing for a leaf and for hours."""
    if isinstance(expression, All):
        return expression.all
    if isinstance(expression, Any_):
        return expression.any
    if isinstance(expression, Not):
        return (expression.not_,)
    return (expression.first, expression.then) if isinstance(expression, InOrder) else ()


def _ordered(expression: "Expression") -> bool:
    return isinstance(expression, InOrder) or any(_ordered(part) for part in parts(expression))


def leaves(expression: "Expression") -> tuple[Leaf, ...]:
    """Every leaf of an expression, in the order in which they are written."""
    if isinstance(expression, Leaf):
        return (expression,)
    return tuple(leaf for part in parts(expression) for leaf in leaves(part))
