"""Networks, properties, assets, devices and datastreams on the wire."""

from typing import Any, Literal

from pydantic import ConfigDict, Field

from api.models.wire import Instant, Wire
from domain.registry import Asset


class Network(Wire):
    """A lifeline network."""

    id: str = Field(examples=["gas"])
    name_en: str = Field(examples=["Gas"])
    name_zh: str = Field(examples=["燃气"])
    assets: int = Field(description="Registered assets.", examples=[120])
    devices: int = Field(description="Registered devices.", examples=[80])
    active_alerts: int = Field(description="Alerts whose condition holds now.", examples=[2])


class Property(Wire):
    """An observed property."""

    id: str = Field(examples=["gas.ch4.chamber"])
    network: str | None = Field(description="The network it is of; null for all.", examples=["gas"])
    unit: str = Field(description="UCUM.", examples=["%{LEL}"])
    type: Literal["number", "boolean"]
    minimum: float = Field(description="Least physical value, in `unit`.", examples=[0])
    maximum: float = Field(description="Greatest physical value, in `unit`.", examples=[100])
    name_en: str = Field(examples=["Methane in chamber"])
    name_zh: str = Field(examples=["阀井甲烷浓度"])


class AssetSummary(Wire):
    """A physical thing with a place (WGS-84)."""

    id: str = Field(examples=["gas-well-001"])
    network: str = Field(examples=["gas"])
    kind: str = Field(examples=["valve_well"])
    name_en: str = Field(examples=["Valve well 1"])
    name_zh: str = Field(examples=["1号阀井"])
    area: str = Field(description="GB/T 2260 code.", examples=["330106"])
    exercise: int | None = Field(description="The exercise that it belongs to; null: it is real.", examples=[None])
    geometry: dict[str, Any] = Field(
        description="GeoJSON geometry.", examples=[{"type": "Point", "coordinates": [120.13, 30.27]}]
    )
    longitude: float = Field(description="Of the representative point, degrees.", examples=[120.13])
    latitude: float = Field(description="Of the representative point, degrees.", examples=[30.27])
    tags: dict[str, str] = Field(description="Free labels of the site.", examples=[{"road": "文三路"}])


class Feature(Wire):
    """An asset as a GeoJSON feature (RFC 7946)."""

    type: Literal["Feature"] = "Feature"
    id: str
    geometry: dict[str, Any]
    properties: dict[str, Any]

    @classmethod
    def of(cls, asset: Asset) -> "Feature":
        """The feature of an asset."""
        return cls(
            id=asset.id,
            geometry=asset.geometry,
            properties={
                "network": asset.network,
                "kind": asset.kind,
                "name_en": asset.name_en,
                "name_zh": asset.name_zh,
                "area": asset.area,
                "exercise": asset.exercise,
                "tags": asset.tags,
            },
        )


class FeatureCollection(Wire):
    """Assets as GeoJSON; `next` is a foreign member (RFC 7946, 6.1) with the cursor of the next page."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: list[Feature]
    next: str | None = None


class Link(Wire):
    """A directed relation between two assets."""

    from_asset: str = Field(examples=["pump-station-1"])
    relation: str = Field(examples=["drains_to"])
    to_asset: str = Field(examples=["river-outfall-2"])


class Device(Wire):
    """The hardware that publishes; one MQTT identity."""

    id: str = Field(examples=["gas-ch4-001"])
    asset: str = Field(examples=["gas-well-001"])
    model: str = Field(examples=["LD-300"])
    reporting_interval_s: int = Field(description="Seconds between two reports that it promises.", examples=[60])
    network: str = Field(examples=["gas"])
    area: str = Field(examples=["330106"])
    exercise: int | None = Field(description="The exercise that it belongs to; null: it is real.", examples=[None])


class Datastream(Wire):
    """One observed property of one device."""

    id: int = Field(examples=[7])
    device: str = Field(examples=["gas-ch4-001"])
    property: str = Field(examples=["gas.ch4.chamber"])
    unit: str = Field(description="UCUM.", examples=["%{LEL}"])
    type: Literal["number", "boolean"]
    name_en: str = Field(examples=["Methane in chamber"])
    name_zh: str = Field(examples=["阀井甲烷浓度"])
    asset: str = Field(examples=["gas-well-001"])
    network: str = Field(examples=["gas"])
    area: str = Field(examples=["330106"])
    exercise: int | None = Field(description="The exercise that it belongs to; null: it is real.", examples=[None])


class AssetDetail(AssetSummary):
    """An asset with what is mounted on it and what it is linked to."""

    devices: list[Device] = Field(description="At most 1,000.")
    links: list[Link] = Field(description="Links from and to it; at most 1,000.")


class Latest(Wire):
    """The last observation of a datastream; time, value and quality are null if it never reported."""

    datastream: int = Field(examples=[7])
    device: str = Field(examples=["gas-ch4-001"])
    property: str = Field(examples=["gas.ch4.chamber"])
    unit: str = Field(description="UCUM.", examples=["%{LEL}"])
    asset: str = Field(examples=["gas-well-001"])
    network: str = Field(examples=["gas"])
    area: str = Field(examples=["330106"])
    exercise: int | None = Field(description="The exercise that it belongs to; null: it is real.", examples=[None])
    time: Instant | None = Field(examples=["2026-05-01T00:00:00.000Z"])
    value: float | None = Field(examples=[12.5])
    quality: int | None = Field(
        description="0 is good; 1 out of physical range, 2 doubted by the device, 4 sent as history (sums of these).",
        examples=[0],
    )


class DeviceDetail(Device):
    """A device with its datastreams and what each observed last."""

    model_config = ConfigDict(from_attributes=True, frozen=True)

    datastreams: list[Latest] = Field(description="At most 1,000.")
