"""Observations on the wire."""

from typing import Literal

from pydantic import Field

from api.models.wire import Instant, Wire

BucketName = Literal["raw", "5m", "1h", "1d", "auto"]


class Observation(Wire):
    """One observation."""

    time: Instant = Field(examples=["2026-05-01T00:00:00.000Z"])
    value: float = Field(examples=[12.5])
    quality: int = Field(description="0 is good, else flags.", examples=[0])


class BucketSummary(Wire):
    """One bucket; statistics are of good observations. A bucket without observations is left out."""

    time: Instant = Field(description="Start of the bucket.", examples=["2026-05-01T00:00:00.000Z"])
    count: int = Field(description="Good observations.", examples=[60])
    doubtful: int = Field(description="Observations with a quality flag.", examples=[0])
    minimum: float | None = Field(examples=[11.9])
    maximum: float | None = Field(examples=[13.0])
    average: float | None = Field(examples=[12.4])
    sum: float | None = Field(examples=[744.0])


class ObservationPage(Wire):
    """A page of observations, or of buckets, of one datastream, oldest first."""

    datastream: int = Field(examples=[7])
    unit: str = Field(description="UCUM.", examples=["%{LEL}"])
    exercise: int | None = Field(description="The exercise that it belongs to; null: it is real.", examples=[None])
    bucket: Literal["raw", "5m", "1h", "1d"] = Field(description="Width of the buckets, or raw.")
    items: list[Observation] | list[BucketSummary]
    next: str | None = Field(description="Cursor of the next page; null on the last one.")
