"""A drainage district as SWMM has it: the template, what differs from district to district, and the text of a run.

Everything is in metres, cubic metres a second, hectares and millimetres an hour.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from simulators.noise import level
from simulators.town.inp import sections

TEMPLATE = Path(__file__).with_name("drainage.inp")
#: The wet well of a station, and its pumps.
WELL, PUMPS = "WW1", ("P1", "P2", "P3")
#: How much districts differ: the area and the slope of each catchment, and the flow of dry weather. Ours: enough to
#: tell them apart, little enough for the same sewers and pumps.
_AREA, _SLOPE, _DRY = 0.10, 0.15, 0.15
#: Loss coefficient of an open manhole-to-sewer entry that may clog: SWMM takes local losses into account only where the
#: file has one, and this one is nothing beside friction.
_OPEN_LOSS = 0.001


@dataclass(frozen=True, kw_only=True, slots=True)
class Catchment:
    """Ground that drains to a node; hectares, and percent of slope."""

    id: str
    node: str
    area_ha: float
    slope: float


@dataclass(frozen=True, kw_only=True, slots=True)
class District:
    """One pump station with its sewers: an instance of the template. Nodes of the template carry no prefix here."""

    number: int
    catchments: tuple[Catchment, ...]
    #: Node -> mean flow in dry weather, m3/s.
    dry_flow: Mapping[str, float]

    def node(self, name: str) -> str:
        """The id of a node that is unique in the town: `D2-MH05`."""
        return f"D{self.number}-{name}"

    @property
    def station(self) -> str:
        """The pump station that it drains to."""
        return f"pump-station-{self.number:03d}"

    @property
    def gauge(self) -> str:
        """The rain gauge that stands for it."""
        return f"rain-gauge-{self.number:03d}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What the engine needs to know, and where its nodes lie: other networks stand on them.

    Attributes:
        districts: One a pump station.
        nodes: Every node of the town (`D1-MH05`): districts by number, within each the order of the template
            (manholes by number, underpass `UP1`, pressure pipe `PD1`, wet well `WW1`). The fields of the truth have
            their columns in this order.
        places: Node -> metres east and north; the river outfall (`D1-OF1`) too, which has no water level of its own.
        depths: Node -> metres from its invert to its rim.
        manholes: The nodes that are manholes, in the same order: where covers lie.
        stands: Asset -> the node where it measures, or where water can be let in. Other networks add their own
            (`standing_on`).
    """

    districts: tuple[District, ...]
    nodes: tuple[str, ...]
    places: Mapping[str, tuple[float, float]]
    depths: Mapping[str, float]
    manholes: tuple[str, ...]
    stands: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A node of the template. `depth_m`: from its invert to its rim, where water comes out."""

    id: str
    invert_m: float
    depth_m: float
    #: Whether water stands on the street above it (else it is lost from a storage, or held in a pressure pipe).
    ponds: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Conduit:
    """A circular sewer of the template."""

    id: str
    start: str
    end: str
    diameter_m: float


@lru_cache(maxsize=1)
def template() -> Mapping[str, Sequence[Sequence[str]]]:
    """Sections of the template."""
    return sections(TEMPLATE.read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def nodes() -> tuple[Node, ...]:
    """Junctions and the wet well, in the order of the template: manholes, underpass, pressure pipe, well."""
    junctions = [
        Node(id=row[0], invert_m=float(row[1]), depth_m=float(row[2]), ponds=float(row[5]) > 0)
        for row in template()["JUNCTIONS"]
    ]
    wells = [
        Node(id=row[0], invert_m=float(row[1]), depth_m=float(row[2]), ponds=False) for row in template()["STORAGE"]
    ]
    return (*junctions, *wells)


@lru_cache(maxsize=1)
def conduits() -> tuple[Conduit, ...]:
    """The sewers, in the order of the template."""
    diameter = {row[0]: float(row[2]) for row in template()["XSECTIONS"]}
    return tuple(
        Conduit(id=row[0], start=row[1], end=row[2], diameter_m=diameter[row[0]]) for row in template()["CONDUITS"]
    )


def below(node: str) -> Conduit:
    """The sewer that leaves a node."""
    return next(conduit for conduit in conduits() if conduit.start == node)


def above(node: str) -> tuple[str, ...]:
    """Nodes whose sewers end in a node, the main sewer first."""
    return tuple(conduit.start for conduit in conduits() if conduit.end == node)


def district(number: int, seed: int) -> District:
    """A district; number 1 is the template as it stands, in every town."""
    rows = template()["SUBCATCHMENTS"]
    areas = [float(row[3]) for row in rows]
    slopes = [float(row[6]) for row in rows]
    dry = {row[0]: float(row[2]) for row in template()["DWF"]}
    if number > 1:
        names = [("drainage", seed, number, row[0]) for row in rows]
        varied = [area * (1 + _AREA * level(*name, "area")) for area, name in zip(areas, names, strict=True)]
        # As much ground in all as the template drains: the pumps are the same.
        areas = [area * sum(areas) / sum(varied) for area in varied]
        slopes = [slope * (1 + _SLOPE * level(*name, "slope")) for slope, name in zip(slopes, names, strict=True)]
        dry = {node: flow * (1 + _DRY * level("drainage", seed, number, node, "dry")) for node, flow in dry.items()}
    return District(
        number=number,
        catchments=tuple(
            Catchment(id=row[0], node=row[2], area_ha=round(area, 4), slope=round(slope, 4))
            for row, area, slope in zip(rows, areas, slopes, strict=True)
        ),
        dry_flow={node: round(flow, 6) for node, flow in dry.items()},
    )


def text(of: District, *, options: Mapping[str, str], rain_mm_h: Sequence[float], clogging: Sequence[str] = ()) -> str:
    """The input file of one run.

    Args:
        of: Whose.
        options: Rows of [OPTIONS] that differ from the template: dates, times and steps.
        rain_mm_h: Intensity of each minute from the start of the run.
        clogging: Sewers that may clog during the run.
    """
    areas = {catchment.id: catchment for catchment in of.catchments}
    written: dict[str, list[list[str]]] = {name: [list(row) for row in rows] for name, rows in template().items()}
    written["OPTIONS"] = [[row[0], options.get(row[0], row[1])] for row in written["OPTIONS"]]
    for row in written["SUBCATCHMENTS"]:
        row[3], row[6] = f"{areas[row[0]].area_ha}", f"{areas[row[0]].slope}"
    for row in written["DWF"]:
        row[2] = f"{of.dry_flow[row[0]]}"
    # A gauge with records of a minute takes a minute without one for dry.
    rows = [["STORM", f"{k // 60}:{k % 60:02d}", f"{rain:.6f}"] for k, rain in enumerate(rain_mm_h) if rain > 0]
    written["TIMESERIES"] = rows or [["STORM", "0:00", "0"]]
    written["LOSSES"] = [[conduit, f"{_OPEN_LOSS}", "0", "0", "NO"] for conduit in clogging]
    return "\n".join(f"[{name}]\n" + "\n".join(" ".join(row) for row in rows) + "\n" for name, rows in written.items())
