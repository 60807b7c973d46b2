"""Rules and how they fare, on the wire."""

from typing import Any, Literal

from pydantic import Field

from api.models.alerts import ClassName, KindName
from api.models.wire import Instant, Wire


class Words(Wire):
    """A sentence in both languages."""

    en: str
    zh: str


class Rationalization(Wire):
    """Why a rule exists, and what a person does about its alerts."""

    cause: Words
    consequence: Words
    operator_action: Words
    response_time_s: int = Field(description="Seconds within which the operator must have acted.", examples=[900])
    owner: Words


class Grounds(Wire):
    """Where a limit comes from. `unverified`: practice; no text was read."""

    evidence: Literal["verified", "secondary", "unverified"]
    standard: str | None = Field(examples=["GB/T 50493"])
    clause: str | None
    note: str | None


class RuleSummary(Wire):
    """One rule of the catalogue in force."""

    id: str = Field(examples=["gas-methane-in-chamber"])
    kind: KindName
    rule_class: ClassName
    network: str = Field(description="any: whatever network the subject is of.", examples=["gas"])
    enabled: bool
    title: Words | None
    loaded_at: Instant


class RuleHealth(Wire):
    """How a rule fares."""

    rule: str
    evaluated_at: Instant | None
    failures: int = Field(description="Times it ended in an error since it is in force.")
    failed_at: Instant | None
    last_error: str | None
    active: int = Field(description="Subjects on which it is active.")
    subjects: int = Field(description="Subjects that it watches.")


class RuleDetail(RuleSummary):
    """A rule with what stands in the catalogue."""

    rationalization: Rationalization | None
    definition: dict[str, Any] = Field(description="The rule as it is written in the catalogue.")
    health: RuleHealth | None


class CatalogueHealth(Wire):
    """Which catalogue is in force, whether a newer one is refused, and how each rule fares."""

    digest: str | None = Field(description="Null until the rules have run.")
    loaded_at: Instant | None
    refused_at: Instant | None = Field(description="Since when a newer catalogue is refused.")
    problems: list[str] = Field(description="What is wrong with it.")
    items: list[RuleHealth]
