"""Observations of one datastream, raw or rolled up, and the latest values of many."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from api import parameters as p
from api.access import require
from api.cursors import encode, number_key
from api.models.inventory import Latest
from api.models.observations import BucketName, BucketSummary, Observation, ObservationPage
from api.models.wire import Page, instant_text
from api.problems import Problem, not_found
from api.service import Services
from domain.access import Role
from domain.times import from_datetime, to_datetime
from storage import inventory, readings
from storage.inventory import ANYTHING, Place
from storage.readings import Bucket, Reading, Summary

router = APIRouter(prefix="/api/v1", tags=["observations"], dependencies=[Depends(require(Role.VIEWER))])

Resolution = Literal["raw", "5m", "1h", "1d"]
CSV = "text/csv"
POINTS_LIMIT = 10_000
_DAY = timedelta(days=1)
#: The longest range of each resolution: about as many points as one answer may hold, at one observation a minute.
LONGEST: dict[str, timedelta] = {
    "raw": 31 * _DAY,
    "5m": 35 * _DAY,
    "1h": 400 * _DAY,
    "1d": 10_000 * _DAY,
}
#: What `auto` takes up to a range: a few hundred to a few thousand points, whatever the range.
_AUTO: tuple[tuple[timedelta, Resolution], ...] = ((timedelta(hours=6), "raw"), (7 * _DAY, "5m"), (90 * _DAY, "1h"))
#: From the start of a bucket this far on lies in the next one; the longest day of a place has 25 hours.
_STEP = {"5m": timedelta(minutes=5), "1h": timedelta(hours=1), "1d": timedelta(hours=25)}


def resolution(wanted: BucketName, length: timedelta) -> Resolution:
    """The resolution to answer in; raises Problem if the range is too long for the one that was asked for."""
    width: Resolution = next((name for longest, name in _AUTO if length <= longest), "1d")
    if wanted != "auto":
        width = wanted
    if length > LONGEST[width]:
        fitting = next((name for name, longest in LONGEST.items() if length <= longest), None)
        advice = f"ask for bucket={fitting}, or for less" if fitting else f"the longest is {LONGEST['1d'].days} days"
        raise Problem(
            422,
            "range-too-long",
            f"The range is too long for {'raw observations' if width == 'raw' else 'buckets of ' + width}",
            f"{width} is given for at most {LONGEST[width].days} days, not {length / _DAY:.1f}: {advice}.",
            bucket=fitting,
            longest_days=LONGEST[width].days,
        )
    return width


@router.get(
    "/datastreams/{id}/observations",
    summary="Observations · 监测数据",
    response_model=ObservationPage,
    responses={
        200: {
            "model": ObservationPage,
            "content": {CSV: {"schema": {"type": "string"}, "example": "time,value,quality\n"}},
            "description": "A page of observations or buckets.",
        }
    },
)
def observations(
    *,
    request: Request,
    response: Response,
    service: Services,
    id: p.DatastreamId,  # noqa: A002
    begin: p.From = None,
    end: p.To = None,
    bucket: Annotated[
        BucketName,
        Query(description="raw, a bucket width, or auto: what suits the length of the range.", examples=["1h"]),
    ] = "raw",
    format_: Annotated[
        Literal["json", "csv"] | None,
        Query(alias="format", description="csv gives a table, as `Accept: text/csv` does; Link names the next page."),
    ] = None,
    cursor: p.Cursor = None,
    limit: Annotated[int, Query(description="Most points of the page.", ge=1, le=POINTS_LIMIT)] = 1000,
) -> Response:
    """What a datastream observed in [from, to), oldest first; the last day when no range is given.

    Raw observations, or buckets read from the rollups (5 minutes, hours, days of the place). Buckets are whole: the
    first is the one that holds `from`. A range too long for the resolution is refused, naming one that fits. `from` and
    `to` must be given with a cursor, as they were for the first page.
    """
    since, until = p.period(begin, end, to_datetime(service.clock()), _DAY)
    width = resolution(bucket, until - since)
    listing = f"observations/{id}/{width}"
    after = number_key(listing, cursor, maximum=p.LAST_BIGINT)
    if after is not None:
        since = max(since, _instant(after))
    with service.heavy_database() as connection:
        found = inventory.datastreams(connection, place=ANYTHING, id_=id, limit=1)
        if not found:
            raise not_found("datastream", id)
        points: Sequence[Reading | Summary] = (
            readings.raw(connection, id, since, until, limit=limit + 1)
            if width == "raw"
            else readings.rollup(connection, id, Bucket(width), since, until, limit=limit + 1)
        )
    following = None
    if len(points) > limit:
        step = _STEP.get(width, timedelta(microseconds=1))
        following = encode(listing, from_datetime(points[limit - 1].time + step))
        points = points[:limit]
    p.link_to(request, response, following)
    links = {k: v for k, v in response.headers.items() if k == "link"}
    if format_ == "csv" or (format_ is None and CSV in request.headers.get("accept", "")):
        name = f"datastream-{id}-{width}.csv"
        links["Content-Disposition"] = f'attachment; filename="{name}"'
        return Response(_table(points, raw=width == "raw"), media_type=CSV, headers=links)
    model: type[Observation | BucketSummary] = Observation if width == "raw" else BucketSummary
    page = ObservationPage(
        datastream=id,
        unit=found[0].unit,
        exercise=found[0].exercise,
        bucket=width,
        items=[model.model_validate(point) for point in points],  # type: ignore[arg-type]
        next=following,
    )
    return Response(page.model_dump_json(), media_type="application/json", headers=links)


def _instant(micros: int) -> datetime:
    try:
        return to_datetime(micros)
    except OverflowError:
        raise Problem(422, "bad-cursor", "The cursor cannot be used", "Begin again without a cursor.") from None


def _table(points: Sequence[Reading | Summary], *, raw: bool) -> str:
    names = (
        ["time", "value", "quality"]
        if raw
        else [
            "time",
            "count",
            "doubtful",
            "minimum",
            "maximum",
            "average",
            "sum",
        ]
    )
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for point in points:
        row: list[Any] = [getattr(point, name) for name in names]
        row[0] = instant_text(point.time)
        writer.writerow(row)
    return out.getvalue()


@router.get("/latest", summary="Latest values · 最新数据")
def latest(
    *,
    request: Request,
    response: Response,
    service: Services,
    place: Annotated[Place, Depends(p.place)],
    cursor: p.Cursor = None,
    limit: Annotated[int, Query(description="Most datastreams of the page.", ge=1, le=POINTS_LIMIT)] = 1000,
) -> Page[Latest]:
    """The last observation of every datastream of a place, by number of the datastream."""
    after = number_key("latest", cursor, maximum=p.LAST_INTEGER)
    with service.heavy_database() as connection:
        found = readings.latest(
            connection, place=place, recently=to_datetime(service.clock()) - _DAY, after=after, limit=limit + 1
        )
    following = encode("latest", found[limit - 1].datastream) if len(found) > limit else None
    p.link_to(request, response, following)
    return Page(items=[Latest.model_validate(v) for v in found[:limit]], next=following)
