"""`county:1d`: days of the demo county as material for a backtest, made on the spot. The same words, the same days."""

import re

import numpy as np

from domain.errors import ConfigurationError
from domain.registry import Registry
from domain.subject import Watched, WatchedAsset
from rules.material import ArrayMaterial, in_order
from rules.rerun import Site
from simulators.county import build
from simulators.days import live_through

_FEED = re.compile(r"county(?::(?P<count>[1-9]\d?)(?P<unit>[hd]))?(?:#(?P<seed>\d{1,6}))?")
_SECOND = 1_000_000
_UNITS = {"h": 3600 * _SECOND, "d": 86_400 * _SECOND}
#: 2026-05-01T00:00:00+08:00
_BEGIN = 1_777_564_800 * _SECOND


def is_county(feed: str) -> bool:
    """Whether a feed of this name is meant."""
    return feed == "county" or feed.startswith(("county:", "county#"))


def county_material(feed: str) -> ArrayMaterial:
    """The days that a feed names: `county:1d`, `county:6h`, `county:2d#7` for the county of seed 7."""
    match = _FEED.fullmatch(feed)
    if match is None:
        raise ConfigurationError(
            f"feed {feed!r}", ["write county:1d, county:6h, or county:1d#7 for the county of another seed"]
        )
    length = int(match["count"] or 1) * _UNITS[match["unit"] or "d"]
    county = build(int(match["seed"] or 1))
    days = live_through(county, _BEGIN, _BEGIN + length)
    return ArrayMaterial(
        title=feed,
        site=site_of(county.registry, registered_at=_BEGIN),
        since=_BEGIN,
        until=_BEGIN + length,
        # Datastreams are numbered from 1, as a database does.
        observations=in_order(days.numbers + np.int32(1), days.times, days.values, np.zeros(len(days.times), np.int16)),
    )


def site_of(registry: Registry, *, registered_at: int) -> Site:
    """A registry as rules see it; its datastreams are numbered from 1 in its order."""
    assets = {asset.id: asset for asset in registry.assets}
    devices = {device.id: device for device in registry.devices}
    watched = []
    for number, stream in enumerate(registry.datastreams, start=1):
        device = devices[stream.device]
        asset = assets[device.asset]
        watched.append(
            Watched(
                datastream=number,
                property=stream.property,
                unit=stream.unit,
                device=device.id,
                interval_s=device.reporting_interval_s,
                registered_at=registered_at,
                asset=asset.id,
                asset_kind=asset.kind,
                asset_en=asset.name_en,
                asset_zh=asset.name_zh,
                network=asset.network,
                area=asset.area,
                tags=asset.tags,
            )
        )
    return Site(
        watched=tuple(watched),
        assets=tuple(
            WatchedAsset(
                id=asset.id,
                kind=asset.kind,
                network=asset.network,
                area=asset.area,
                name_en=asset.name_en,
                name_zh=asset.name_zh,
                longitude=asset.longitude,
                latitude=asset.latitude,
                tags=asset.tags,
            )
            for asset in registry.assets
        ),
        links=registry.links,
    )
