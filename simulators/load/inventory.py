"""The registry of a fleet, so that a platform under load knows its devices."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from domain.catalogue import properties
from domain.registry import Asset, Datastream, Device, Registry
from domain.registry_folder import write
from simulators.load.groups import Group
from simulators.streets import metres

#: South-west corner of the fleet, degrees; it stands on a square grid, so far apart (metres).
_LONGITUDE, _LATITUDE = 101.0, 24.0
_APART_M = 20.0


def registry(groups: Sequence[Group]) -> Registry:
    """Assets, devices and datastreams of a fleet; nothing is linked."""
    units = {p.id: p.unit for p in properties()}
    return Registry(
        assets=tuple(_assets(groups)),
        devices=tuple(
            Device(
                id=group.device(number),
                asset=group.asset(number),
                model=group.hardware.model,
                # A promise is in whole seconds, and none that the fleet cannot keep.
                reporting_interval_s=max(1, math.ceil(group.interval_s)),
            )
            for group in groups
            for number in range(group.count)
        ),
        datastreams=tuple(
            Datastream(device=group.device(number), property=name, unit=units[name])
            for group in groups
            for number in range(group.count)
            for name in group.hardware.properties
        ),
        links=(),
    )


def save(groups: Sequence[Group], folder: Path) -> None:
    """Writes the registry as a folder that `lifeline registry import` takes."""
    write(registry(groups), folder)


def _assets(groups: Sequence[Group]) -> Iterator[Asset]:
    # Groups of one kind of asset share its assets.
    kinds = {group.equipment.kind: group for group in groups}
    side = max(1, math.isqrt(sum(group.count for group in kinds.values())))
    place = 0
    for group in kinds.values():
        for number in range(group.count):
            east, north = metres(_LATITUDE, place % side * _APART_M, place // side * _APART_M)
            place += 1
            longitude, latitude = round(_LONGITUDE + east, 6), round(_LATITUDE + north, 6)
            yield Asset(
                id=group.asset(number),
                network=group.equipment.network,
                kind=group.equipment.kind,
                name_en=f"{group.equipment.name_en} {number} of the fleet",
                name_zh=f"压测{group.equipment.name_zh}{number}号",
                area=group.area(number),
                geometry={"type": "Point", "coordinates": [longitude, latitude]},
                longitude=longitude,
                latitude=latitude,
                tags=dict(group.equipment.tags),
            )
