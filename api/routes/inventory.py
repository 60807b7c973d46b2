"""Networks, properties, assets, devices, datastreams."""

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from api import parameters as p
from api.access import require
from api.cursors import encode, number_key, text_key
from api.models.inventory import (
    AssetDetail,
    AssetSummary,
    Datastream,
    Device,
    DeviceDetail,
    Feature,
    FeatureCollection,
    Latest,
    Link,
    Network,
    Property,
)
from api.models.wire import Page
from api.problems import Problem, not_found
from api.service import Services
from domain.access import Role
from domain.registry import Asset
from domain.times import to_datetime
from storage import inventory, readings
from storage.inventory import ANYTHING, Box, Place

router = APIRouter(prefix="/api/v1", tags=["inventory"], dependencies=[Depends(require(Role.VIEWER))])

GEOJSON = "application/geo+json"
_BOX = r"^-?[0-9]{1,3}(\.[0-9]{1,15})?(,-?[0-9]{1,3}(\.[0-9]{1,15})?){3}$"
_INSIDE = 1000


@router.get("/networks", summary="Networks · 行业网络")
def networks(service: Services) -> Page[Network]:
    """Every lifeline network, with how much stands in it and how many of its alerts are active."""
    with service.database() as connection:
        found = inventory.networks(connection)
    return Page(items=[Network.model_validate(n) for n in found], next=None)


@router.get("/properties", summary="Observed properties · 监测项目")
def properties(service: Services, network: p.NetworkFilter = None) -> Page[Property]:
    """The catalogue of observed properties with their UCUM units and physical ranges."""
    with service.database() as connection:
        found = inventory.properties(connection, network)
    return Page(items=[Property.model_validate(i) for i in found], next=None)


def _box(text: str | None) -> Box | None:
    if text is None:
        return None
    west, south, east, north = (float(part) for part in text.split(","))
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise Problem(
            422, "bad-box", "The bounding box cannot be used", "Give west,south,east,north in degrees, west <= east."
        )
    return Box(west=west, south=south, east=east, north=north)


@router.get(
    "/assets",
    summary="Assets · 设施",
    response_model=Page[AssetSummary],
    responses={200: {"model": Page[AssetSummary], "content": {GEOJSON: {}}, "description": "A page of assets."}},
)
def assets(
    *,
    request: Request,
    response: Response,
    service: Services,
    network: p.NetworkFilter = None,
    area: p.AreaFilter = None,
    exercises: p.ExerciseFilter = "exclude",
    kind: Annotated[str | None, Query(description="Only of this kind.", pattern=p.IDENTIFIER)] = None,
    bbox: Annotated[
        str | None,
        Query(
            description="Only inside west,south,east,north (degrees WGS-84).",
            pattern=_BOX,
            examples=["119.9,30.1,120.3,30.4"],
        ),
    ] = None,
    format_: Annotated[
        Literal["json", "geojson"] | None,
        Query(alias="format", description="geojson gives a FeatureCollection, as `Accept: application/geo+json` does."),
    ] = None,
    cursor: p.Cursor = None,
    limit: p.Limit = 200,
) -> Page[AssetSummary] | Response:
    """Physical things with a place, by id. As JSON, or as GeoJSON (RFC 7946)."""
    after = text_key("assets", cursor)
    with service.database() as connection:
        found = inventory.assets(
            connection,
            place=Place(network=network, area=area, exercises=exercises),
            kind=kind,
            box=_box(bbox),
            after=after,
            limit=limit + 1,
        )
    shown = found[:limit]
    following = encode("assets", shown[-1].id) if len(found) > limit else None
    p.link_to(request, response, following)
    if format_ == "geojson" or (format_ is None and GEOJSON in request.headers.get("accept", "")):
        return _geojson(shown, following, response)
    return Page(items=[AssetSummary.model_validate(a) for a in shown], next=following)


def _geojson(shown: list[Asset], following: str | None, template: Response) -> Response:
    collection = FeatureCollection(features=[Feature.of(a) for a in shown], next=following)
    links = {k: v for k, v in template.headers.items() if k == "link"}
    return Response(collection.model_dump_json(exclude_none=following is None), media_type=GEOJSON, headers=links)


@router.get("/assets/{id}", summary="One asset · 单个设施")
def asset(service: Services, id: p.TextId) -> AssetDetail:  # noqa: A002 - the name in the path
    """An asset with its devices and its links to other assets."""
    with service.database() as connection:
        found = inventory.asset(connection, id)
        if found is None:
            raise not_found("asset", id)
        devices_ = inventory.devices(connection, place=Place(asset=id, exercises="include"), limit=_INSIDE)
        links = inventory.links(connection, id)
    return AssetDetail(
        **AssetSummary.model_validate(found).model_dump(),
        devices=[Device.model_validate(d) for d in devices_],
        links=[Link.model_validate(link) for link in links],
    )


@router.get("/devices", summary="Devices · 监测设备")
def devices(
    *,
    request: Request,
    response: Response,
    service: Services,
    network: p.NetworkFilter = None,
    area: p.AreaFilter = None,
    asset_: Annotated[str | None, Query(alias="asset", description="Only of this asset.", pattern=p.IDENTIFIER)] = None,
    exercises: p.ExerciseFilter = "exclude",
    cursor: p.Cursor = None,
    limit: p.Limit = 200,
) -> Page[Device]:
    """The hardware that publishes, by id."""
    after = text_key("devices", cursor)
    place = Place(network=network, area=area, asset=asset_, exercises=exercises)
    with service.database() as connection:
        found = inventory.devices(connection, place=place, after=after, limit=limit + 1)
    following = encode("devices", found[limit - 1].id) if len(found) > limit else None
    p.link_to(request, response, following)
    return Page(items=[Device.model_validate(d) for d in found[:limit]], next=following)


@router.get("/devices/{id}", summary="One device · 单个设备")
def device(service: Services, id: p.TextId) -> DeviceDetail:  # noqa: A002
    """A device with its datastreams and what each of them observed last."""
    place = Place(device=id, exercises="include")
    with service.database() as connection:
        found = inventory.devices(connection, place=place, limit=1)
        if not found:
            raise not_found("device", id)
        recently = to_datetime(service.clock()) - timedelta(days=1)
        latest = readings.latest(connection, place=place, recently=recently, limit=_INSIDE)
    return DeviceDetail(
        **Device.model_validate(found[0]).model_dump(), datastreams=[Latest.model_validate(v) for v in latest]
    )


@router.get("/datastreams", summary="Datastreams · 数据流")
def datastreams(
    *,
    request: Request,
    response: Response,
    service: Services,
    place: Annotated[Place, Depends(p.place)],
    property_: Annotated[
        str | None, Query(alias="property", description="Only of this property.", pattern=p.IDENTIFIER)
    ] = None,
    cursor: p.Cursor = None,
    limit: p.Limit = 200,
) -> Page[Datastream]:
    """Observed properties of devices, by number."""
    after = number_key("datastreams", cursor, maximum=p.LAST_INTEGER)
    with service.database() as connection:
        found = inventory.datastreams(connection, place=place, property_=property_, after=after, limit=limit + 1)
    following = encode("datastreams", found[limit - 1].id) if len(found) > limit else None
    p.link_to(request, response, following)
    return Page(items=[Datastream.model_validate(d) for d in found[:limit]], next=following)


@router.get("/datastreams/{id}", summary="One datastream · 单个数据流")
def datastream(service: Services, id: p.DatastreamId) -> Datastream:  # noqa: A002
    """A datastream with its property's names and unit."""
    with service.database() as connection:
        found = inventory.datastreams(connection, place=ANYTHING, id_=id, limit=1)
    if not found:
        raise not_found("datastream", id)
    return Datastream.model_validate(found[0])
