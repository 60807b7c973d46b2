"""How well the alarms serve people, and how fast trouble is found, taken and over."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api import parameters as p
from api.access import require
from api.models.kpis import (
    AlarmKpis,
    AssetLoad,
    Band,
    Chattering,
    District,
    Flood,
    Incident,
    Kpi,
    KpiLimit,
    KpiLimits,
    Load,
    PositionLoad,
    Resilience,
    Stale,
)
from api.problems import Problem
from api.service import Services
from domain.access import Role
from domain.kpi_judgement import alarm_figures, availability, incident_figures, rate
from domain.times import to_datetime
from storage import kpis
from storage.kpis import Scope

router = APIRouter(prefix="/api/v1/kpis", tags=["kpis"], dependencies=[Depends(require(Role.VIEWER))])
#: The window of ISA-18.2.
_DEFAULT = timedelta(days=30)
_LONGEST = timedelta(days=366)
_ROWS = 100


def _scope(
    service: Services,
    begin: p.From = None,
    end: p.To = None,
    network: p.NetworkFilter = None,
    area: p.AreaFilter = None,
) -> Scope:
    since, until = p.period(begin, end, to_datetime(service.clock()), _DEFAULT)
    if until - since > _LONGEST:
        raise Problem(422, "long-range", "The range is too long", "Ask for at most 366 days.")
    return Scope(since=since, until=until, network=network, area=area)


ScopeOf = Annotated[Scope, Depends(_scope)]


@router.get("/alarms", summary="Alarm health · 报警健康度")
def alarms(
    service: Services,
    scope: ScopeOf,
    position: Annotated[
        str | None,
        Query(
            description="Only rules that this operator position answers for, by its name in either language.",
            pattern=r"^[^\u0000-\u001f]{1,200}$",
        ),
    ] = None,
) -> AlarmKpis:
    """The KPIs of ISA-18.2 over a period, 30 days when none is given, each with its target and a verdict."""
    wanted = Scope(since=scope.since, until=scope.until, network=scope.network, area=scope.area, position=position)
    with service.heavy_database() as connection:
        limits = kpis.values(kpis.limits(connection))
        found = kpis.alarm_figures(connection, wanted)
        bands = kpis.distribution(connection, wanted)
        positions = kpis.load(connection, wanted, "position")
        networks = kpis.load(connection, wanted, "network")
        areas = kpis.load(connection, wanted, "area")
        rules = kpis.load(connection, wanted, "rule", limit=20)
        top = kpis.load(connection, wanted, "alarm", limit=10)
        floods = kpis.floods(connection, wanted, limit=_ROWS)
        chattering = kpis.chattering(connection, wanted, limit=_ROWS)
        stale = kpis.stale(connection, wanted, limit=_ROWS)
    days = (wanted.until - wanted.since) / timedelta(days=1)
    return AlarmKpis(
        since=wanted.since,
        until=wanted.until,
        kpis=[Kpi.of(figure) for figure in alarm_figures(found, limits, days=days)],
        distribution=[Band.model_validate(b) for b in bands],
        positions=[
            PositionLoad(**Load.model_validate(one).model_dump(), verdict=rate(one.per_hour, limits).verdict.value)
            for one in positions
        ],
        networks=Load.all_of(networks),
        areas=Load.all_of(areas),
        rules=Load.all_of(rules),
        top=Load.all_of(top),
        floods=[Flood.model_validate(f) for f in floods],
        chattering=[Chattering.model_validate(c) for c in chattering],
        stale=[Stale.model_validate(s) for s in stale],
    )


@router.get("/resilience", summary="Resilience · 韧性指标")
def resilience(service: Services, scope: ScopeOf) -> Resilience:
    """Time to detect, acknowledge and restore of incidents, and availability by district; 30 days by default."""
    with service.heavy_database() as connection:
        limits = kpis.values(kpis.limits(connection))
        found = kpis.incident_figures(connection, scope)
        districts = kpis.availability(connection, scope)
        incidents = kpis.incidents(connection, scope, limit=_ROWS)
        assets = kpis.assets(connection, scope)
    return Resilience(
        since=scope.since,
        until=scope.until,
        kpis=[Kpi.of(figure) for figure in incident_figures(found, limits)],
        availability=[
            District(
                district=d.district,
                devices=d.devices,
                hours=d.hours,
                share=d.share,
                verdict=availability(d.share, limits).verdict.value,
            )
            for d in districts
        ],
        incidents=[Incident.model_validate(i) for i in incidents],
        assets=[AssetLoad.model_validate(a) for a in assets],
    )


@router.get("/limits", summary="Limits of the KPIs · 指标限值")
def limits(service: Services) -> KpiLimits:
    """What the KPIs count and what is asked of them, with the source of each."""
    with service.database() as connection:
        return KpiLimits(items=[KpiLimit.model_validate(limit) for limit in kpis.limits(connection)])
