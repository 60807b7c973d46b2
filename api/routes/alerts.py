"""Alerts: read them, acknowledge them, comment on them."""

from datetime import datetime
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Query, Request, Response

from api import cap
from api import parameters as p
from api.access import Operator, require
from api.cursors import decode, encode
from api.models.alerts import (
    AcknowledgeRequest,
    AlarmStateName,
    AlertDetail,
    AlertSummary,
    ClassName,
    CommentRequest,
    Event,
    KindName,
    LevelName,
    Notification,
    StateName,
)
from api.models.wire import Page
from api.problems import Problem, not_found
from api.service import Service, Services
from domain.access import Role
from domain.times import from_datetime, to_datetime
from storage import alert_reading
from storage.alert_reading import AlertFilter
from storage.inventory import Place
from storage.lifecycle import acknowledge as acknowledge_alert
from storage.lifecycle import comment_on

log = structlog.get_logger(__name__)
#: Who sends, in messages of CAP.
CAP_SENDER = "city-lifeline"
router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"], dependencies=[Depends(require(Role.VIEWER))])


def _wanted(
    *,
    place: Annotated[Place, Depends(p.place)],
    state: Annotated[StateName | None, Query(description="Whether the condition holds.")] = None,
    alarm_state: Annotated[AlarmStateName | None, Query(description="In this state of ISA-18.2.")] = None,
    class_: Annotated[
        list[ClassName] | None,
        Query(alias="class", description="Of these classes; alarms and warnings by default.", max_length=3),
    ] = None,
    held_back: Annotated[
        bool | None, Query(description="Open and not announced now: shelved, suppressed, inhibited or out of service.")
    ] = None,
    withdrawn: Annotated[bool | None, Query(description="Taken back by late readings.")] = None,
    cause: Annotated[int | None, Query(description="Explained by this alert.", ge=1, le=p.LAST_BIGINT)] = None,
    open_: Annotated[
        bool | None, Query(alias="open", description="Active, latched, or announced and not acknowledged.")
    ] = None,
    acknowledged: Annotated[bool | None, Query(description="Whether an operator has taken it.")] = None,
    level: Annotated[
        list[LevelName] | None, Query(description="Of these levels; repeat for several.", max_length=4)
    ] = None,
    kind: Annotated[KindName | None, Query(description="Of this kind.")] = None,
    rule: Annotated[str | None, Query(description="Of this rule.", pattern=p.IDENTIFIER)] = None,
    begin: p.From = None,
    end: p.To = None,
) -> AlertFilter:
    return AlertFilter(
        place=place,
        state=state,
        alarm_state=alarm_state,
        classes=tuple(class_ or ("alarm", "warning")),
        held_back=held_back,
        withdrawn=withdrawn,
        cause=cause,
        open=open_,
        acknowledged=acknowledged,
        levels=tuple(level or ()),
        kind=kind,
        rule=rule,
        since=begin,
        until=end,
    )


def _before(cursor: str | None) -> tuple[datetime, int] | None:
    if cursor is None:
        return None
    micros, number = decode("alerts", cursor, "number", "number")
    try:
        return to_datetime(int(micros)), int(number)
    except OverflowError:
        raise Problem(422, "bad-cursor", "The cursor cannot be used", "Begin again without a cursor.") from None


@router.get("", summary="Alerts, newest first · 警情列表")
def alerts(
    *,
    request: Request,
    response: Response,
    service: Services,
    wanted: Annotated[AlertFilter, Depends(_wanted)],
    cursor: p.Cursor = None,
    limit: p.Limit = 100,
) -> Page[AlertSummary]:
    """Alerts by the time they were raised, newest first; `from` and `to` speak of that time."""
    before = _before(cursor)
    with service.database() as connection:
        found = alert_reading.alerts(connection, wanted, before=before, limit=limit + 1)
    following = None
    if len(found) > limit:
        last = found[limit - 1]
        following = encode("alerts", from_datetime(last.raised_at), last.id)
    p.link_to(request, response, following)
    return Page(items=[AlertSummary.model_validate(a) for a in found[:limit]], next=following)


def detail(service: Service, id_: int) -> AlertDetail:
    """An alert as it is now; raises Problem 404."""
    with service.database() as connection:
        found = alert_reading.alert(connection, id_)
        if found is None:
            raise not_found("alert", id_)
        events = alert_reading.history(connection, id_)
        told = alert_reading.notifications(connection, id_)
    return AlertDetail(
        **AlertSummary.model_validate(found).model_dump(),
        events=[Event.model_validate(e) for e in events],
        notifications=[Notification.model_validate(n) for n in told],
    )


@router.get("/{id}", summary="One alert · 单条警情")
def alert(service: Services, id: p.BigId) -> AlertDetail:  # noqa: A002 - the name in the path
    """An alert with its history and the state of its notifications."""
    return detail(service, id)


@router.post("/{id}/acknowledge", summary="Acknowledge an alert · 确认警情")
def acknowledge(service: Services, bearer: Operator, id: p.BigId, body: AcknowledgeRequest) -> AlertDetail:  # noqa: A002
    """An operator takes an alert. Needs operator.

    Repeated by the same operator it changes nothing and answers the same; by another operator it is refused with 409,
    naming who was first.
    """
    with service.database() as connection:
        done = acknowledge_alert(connection, id, operator=body.operator, comment=body.comment)
    if done is None:
        raise not_found("alert", id)
    if done.by != body.operator:
        raise Problem(
            409,
            "already-acknowledged",
            "Somebody else has acknowledged this alert",
            f"{done.by} was first.",
            acknowledged_by=done.by,
        )
    if done.fresh:
        log.info("alert_acknowledged", alert=id, operator=body.operator, bearer=bearer.name)
    return detail(service, id)


@router.post("/{id}/comments", status_code=201, summary="Comment on an alert · 添加备注")
def comment(service: Services, bearer: Operator, id: p.BigId, body: CommentRequest) -> Event:  # noqa: A002
    """An operator adds to the history of an alert. Needs operator."""
    with service.database() as connection:
        event = comment_on(connection, id, operator=body.operator, comment=body.comment)
    if event is None:
        raise not_found("alert", id)
    log.info("alert_commented", alert=id, operator=body.operator, bearer=bearer.name)
    return Event.model_validate(event)


@router.get(
    "/{id}/cap",
    summary="An alert as CAP · CAP 格式警情",
    response_class=Response,
    responses={200: {"content": {cap.MEDIA_TYPE: {"schema": {"type": "string"}}}, "description": "CAP 1.2."}},
)
def common_alerting_protocol(service: Services, id: p.BigId) -> Response:  # noqa: A002
    """The newest message about an alert in the Common Alerting Protocol 1.2, in Chinese and English.

    Of an exercise its status is Exercise, with a note that says which; of what is real it is Actual.
    """
    with service.database() as connection:
        found = alert_reading.alert(connection, id)
        if found is None:
            raise not_found("alert", id)
        events = alert_reading.history(connection, id)
    return Response(cap.document(found, events, sender=CAP_SENDER), media_type=cap.MEDIA_TYPE)
