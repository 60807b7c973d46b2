"""What a site changes of a rule without copying it: other limits, delays, or none of it, for some assets."""

from pydantic import Field

from rules.grounds import LevelName, Limit, Model, Span


class OverrideScope(Model):
    """Which assets; every part that is given must fit, and at least one is given."""

    assets: tuple[str, ...] | None = Field(None, min_length=1)
    asset_kinds: tuple[str, ...] | None = Field(None, min_length=1)
    areas: tuple[str, ...] | None = Field(None, min_length=1)
    tags: dict[str, str] = Field(default_factory=dict)


class Override(Model):
    """One change. Of several that fit an asset the later one in the file wins, field by field."""

    rule: str
    where: OverrideScope
    #: Why, and who decided it.
    reason: str = Field(min_length=1)
    enabled: bool | None = None
    #: New limits of some levels; levels that are not named keep theirs.
    limits: dict[LevelName, Limit | Span] | None = Field(None, min_length=1)
    hysteresis: float | None = Field(None, ge=0, allow_inf_nan=False)
    on_delay_s: int | None = Field(None, ge=0)
    off_delay_s: int | None = Field(None, ge=0)
