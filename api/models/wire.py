"""What all wire models have in common."""

from datetime import datetime
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from domain.times import from_datetime, isoformat

T = TypeVar("T")


def instant_text(moment: datetime) -> str:
    """RFC 3339 in UTC: milliseconds, or microseconds where the instant has them."""
    micros = from_datetime(moment)
    return isoformat(micros) if micros % 1000 == 0 else moment.isoformat().replace("+00:00", "Z")


#: RFC 3339 in UTC.
Instant = Annotated[
    datetime, PlainSerializer(instant_text, return_type=str), Field(json_schema_extra={"format": "date-time"})
]


class Wire(BaseModel):
    """Read from any object with attributes of the same names."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class Page(Wire, Generic[T]):
    """One page of a list."""

    items: list[T] = Field(description="What was asked for.")
    next: str | None = Field(description="Cursor of the next page; null on the last one.")
