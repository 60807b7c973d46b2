"""A handful of devices of every sort, and a truth for them, made by hand: for the device layer without engines."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from domain.catalogue import properties
from domain.registry import Asset, Datastream, Device, Registry
from simulators.devices.character import OWN, SWITCHES
from simulators.town.happenings import KINDS, Happening
from simulators.town.layout import Instrument, Layout, Town
from simulators.town.truth import Series, Span, Truth

#: 2026-05-01 00:00 in the county.
MIDNIGHT = 1_777_564_800_000_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = Span(start=MIDNIGHT, steps=1440)

STATION = Instrument(
    device="station-001-rtu", asset="station-001", model="RTU", properties=("water.pressure", "water.flow")
)
WELL = Instrument(
    device="valve-well-001-lm",
    asset="valve-well-001",
    model="LM",
    properties=("gas.ch4.chamber", "gas.well.water", "device.battery", "device.rssi"),
    form="senml",
    via="carrier-mobile",
    battery=True,
)
POINT = Instrument(
    device="pressure-point-001-pt",
    asset="pressure-point-001",
    model="PT",
    properties=("water.pressure", "device.battery"),
    form="array",
    via="carrier-telecom",
    battery=True,
)
GATEWAY = Instrument(device="cabinet-001-gw", asset="cabinet-001", model="GW", properties=("gateway.online",))
LAMPS = tuple(
    Instrument(
        device=f"lamp-00{n}-lc",
        asset=f"lamp-00{n}",
        model="LC",
        properties=("light.state", "light.power"),
        heartbeat_s=600,
        via="cabinet-001",
    )
    for n in (1, 2, 3)
)
ALL = (STATION, WELL, POINT, GATEWAY, *LAMPS)


def town(*instruments: Instrument) -> Town:
    """A town with these devices, by default one of every sort."""
    chosen = instruments or ALL
    names = tuple(dict.fromkeys(one.asset for one in chosen))
    assets = tuple(
        Asset(id=name, network="water", kind=name.rpartition("-")[0], name_en=name, name_zh=name, area="539900001",
              geometry={"type": "Point", "coordinates": [101.8, 25.1]}, longitude=101.8, latitude=25.1)
        for name in names
    )  # fmt: skip
    return Town(scale="test", seed=1, layouts={"water": Layout(network="water", assets=assets, instruments=chosen)})


def registry(of: Town) -> Registry:
    """What the platform knows of it."""
    units = {p.id: p.unit for p in properties()}
    return Registry(
        assets=of.assets,
        devices=tuple(
            Device(id=one.device, asset=one.asset, model=one.model, reporting_interval_s=one.heartbeat_s)
            for one in of.instruments
        ),
        datastreams=tuple(
            Datastream(device=one.device, property=name, unit=units[name])
            for one in of.instruments
            for name in one.properties
        ),
        links=(),
    )


#: Well inside the range of each property, so that nothing is clipped unless a test wants that.
_LEVELS = {
    "water.pressure": 0.4,
    "water.flow": 120.0,
    "gas.ch4.chamber": 20.0,
    "light.power": 90.0,
    "gateway.online": 1.0,
}


def truth(of: Town, span: Span = DAY, given: Mapping[tuple[str, str], Series] | None = None) -> Truth:
    """Constant series, except those given."""
    signals: dict[tuple[str, str], Series] = {}
    for one in of.instruments:
        for name in one.properties:
            if name not in OWN:
                level = 0.0 if name in SWITCHES else 0.5
                signals[one.device, name] = np.full(span.steps, _LEVELS.get(name, level))
    return Truth(span=span, signals=signals | dict(given or {}))


def happening(
    kind: str, target: str | None, since: int, until: int | None = None, observed: str | None = None, **given: float
) -> Happening:
    """An event with all parameters of its kind, as a scenario gives them."""
    defaults = {name: parameter.default for name, parameter in KINDS[kind].parameters.items()}
    return Happening(kind=kind, target=target, since=since, until=until, observed=observed, parameters=defaults | given)


def rows_of(streams: Sequence[tuple[str, str]], stream: NDArray[np.int32], device: str, name: str) -> NDArray[np.bool_]:
    """Which readings are of a datastream."""
    return np.asarray(stream == streams.index((device, name)))
