"""The stream: events of alerts, and observations of chosen datastreams, as they happen."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from api import parameters as p
from api.access import Viewer
from api.events import HEARTBEAT, RETRY, EventStream
from api.follower import Subscription, encode_event
from api.problems import Problem
from api.service import Service, Services
from domain.errors import UnavailableError
from storage.alert_reading import StreamedEvent, events_after

router = APIRouter(prefix="/api/v1", tags=["stream"])

DATASTREAMS_LIMIT = 100
HEARTBEAT_S = 15.0
_RESUME_PAGE = 500


def _numbers(text: str | None) -> frozenset[int]:
    numbers = frozenset(int(part) for part in text.split(",")) if text else frozenset()
    if any(not 1 <= number <= p.LAST_INTEGER for number in numbers):
        raise Problem(422, "bad-datastream", "A number is not that of a datastream", "Numbers begin at 1.")
    return numbers


@router.get(
    "/stream",
    summary="Live stream · 实时推送",
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "Events."}},
)
async def stream(
    *,
    request: Request,
    service: Services,
    bearer: Viewer,  # noqa: ARG001 - the dependency is the check
    alerts: Annotated[bool, Query(description="Events of alerts.")] = True,
    datastreams: Annotated[
        str | None,
        Query(
            description=f"Numbers of datastreams with commas between, at most {DATASTREAMS_LIMIT}.",
            pattern=rf"^[0-9]{{1,10}}(,[0-9]{{1,10}}){{0,{DATASTREAMS_LIMIT - 1}}}$",
            examples=["1,2,3"],
        ),
    ] = None,
    exercises: p.ExerciseFilter = "exclude",
    last_event_id: Annotated[
        str | None,
        Header(description="Number of the last event of an alert that was received.", pattern=r"^[0-9]{0,18}$"),
    ] = None,
) -> Response:
    """Server-sent events, for as long as the reader stays.

    `alert`: something happened to an alert, of an exercise only if `exercise` asks for it; its `id` is the event's
    number, and a reader that comes back with `Last-Event-ID` gets everything since, in order. `observations`: a list of
    what was stored for the chosen datastreams; these are not repeated. `skipped`: the service fell behind and left out
    that many batches of observations. A comment every 15 seconds keeps the connection alive. A reader that is too slow
    is cut off and may come back.
    """
    subscription = Subscription(
        alerts=alerts,
        datastreams=_numbers(datastreams),
        loop=asyncio.get_running_loop(),
        exercises=exercises,
    )
    if not alerts and not subscription.datastreams:
        raise Problem(422, "empty-stream", "Nothing was asked for", "Ask for alerts=true or for datastreams.")
    await run_in_threadpool(_subscribe, service, subscription)
    resume = int(last_event_id) if last_event_id and alerts else None
    return EventStream(_events(request, service, subscription, resume))


def _subscribe(service: Service, subscription: Subscription) -> None:
    with service.database() as connection:
        service.follower.subscribe(subscription, connection)


def _missed(service: Service, after: int, through: int) -> list[StreamedEvent]:
    with service.database() as connection:
        return events_after(connection, after, through=through, limit=_RESUME_PAGE)


async def _events(
    request: Request, service: Service, subscription: Subscription, resume: int | None
) -> AsyncIterator[bytes]:
    try:
        yield RETRY
        after = subscription.begins_after if resume is None else resume
        while after < subscription.begins_after:
            page = await run_in_threadpool(_missed, service, after, subscription.begins_after)
            for event in page:
                if subscription.wants(event):
                    yield encode_event(event)
            after = page[-1].id if len(page) == _RESUME_PAGE else subscription.begins_after
        async for encoded in _live(request, service, subscription):
            yield encoded
    except UnavailableError:
        return
    finally:
        service.follower.unsubscribe(subscription)


async def _live(request: Request, service: Service, subscription: Subscription) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    beat = loop.time() + HEARTBEAT_S
    while True:
        try:
            async with asyncio.timeout_at(beat):
                event = await subscription.queue.get()
        except TimeoutError:
            event = HEARTBEAT
        if event is None:
            return
        yield event
        if loop.time() >= beat:
            beat = loop.time() + HEARTBEAT_S
            if not await run_in_threadpool(_still_welcome, request, service):
                return


def _still_welcome(request: Request, service: Service) -> bool:
    """Whether the token is still valid: a stream must not outlive it."""
    try:
        service.doorkeeper.bearer(request)
    except Problem:
        return False
    except UnavailableError:
        return True
    return True
