"""What a rule watches: one datastream with everything about its device and asset that rules and alerts speak of."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.exercise_mark import exercise_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """One registered datastream, as the rules see it."""

    datastream: int
    property: str
    unit: str
    device: str
    #: Seconds between two reports that the device promises.
    interval_s: int
    #: When the datastream was first registered, microseconds since 1970 (UTC): silence is counted from here.
    registered_at: int
    asset: str
    asset_kind: str
    asset_en: str
    asset_zh: str
    network: str
    area: str
    tags: Mapping[str, str] = field(default_factory=dict)
    #: Seconds until the next reading that the device itself promised last; it stands above `interval_s`.
    promised_s: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchedAsset:
    """One registered asset, as the rules see it. Degrees WGS-84."""

    id: str
    kind: str
    network: str
    area: str
    name_en: str
    name_zh: str
    longitude: float
    latitude: float
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def exercise(self) -> int | None:
        """The exercise that it belongs to; None: it is real."""
        return exercise_of(self.area)


def datastream_subject(datastream: int) -> str:
    """The subject of an alert on one datastream."""
    return f"datastream:{datastream}"


def device_subject(device: str) -> str:
    """The subject of an alert on one device."""
    return f"device:{device}"


def asset_subject(asset: str) -> str:
    """The subject of an alert on one asset."""
    return f"asset:{asset}"


def area_subject(area: str) -> str:
    """The subject of an alert on one area, by its code."""
    return f"area:{area}"
