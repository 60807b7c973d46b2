"""What could not be stored, and how ingest is."""

import base64
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from api import parameters as p
from api.access import require
from api.cursors import encode, number_key
from api.models.operations import DeadLetter, DeadLetterDetail, FollowerLag, Ingest, Partition, Reason, Reasons
from api.models.wire import Page
from api.problems import not_found
from api.service import Services
from domain.access import Role
from domain.observation import REJECT_HELP, RejectReason
from domain.times import to_datetime
from storage import dead_letter_reading, status

router = APIRouter(prefix="/api/v1", tags=["operations"])
_operators = [Depends(require(Role.OPERATOR))]


@router.get("/dead-letters", summary="Dead letters, newest first · 拒收数据", dependencies=_operators)
def dead_letters(
    *,
    request: Request,
    response: Response,
    service: Services,
    reason: Annotated[RejectReason | None, Query(description="Only for this reason.")] = None,
    device: p.DeviceFilter = None,
    exercises: p.ExerciseFilter = "exclude",
    begin: p.From = None,
    end: p.To = None,
    cursor: p.Cursor = None,
    limit: p.Limit = 100,
) -> Page[DeadLetter]:
    """Entries that were not stored, and why. Needs operator."""
    before = number_key("dead-letters", cursor)
    with service.heavy_database() as connection:
        found = dead_letter_reading.dead_letters(
            connection,
            reason=reason,
            device=device,
            exercises=exercises,
            since=begin,
            until=end,
            before=before,
            limit=limit + 1,
        )
    following = encode("dead-letters", found[limit - 1].id) if len(found) > limit else None
    p.link_to(request, response, following)
    return Page(items=[DeadLetter.model_validate(d) for d in found[:limit]], next=following)


@router.get("/dead-letters/reasons", summary="Dead letters by reason · 拒收原因统计", dependencies=_operators)
def reasons(
    *,
    service: Services,
    device: p.DeviceFilter = None,
    exercises: p.ExerciseFilter = "exclude",
    begin: p.From = None,
    end: p.To = None,
) -> Reasons:
    """How many entries were not stored for each reason; the last day when no period is given. Needs operator."""
    since, until = p.period(begin, end, to_datetime(service.clock()), timedelta(days=1))
    with service.heavy_database() as connection:
        found = dead_letter_reading.reasons(connection, since=since, until=until, device=device, exercises=exercises)
    helps = {reason.value: text for reason, text in REJECT_HELP.items()}
    return Reasons(
        items=[Reason(reason=r.reason, help=helps.get(r.reason), count=r.count, last_at=r.last_at) for r in found]
    )


@router.get("/dead-letters/{id}", summary="One dead letter · 单条拒收数据", dependencies=_operators)
def dead_letter(service: Services, id: p.BigId) -> DeadLetterDetail:  # noqa: A002 - the name in the path
    """An entry that was not stored, with the raw bytes of its message. Needs operator."""
    with service.database() as connection:
        found = dead_letter_reading.dead_letter(connection, id)
    if found is None:
        raise not_found("dead letter", id)
    summary = DeadLetter.model_validate(found).model_dump()
    return DeadLetterDetail(**summary, payload_base64=base64.b64encode(found.payload).decode())


@router.get("/ingest", summary="How ingest is · 接入状态", dependencies=[Depends(require(Role.VIEWER))])
def ingest(service: Services) -> Ingest:
    """Counters of every partition, whether they balance, and how far rules and others follow."""
    with service.database() as connection:
        partitions = status.partitions(connection)
        followers = status.followers(connection)
    return Ingest(
        partitions=[Partition.model_validate(i) for i in partitions],
        followers=[FollowerLag.model_validate(f) for f in followers],
    )
