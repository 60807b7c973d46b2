"""EPANET 2.2 one step at a time, in SI units: the toolkit that comes with wntr, called directly."""

import ctypes
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from simulators.town.truth import Series
from simulators.town.water_net import Network

# Codes of epanet2_enums.h.
EMITTER, DEMAND, HEAD, PRESSURE, QUALITY = 3, 9, 10, 11, 12
_SOURCE_QUALITY, _SOURCE_TYPE, _ELEVATION = 5, 7, 0
FLOW, VELOCITY = 8, 9
_STATUS, _SETTING = 11, 12
_HYDRAULIC_STEP, _QUALITY_STEP, _REPORT_STEP = 1, 2, 5
#: Types of sources: the concentration of what comes in; mass a minute; what is added to all that leaves the node.
CONCENTRATION, MASS, FLOW_PACED = 0, 1, 3
#: An emitter that is set to zero keeps its last flow in the reported demand (EPANET 2.2); this much lets nothing out.
OFF = 1e-6
#: Codes from here on are errors; below are warnings, such as of negative pressures.
_ERROR = 100
#: Hours; longer than anybody simulates. Steps end when we stop asking.
_FOREVER_H = 200_000


def text(network: Network, *, patterns: Sequence[int], chemical: str, initial: float, bulk: float, wall: float) -> str:
    """An EPANET input file.

    Args:
        network: What there is.
        patterns: For each junction the number of the pattern of its use, from 1 on; each has one multiplier, set live.
        chemical: What is traced.
        initial: Its concentration everywhere at the begin, mg/L.
        bulk: Growth of first order in the water, 1/day; negative for decay.
        wall: The same at the wall, m/day.
    """
    lines = ["[JUNCTIONS]"]
    lines += [
        f"{j.id} {j.elevation_m} {j.demand_lps} use{number}"
        for j, number in zip(network.junctions, patterns, strict=True)
    ]
    lines += ["[RESERVOIRS]", f"{network.source} {network.source_m}", "[TANKS]"]
    # Tanks mix completely; below 5 cm nothing flows out.
    lines += [f"{t.id} {t.bottom_m} {t.level_m} 0.05 {t.top_m} {t.diameter_m} 0" for t in network.tanks]
    lines += ["[PIPES]"]
    lines += [f"{p.id} {p.start} {p.end} {p.length_m} {p.diameter_mm} {p.roughness} 0 {p.state}" for p in network.pipes]
    lines += ["[PUMPS]", *(f"{p.id} {p.start} {p.end} HEAD {p.id}" for p in network.pumps)]
    lines += ["[CURVES]", *(f"{p.id} {p.flow_lps} {p.head_m}" for p in network.pumps)]
    lines += ["[PATTERNS]", *(f"use{number} 1.0" for number in range(1, max(patterns) + 1))]
    lines += ["[QUALITY]", *(f"{node} {initial}" for node in network.nodes if node != network.source)]
    lines += ["[REACTIONS]", f"Global Bulk {bulk}", f"Global Wall {wall}"]
    lines += [
        "[TIMES]",
        f"Duration {_FOREVER_H}:00",
        "Hydraulic Timestep 0:15",
        "Quality Timestep 0:05",
        f"Pattern Timestep {_FOREVER_H}:00",
        "Report Timestep 0:15",
        "[OPTIONS]",
        "Units LPS",
        "Headloss H-W",
        f"Quality {chemical} mg/L",
        "Trials 100",
        "Accuracy 0.0001",
        "Unbalanced Continue 10",
        # Use falls with the root of pressure below 20 m (facts: two storeys), and ends at none.
        "Demand Model PDA",
        "Minimum Pressure 0",
        "Required Pressure 20",
        "Pressure Exponent 0.5",
        "Emitter Exponent 0.5",
        # Neighbouring parcels of water become one when they differ by less than this, mg/L: it bounds the error of
        # decay. EPANET proposes 0.01; a quarter of 0.002 costs three times as much.
        "Tolerance 0.002",
        "[END]",
    ]
    return "\n".join(lines) + "\n"


class Epanet:
    """One open project; a context manager that leaves no files."""

    def __init__(self, network: Network, source: str) -> None:
        """Opens an input file, given as text, of a network."""
        with warnings.catch_warnings():
            # Importing wntr warns of deprecations in its own dependencies.
            warnings.simplefilter("ignore")
            from wntr.epanet.toolkit import ENepanet

        self._folder = tempfile.TemporaryDirectory(prefix="water-")
        path = Path(self._folder.name) / "network.inp"
        path.write_text(source, encoding="latin-1")
        self._toolkit = ENepanet()
        try:
            self._toolkit.ENopen(str(path), str(path.with_suffix(".rpt")), str(path.with_suffix(".bin")))
        except BaseException:
            self._folder.cleanup()
            raise
        self._library = self._toolkit.ENlib
        self._project = self._toolkit._project  # noqa: SLF001  the handle that every function of the library takes
        self._long, self._double = ctypes.c_long(), ctypes.c_double()
        # EPANET numbers nodes and links as they stand in the file.
        self.nodes = {node: i for i, node in enumerate(network.nodes, start=1)}
        self.links = {link: i for i, link in enumerate(network.links, start=1)}
        self._call("EN_openH")
        self._call("EN_initH", ctypes.c_int(0))
        self._call("EN_openQ")
        self._call("EN_initQ", ctypes.c_int(0))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._library.EN_closeQ(self._project)
        self._library.EN_closeH(self._project)
        self._library.EN_close(self._project)
        self._library.EN_deleteproject(self._project)
        self._folder.cleanup()

    def _call(self, name: str, *arguments: object) -> None:
        code = getattr(self._library, name)(self._project, *arguments)
        if code >= _ERROR:
            raise RuntimeError(f"EPANET error {code} in {name}")

    def steps(self, *, hydraulic_s: int, quality_s: int) -> None:
        """The longest steps from now on; every multiple of `hydraulic_s` is an instant."""
        # The order matters: none may be longer than the report step.
        longest = (_REPORT_STEP, hydraulic_s), (_HYDRAULIC_STEP, hydraulic_s), (_QUALITY_STEP, quality_s)
        for code, seconds in longest:
            self._call("EN_settimeparam", ctypes.c_int(code), ctypes.c_long(seconds))

    def hydraulics(self) -> None:
        """Flows and pressures of now."""
        self._call("EN_runH", ctypes.byref(self._long))

    def quality(self) -> None:
        """Concentrations of now."""
        self._call("EN_runQ", ctypes.byref(self._long))

    def advance(self) -> int:
        """Goes on to the next instant; the seconds until then."""
        self._call("EN_nextH", ctypes.byref(self._long))
        seconds = self._long.value
        self._call("EN_nextQ", ctypes.byref(self._long))
        return seconds

    def use(self, number: int, factor: float) -> None:
        """The multiplier of a pattern of use from now on."""
        self._call("EN_setpatternvalue", number, 1, ctypes.c_double(factor))

    def emit(self, node: str, coefficient: float) -> None:
        """A hole: flow in L/s at 1 m of pressure head."""
        self._call("EN_setnodevalue", self.nodes[node], EMITTER, ctypes.c_double(coefficient))

    def dose(self, node: str, kind: int, amount: float) -> None:
        """A source of the chemical: mg/L, or mg a minute of MASS."""
        self._call("EN_setnodevalue", self.nodes[node], _SOURCE_QUALITY, ctypes.c_double(amount))
        self._call("EN_setnodevalue", self.nodes[node], _SOURCE_TYPE, ctypes.c_double(kind))

    def head(self, reservoir: str, metres: float) -> None:
        """The head of a reservoir."""
        self._call("EN_setnodevalue", self.nodes[reservoir], _ELEVATION, ctypes.c_double(metres))

    def run_pump(self, pump: str, speed: float | None) -> None:
        """The speed of a pump as a part of the nominal one; None stops it."""
        link = self.links[pump]
        self._call("EN_setlinkvalue", link, _STATUS, ctypes.c_double(0.0 if speed is None else 1.0))
        if speed is not None:
            self._call("EN_setlinkvalue", link, _SETTING, ctypes.c_double(speed))

    def node(self, name: str, code: int) -> float:
        """One value of a node."""
        self._call("EN_getnodevalue", self.nodes[name], code, ctypes.byref(self._double))
        return self._double.value

    def of_nodes(self, code: int, into: Series) -> None:
        """A value of every node, in the order of the network."""
        get, project, value = self._library.EN_getnodevalue, self._project, self._double
        there = ctypes.byref(value)
        for i in range(into.size):
            get(project, i + 1, code, there)
            into[i] = value.value

    def of_links(self, code: int, links: Sequence[int], into: Series) -> None:
        """A value of some links, given by number."""
        get, project, value = self._library.EN_getlinkvalue, self._project, self._double
        there = ctypes.byref(value)
        for i, link in enumerate(links):
            get(project, link, code, there)
            into[i] = value.value


def surface(diameter_m: float) -> float:
    """Square metres of a round tank."""
    return float(np.pi) * diameter_m * diameter_m / 4
