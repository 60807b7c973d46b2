"""What the gas company has along its mains: stations, valve wells, test posts, registered works, and their devices."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.registry import Asset, Link
from simulators.noise import level
from simulators.town.gas_plan import Main
from simulators.town.ground import Ground, Point, Scale, along
from simulators.town.layout import CARRIERS, Instrument, lying, standing

NETWORK = "gas"
_CELL = ("device.battery", "device.rssi")
_STATION = ("gas.pressure.mp", "gas.pressure.lp", "gas.flow", "gas.temperature", "gas.ch4.station")
#: Metres from the junction: a well beside the street, a station behind it, a post beside the pipe.
_WELL_M, _STATION_M, _POST_M = (9.0, 7.0), (60.0, 45.0), (4.0, -6.0)
_MOVED_M = 2.0
#: A leak of a main comes out so far from its first end: beside the valve, where joints are.
_HOLE_M = 20.0
SET_PRESSURE_KPA = 300.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """How many of each stand in a town."""

    stations: int
    wells: int
    posts: int
    mains: int
    #: Mains with registered works, from the first on, each so many mains apart.
    works: int


COUNTS: dict[Scale, Counts] = {
    "town": Counts(stations=5, wells=40, posts=12, mains=20, works=4),
    "test": Counts(stations=1, wells=4, posts=1, mains=2, works=1),
}


class Field:
    """Collects what stands along the mains of one ground."""

    def __init__(self, ground: Ground, seed: int) -> None:
        self._ground = ground
        self._seed = seed
        self.assets: list[Asset] = []
        self.instruments: list[Instrument] = []
        self.places: dict[str, Point] = {}

    def station(self, number: int, junction: Point) -> str:
        """A regulator station behind a junction."""
        asset = self._stands(
            "regulator_station",
            number,
            junction,
            _STATION_M,
            ("Regulator station", "燃气调压站"),
            {"set_pressure_kpa": f"{SET_PRESSURE_KPA:.0f}"},
        )
        self.instruments.append(Instrument(device=f"{asset}-d", asset=asset, model="RTU-G4", properties=_STATION))
        return asset

    def well(self, number: int, junction: Point) -> str:
        """A valve well beside a junction."""
        asset = self._stands("valve_well", number, junction, _WELL_M, ("Gas valve well", "燃气阀井"))
        self._cell(asset, number, "LM-NB1", ("gas.ch4.chamber", "gas.well.water", *_CELL))
        return asset

    def post(self, number: int, main: Main) -> str:
        """A cathodic test post half way along a main."""
        asset = self._stands(
            "test_post", number, along(main.line, main.length_m / 2), _POST_M, ("Cathodic test post", "阴保测试桩")
        )
        self._cell(asset, number, "CP-NB1", ("gas.cathodic", *_CELL))
        return asset

    def main(self, number: int, main: Main) -> str:
        """A main of the registry, and the place where a leak of it comes out."""
        laid = lying(
            self._ground, main.line, network=NETWORK, kind="gas_main", number=number, names=("Gas main", "燃气管道")
        )
        hole = along(main.line, _HOLE_M)
        # Its point in the registry is the middle of its line, as for everything that lies; only its area is the hole's.
        self.assets.append(replace(laid, area=self._ground.spot(*hole).district.code))
        self.places[laid.id] = hole
        return laid.id

    def works(self, main: str, number: int) -> str:
        """The permit office's terminal that says whether works are under way on a main."""
        device = f"{main}-works"
        self.instruments.append(
            Instrument(
                device=device,
                asset=main,
                model="WP-4G",
                properties=("works.active",),
                heartbeat_s=600,
                via=CARRIERS[number % len(CARRIERS)],
            )
        )
        return device

    def links(self, gates: int) -> tuple[Link, ...]:
        """Who feeds whom: gates the other stations, and every station the wells, posts and mains nearest to it."""
        stations = [asset.id for asset in self.assets if asset.kind == "regulator_station"]
        pairs = [(self._nearest(one, stations[:gates]), one) for one in stations[gates:]]
        fed = [asset.id for kind in ("valve_well", "test_post", "gas_main") for asset in self._of(kind)]
        pairs += [(self._nearest(one, stations), one) for one in fed]
        return tuple(Link(from_asset=server, relation="feeds", to_asset=one) for server, one in pairs)

    def _of(self, kind: str) -> list[Asset]:
        return [asset for asset in self.assets if asset.kind == kind]

    def _nearest(self, asset: str, servers: Sequence[str]) -> str:
        place = self.places[asset]
        return min(servers, key=lambda s: (math.dist(self.places[s], place), s))

    def _stands(
        self,
        kind: str,
        number: int,
        junction: Point,
        beside_m: Point,
        names: tuple[str, str],
        tags: dict[str, str] | None = None,
    ) -> str:
        east, north = (
            metre + beside + _MOVED_M * level(self._seed, kind, number, axis)
            for metre, beside, axis in zip(junction, beside_m, "xy", strict=True)
        )
        asset = standing(
            self._ground.spot(east, north), network=NETWORK, kind=kind, number=number, names=names, tags=tags
        )
        self.assets.append(asset)
        self.places[asset.id] = east, north
        return asset.id

    def _cell(self, asset: str, number: int, model: str, properties: tuple[str, ...]) -> None:
        self.instruments.append(
            Instrument(
                device=f"{asset}-d",
                asset=asset,
                model=model,
                properties=properties,
                form="senml" if model == "CP-NB1" else "object",
                via=CARRIERS[number % len(CARRIERS)],
                battery=True,
            )
        )
