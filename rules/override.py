"""What a site changes of a rule without copying it: other limits, delays, or none of it, for some assets."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, Tag, model_validator

from rules.condition import Absence, Threshold
from rules.grounds import LevelName, Limit, Model, Span
from rules.rule import Rule


class OverrideScope(Model):
    """Which assets; every part that is given must fit, and at least one is given."""

    assets: tuple[str, ...] | None = Field(None, min_length=1)
    asset_kinds: tuple[str, ...] | None = Field(default=None, min_length=1)
    #: Codes of areas; a code stands for everything below it too (`5301` for `530102`).
    areas: tuple[str, ...] | None = Field(None, min_length=1)
    tags: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not (self.assets or self.asset_kinds or self.areas or self.tags):
            raise ValueError("names no assets: name assets, asset_kinds, areas or tags, or change the rule itself")
        return self

    def fits(self, asset: str, kind: str, area: str, tags: Mapping[str, str]) -> bool:
        """Whether an asset is meant."""
        return (
            (self.assets is None or asset in self.assets)
            and (self.asset_kinds is None or kind in self.asset_kinds)
            and (self.areas is None or area.startswith(self.areas))
            and all(tags.get(key) == value for key, value in self.tags.items())
        )

    def meets(self, other: "OverrideScope") -> bool:
        """Whether one asset could be meant by both."""
        return (
            (self.assets is None or other.assets is None or not set(self.assets).isdisjoint(other.assets))
            and (
                self.asset_kinds is None
                or other.asset_kinds is None
                or not set(self.asset_kinds).isdisjoint(other.asset_kinds)
            )
            and (
                self.areas is None
                or other.areas is None
                or any(a.startswith(b) or b.startswith(a) for a in self.areas for b in other.areas)
            )
            and all(other.tags.get(key, value) == value for key, value in self.tags.items())
        )


def _limit_kind(value: Any) -> str:  # noqa: ANN401 - whatever stands in the document
    return "span" if isinstance(value, Span) or (isinstance(value, dict) and "limit" not in value) else "one"


class Override(Model):
    """One change. Of several that fit an asset the later one in the file wins, field by field."""

    rule: str
    where: OverrideScope
    #: Why, and who decided it.
    reason: str = Field(min_length=1)
    enabled: bool | None = None
    #: New limits of some levels; levels that are not named keep theirs.
    limits: (
        dict[
            LevelName,
            Annotated[Annotated[Limit, Tag("one")] | Annotated[Span, Tag("span")], Discriminator(_limit_kind)],
        ]
        | None
    ) = Field(None, min_length=1)
    hysteresis: float | None = Field(None, ge=0, allow_inf_nan=False)
    on_delay_s: int | None = Field(None, ge=0)
    off_delay_s: int | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if all(
            part is None for part in (self.enabled, self.limits, self.hysteresis, self.on_delay_s, self.off_delay_s)
        ):
            raise ValueError("changes nothing: name enabled, limits, hysteresis, on_delay_s or off_delay_s")
        return self


def misfit(rule: Rule, own: Override) -> tuple[str, str] | None:
    """Which field of an override its rule has no place for, and what to do; None if all fit."""
    condition = rule.condition
    if isinstance(condition, Absence):
        if own.on_delay_s is not None or own.off_delay_s is not None or own.hysteresis is not None or own.limits:
            return "rule", f"{rule.id} is about absence: only `enabled` can be changed"
        return None
    if isinstance(condition, Threshold):
        wanted = Span if condition.outside else Limit
        for name, limit in (own.limits or {}).items():
            if not isinstance(limit, wanted):
                form = "low and high" if wanted is Span else "limit"
                return f"limits.{name}", f"{rule.id} judges `{condition.direction}`: give {form}"
        return None
    for field in ("limits", "hysteresis"):
        if getattr(own, field) is not None:
            return field, f"{rule.id} has no limits to change: only enabled, on_delay_s and off_delay_s"
    return None


def merged(rule: Rule, overrides: Iterable[Override]) -> Rule:
    """The rule with the changes, in their order; pydantic's ValidationError if the levels are out of order then."""
    data: dict[str, Any] = rule.condition.model_dump(by_alias=True)
    enabled = rule.enabled
    for own in overrides:
        enabled = enabled if own.enabled is None else own.enabled
        for field in ("hysteresis", "on_delay_s", "off_delay_s"):
            if getattr(own, field) is not None:
                data[field] = getattr(own, field)
        if own.limits and isinstance(rule.condition, Threshold):
            side = rule.condition.direction
            data[side] = data[side] | {name: limit.model_dump() for name, limit in own.limits.items()}
    condition = type(rule.condition).model_validate(data)
    return rule.model_copy(update={"condition": condition, "enabled": enabled})


def applied(
    rule: Rule, overrides: Iterable[Override], asset: str, kind: str, area: str, tags: Mapping[str, str]
) -> Rule | None:
    """A rule as it holds on one asset; None where it is switched off."""
    own = [o for o in overrides if o.rule == rule.id and o.where.fits(asset, kind, area, tags)]
    found = merged(rule, own) if own else rule
    return found if found.enabled else None
