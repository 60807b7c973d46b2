"""Backtests on the wire."""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.models.wire import Instant, Wire
from api.parameters import Instant as GivenInstant

#: The longest period of one backtest.
LONGEST_DAYS = 92


class BacktestRequest(BaseModel):
    """Rules to try on stored history, and the period."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "from": "2026-05-01T00:00:00+08:00",
                "to": "2026-05-02T00:00:00+08:00",
                "rules": "rules:\n  - id: gas-methane-in-chamber\n    kind: safety\n    …",
            }
        },
    )

    begin: GivenInstant = Field(alias="from", description="Begin, inclusive (RFC 3339 with zone).")
    end: GivenInstant = Field(alias="to", description="End, exclusive (RFC 3339 with zone).")
    rules: str | None = Field(
        None,
        min_length=1,
        max_length=60_000,
        description="YAML as in a rule file. These rules are laid over the catalogue in force: one of the same id "
        "replaces it there. The result tells the difference. Without it the catalogue in force runs alone.",
    )

    @model_validator(mode="after")
    def _period(self) -> Self:
        if not self.begin < self.end:
            raise ValueError("`from` must lie before `to`")
        if (self.end - self.begin).days > LONGEST_DAYS:
            raise ValueError(f"the period is longer than {LONGEST_DAYS} days: make it shorter")
        return self


class BacktestSummary(Wire):
    """One backtest as it stands."""

    id: int = Field(examples=[3])
    state: Literal["queued", "running", "done", "failed"]
    progress: float = Field(description="From 0 to 1.", examples=[0.4])
    requested_by: str = Field(examples=["ops"])
    requested_at: Instant
    started_at: Instant | None
    finished_at: Instant | None
    parameters: dict[str, Any] = Field(description="As they were asked for.")
    error: str | None = Field(description="Why it failed: every problem of the rules, with its line.")


class BacktestDetail(BacktestSummary):
    """The same with its result."""

    result: dict[str, Any] | None = Field(
        description="Alerts, figures and difference, as `lifeline rules backtest --json` prints them; of long lists "
        "the first, with their whole number beside them as `…_count`. Null until it is done."
    )
