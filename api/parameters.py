"""Parameters that several routes share, with their ranges and examples."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Path, Query, Request, Response
from pydantic import AfterValidator, BeforeValidator
from starlette.datastructures import URL

from api.problems import Problem
from domain.exercise_mark import Exercises
from storage.inventory import Place

#: What may stand in an identifier (domain.topics.IDENTIFIER).
IDENTIFIER = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$"
#: A GB/T 2260 code or the beginning of one.
AREA = r"^[0-9]{2,12}$"
LAST_INTEGER = 2**31 - 1
LAST_BIGINT = 2**63 - 1
PAGE_LIMIT = 1000

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _rfc_3339(text: object) -> object:
    # A plus sign that was not escaped arrives as a space.
    if isinstance(text, str):
        mended = re.sub(r" (?=\d\d:\d\d$)", "+", text)
        if not _RFC_3339.fullmatch(mended):
            raise ValueError("must be RFC 3339 with a zone, such as 2026-05-01T08:00:00+08:00 or 2026-05-01T00:00:00Z")
        return mended
    return text


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("must have a zone")
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie between 1970 and 2200") from None
    if not _EARLIEST <= moment <= _LATEST:
        raise ValueError("must lie between 1970 and 2200")
    return moment


Instant = Annotated[datetime, BeforeValidator(_rfc_3339), AfterValidator(_utc)]

From = Annotated[
    Instant | None,
    Query(alias="from", description="Begin, inclusive (RFC 3339 with zone).", examples=["2026-05-01T08:00:00+08:00"]),
]
To = Annotated[
    Instant | None,
    Query(alias="to", description="End, exclusive (RFC 3339 with zone).", examples=["2026-05-02T08:00:00+08:00"]),
]
Cursor = Annotated[
    str | None,
    Query(description="`next` of the page before; leave out for the first page.", min_length=1, max_length=2048),
]
Limit = Annotated[int, Query(description="Most items of the page.", ge=1, le=PAGE_LIMIT)]
NetworkFilter = Annotated[str | None, Query(description="Only this network.", pattern=IDENTIFIER, examples=["gas"])]
AreaFilter = Annotated[
    str | None,
    Query(description="Only this area (GB/T 2260) and the areas inside it.", pattern=AREA, examples=["3301"]),
]
AssetFilter = Annotated[str | None, Query(description="Only of this asset.", pattern=IDENTIFIER)]
DeviceFilter = Annotated[str | None, Query(description="Only of this device.", pattern=IDENTIFIER)]
ExerciseFilter = Annotated[
    Exercises,
    Query(
        alias="exercise",
        description="What belongs to exercises: left out (exclude), nothing else (only), or also (include).",
    ),
]
TextId = Annotated[str, Path(description="Identifier.", pattern=IDENTIFIER)]
DatastreamId = Annotated[int, Path(description="Number of the datastream.", ge=1, le=LAST_INTEGER, examples=[7])]
BigId = Annotated[int, Path(description="Number.", ge=1, le=LAST_BIGINT, examples=[42])]


def place(
    *,
    network: NetworkFilter = None,
    area: AreaFilter = None,
    asset: AssetFilter = None,
    device: DeviceFilter = None,
    exercises: ExerciseFilter = "exclude",
) -> Place:
    """The part of the city that a request is about."""
    return Place(network=network, area=area, asset=asset, device=device, exercises=exercises)


def period(
    begin: datetime | None, end: datetime | None, now: datetime, default: timedelta
) -> tuple[datetime, datetime]:
    """[begin, end) with what was left out filled in: up to now, over the default length."""
    end = end or max(now, begin or now)
    begin = begin or max(_EARLIEST, end - default)
    if begin >= end:
        raise Problem(422, "empty-range", "The range is empty", "`from` must lie before `to`.")
    return begin, end


def link_to(request: Request, answer: Response, cursor: str | None) -> None:
    """Names the next page in a Link header (RFC 8288), relative to this one."""
    if cursor is not None:
        query = URL(scope=request.scope).include_query_params(cursor=cursor).query
        answer.headers["Link"] = f'<{request.url.path}?{query}>; rel="next"'
