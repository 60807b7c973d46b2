"""Backtests as jobs: ask for one, see how far it is, read its result, take it out."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Body, Depends, Request, Response

from api import parameters as p
from api.access import Operator, require
from api.cursors import encode, number_key
from api.models.backtests import BacktestDetail, BacktestRequest, BacktestSummary
from api.models.wire import Page, instant_text
from api.problems import Problem, not_found
from api.service import Services
from domain.access import Role
from storage import backtests as store

log = structlog.get_logger(__name__)
router = APIRouter(prefix="/api/v1/backtests", tags=["backtests"], dependencies=[Depends(require(Role.VIEWER))])


@router.post("", status_code=202, summary="Try rules on stored history · 提交规则回测")
def request(
    service: Services, bearer: Operator, response: Response, body: Annotated[BacktestRequest, Body()]
) -> BacktestDetail:
    """Queues a backtest, which runs beside the rules engine without delaying it. Needs operator."""
    parameters = {"from": instant_text(body.begin), "to": instant_text(body.end), "rules": body.rules}
    with service.database() as connection:
        number = store.request(connection, requested_by=bearer.name, parameters=parameters)
        found = None if number is None else store.backtest(connection, number)
    if found is None:
        raise Problem(
            409, "too-many-waiting", "Too many backtests wait", f"{store.QUEUE} wait already: take one out, or wait."
        )
    log.info("backtest_requested", id=found.id, by=bearer.name)
    response.headers["Location"] = f"/api/v1/backtests/{found.id}"
    return BacktestDetail.model_validate(found)


@router.get("", summary="Backtests, newest first · 回测列表")
def backtests(
    *, request: Request, response: Response, service: Services, cursor: p.Cursor = None, limit: p.Limit = 100
) -> Page[BacktestSummary]:
    """Every backtest without its result."""
    before = number_key("backtests", cursor)
    with service.database() as connection:
        found = store.backtests(connection, before=before, limit=limit + 1)
    following = encode("backtests", found[limit - 1].id) if len(found) > limit else None
    p.link_to(request, response, following)
    return Page(items=[BacktestSummary.model_validate(one) for one in found[:limit]], next=following)


@router.get("/{id}", summary="One backtest with its result · 回测结果")
def backtest(service: Services, id: p.BigId) -> BacktestDetail:  # noqa: A002 - the name in the path
    """How far it is and, when it is done, its result."""
    with service.database() as connection:
        found = store.backtest(connection, id)
    if found is None:
        raise not_found("backtest", id)
    return BacktestDetail.model_validate(found)


@router.delete("/{id}", status_code=204, summary="Take a backtest out · 取消或删除回测")
def remove(service: Services, bearer: Operator, id: p.BigId) -> None:  # noqa: A002 - the name in the path
    """Cancels it if it waits or runs, and removes its result if it is done. Needs operator."""
    with service.database() as connection:
        removed = store.remove(connection, id)
    if not removed:
        raise not_found("backtest", id)
    log.info("backtest_removed", id=id, by=bearer.name)
