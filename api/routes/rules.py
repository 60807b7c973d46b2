"""The rules in force, and how they fare."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api import explanation
from api import parameters as p
from api.access import require
from api.models.alerts import ClassName, KindName
from api.models.rules import CatalogueHealth, RuleDetail, RuleHealth, RuleSummary
from api.models.wire import Page
from api.problems import not_found
from api.service import Services
from domain.access import Role
from domain.times import to_datetime
from storage import rule_reading
from storage.catalogue_in_force import read_state
from storage.rule_reading import RuleEntry

router = APIRouter(prefix="/api/v1/rules", tags=["rules"], dependencies=[Depends(require(Role.VIEWER))])


def _summary(entry: RuleEntry) -> RuleSummary:
    known = asdict(entry) | {"title": explanation.title(entry.definition)}
    return RuleSummary.model_validate(known)


@router.get("", summary="Rules in force · 现行规则")
def rules(
    service: Services,
    network: p.NetworkFilter = None,
    kind: Annotated[KindName | None, Query(description="Of this kind.")] = None,
    class_: Annotated[ClassName | None, Query(alias="class", description="Of this class.")] = None,
) -> Page[RuleSummary]:
    """The catalogue that the rules work with, all on one page; empty until they have run for the first time."""
    with service.database() as connection:
        found = rule_reading.rules(connection, network=network, kind=kind, class_=class_)
    return Page(items=[_summary(entry) for entry in found], next=None)


@router.get("/health", summary="How the rules fare · 规则运行状态")
def health(service: Services) -> CatalogueHealth:
    """Which catalogue is in force, whether a newer one is refused and why, and how each rule fares."""
    with service.database() as connection:
        state = read_state(connection)
        found = rule_reading.health(connection)
    return CatalogueHealth(
        digest=state.digest,
        loaded_at=to_datetime(state.loaded_at) if state.loaded_at is not None else None,
        refused_at=to_datetime(state.refused_at) if state.refused_at is not None else None,
        problems=list(state.problems),
        items=[RuleHealth.model_validate(entry) for entry in found],
    )


@router.get("/{id}", summary="One rule · 单条规则")
def rule(service: Services, id: p.TextId) -> RuleDetail:  # noqa: A002 - the name in the path
    """A rule as it stands in the catalogue: its limits with their grounds, why it exists, what a person does."""
    with service.database() as connection:
        found = rule_reading.rules(connection, rule=id)
        fares = rule_reading.health(connection, id)
    if not found:
        raise not_found("rule", id)
    return RuleDetail(
        **_summary(found[0]).model_dump(),
        rationalization=explanation.rationalization(found[0].definition),
        definition=found[0].definition,
        health=RuleHealth.model_validate(fares[0]) if fares else None,
    )
