"""Maintenance windows: planned work, during which nothing is announced of what it covers."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Query, Request, Response

from api import parameters as p
from api.access import Admin, require
from api.cursors import encode, number_key
from api.models.lifecycle import Window, WindowRequest
from api.models.wire import Page
from api.problems import Problem, not_found
from api.service import Services
from domain.access import Role
from domain.times import to_datetime
from storage import maintenance
from storage.maintenance import Scope

log = structlog.get_logger(__name__)
router = APIRouter(prefix="/api/v1/maintenance-windows", tags=["maintenance"])
_viewers = [Depends(require(Role.VIEWER))]


@router.get("", summary="Maintenance windows · 检修计划", dependencies=_viewers)
def windows(
    *,
    request: Request,
    response: Response,
    service: Services,
    past: Annotated[bool, Query(description="Also those that are over or cancelled.")] = False,
    cursor: p.Cursor = None,
    limit: p.Limit = 100,
) -> Page[Window]:
    """Windows that are in force or still to come, the newest first."""
    before = number_key("maintenance-windows", cursor)
    with service.database() as connection:
        found = maintenance.windows(connection, now=service.clock(), past=past, before=before, limit=limit + 1)
    following = encode("maintenance-windows", found[limit - 1].id) if len(found) > limit else None
    p.link_to(request, response, following)
    return Page(items=[Window.model_validate(w) for w in found[:limit]], next=following)


@router.get("/{id}", summary="One maintenance window · 单个检修计划", dependencies=_viewers)
def window(service: Services, id: p.BigId) -> Window:  # noqa: A002 - the name in the path
    """A window, also when it is over or cancelled."""
    with service.database() as connection:
        found = maintenance.window(connection, id, now=service.clock())
    if found is None:
        raise not_found("maintenance window", id)
    return Window.model_validate(found)


@router.post("", status_code=201, summary="Plan maintenance · 新建检修计划")
def plan(service: Services, bearer: Admin, body: WindowRequest) -> Window:
    """While the window is in force, nothing of what it covers is announced. Needs admin.

    It ends by itself; what is still active then is announced.
    """
    scope = Scope(network=body.network, area=body.area, asset=body.asset, device=body.device, rule=body.rule)
    if scope == Scope():
        raise Problem(
            422, "no-scope", "The window covers nothing", "Give at least one of network, area, asset, device and rule."
        )
    if body.ends_at <= max(body.starts_at, to_datetime(service.clock())):
        raise Problem(422, "empty-range", "The window is empty", "`ends_at` must lie after `starts_at` and after now.")
    with service.database() as connection:
        planned = maintenance.plan(
            connection,
            scope,
            starts_at=body.starts_at,
            ends_at=body.ends_at,
            reason=body.reason,
            operator=body.operator,
            now=service.clock(),
        )
    log.info("maintenance_planned", window=planned.id, operator=body.operator, bearer=bearer.name)
    return Window.model_validate(planned)


@router.delete("/{id}", summary="Cancel maintenance · 取消检修计划")
def cancel(
    service: Services,
    bearer: Admin,
    id: p.BigId,  # noqa: A002 - the name in the path
    operator: Annotated[
        str, Query(description="Who does this: a person's name.", min_length=1, max_length=100, examples=["王伟"])
    ],
) -> Window:
    """Ends a window before its time; what is active is announced. It stays on record. Needs admin.

    409 when it is over or cancelled already.
    """
    if not operator.isprintable() or not operator.strip():
        raise Problem(422, "invalid-request", "The request cannot be used", "`operator` must be a name on one line.")
    with service.database() as connection:
        done = maintenance.cancel(connection, id, operator=operator.strip(), now=service.clock())
        found = maintenance.window(connection, id, now=service.clock())
    if found is None:
        raise not_found("maintenance window", id)
    if not done:
        raise Problem(409, "window-over", "The window is over already", "It has ended or was cancelled before.")
    log.info("maintenance_cancelled", window=id, operator=operator, bearer=bearer.name)
    return Window.model_validate(found)
