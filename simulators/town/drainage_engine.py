"""One district through SWMM: its pumps switched live, what befalls it applied live, the results at wanted instants."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulators.town import drainage_network as network
from simulators.town.drainage_network import District
from simulators.town.drainage_pumps import Spell, Station
from simulators.town.truth import Series

if TYPE_CHECKING:
    from pyswmm import Links, Nodes

#: The county's clock: flows of dry weather follow it.
COUNTY = timezone(timedelta(hours=8))
_PRESSURE_PIPE = "PD1"
#: Seconds between two changes of what is let in.
_INFLOW_S = 60
#: A contracted jet through what stays open of a clogged section (contraction 0.62) that spreads again behind it:
#: loss coefficient (1 / (0.62 a) - 1)^2 after Borda and Carnot.
_CONTRACTION = 0.62


@dataclass(frozen=True, kw_only=True, slots=True)
class Inlet:
    """Water that is let in at a node for a while, m3/s; seconds of the run."""

    node: str
    flow_m3_s: float
    since_s: float
    until_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Clog:
    """The sewer below a node clogs; `open_part` of its section stays open. Seconds of the run."""

    node: str
    open_part: float
    since_s: float
    until_s: float

    @property
    def loss(self) -> float:
        """Loss coefficient of the clogged section, for the velocity in the open sewer."""
        return (1 / (_CONTRACTION * self.open_part) - 1) ** 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What a run is about.

    Attributes:
        begins: Microseconds since 1970 (UTC) of its first second, on a whole second.
        rain_mm_h: Intensity of each minute of it.
        step_s: How often the station looks at its well; instants are multiples of it.
        instants_s: Seconds of the run at which results are wanted.
        level_points: Nodes whose sewer's velocity is wanted.
        dry_extra: Node and second of the run -> flow of dry weather beyond the pattern of the day, m3/s.
        volts: Second of the run -> supply; 0 when it has failed.
    """

    begins: int
    rain_mm_h: Sequence[float]
    step_s: int
    instants_s: NDArray[np.int64]
    level_points: tuple[str, ...]
    dry_extra: Callable[[str, float], float]
    volts: Callable[[float], float]
    spells: tuple[Spell, ...] = ()
    inlets: tuple[Inlet, ...] = ()
    clogs: tuple[Clog, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """What a run brought, at the wanted instants.

    Attributes:
        depth_m: [instants, nodes] water above the invert, nodes as in `drainage_network.nodes`.
        velocity_m_s: [instants, level points].
        volts: [instants] at the terminals of the station.
        flow_m3_s: [instants, pumps] what SWMM says that each moved in the step before.
        inflow_m3, pumped_m3, spilt_m3: [instants] volumes since the begin: into the well, out of it, over its rim.
        runoff_error, routing_error: SWMM's continuity errors, percent.
    """

    depth_m: Series
    velocity_m_s: Series
    volts: Series
    command: Series
    state: Series
    fault: Series
    current_a: Series
    winding_c: Series
    starts: Series
    hours: Series
    flow_m3_s: Series
    inflow_m3: Series
    pumped_m3: Series
    spilt_m3: Series
    runoff_error: float
    routing_error: float


def run(of: District, wanted: Run) -> Course:
    """Runs a district. SWMM can do one at a time in a process; this leaves it closed, and no files."""
    with warnings.catch_warnings():
        # pyswmm 2.1 warns about its own deprecated parts when it is imported.
        warnings.simplefilter("ignore")
        from pyswmm import Links, Nodes, Simulation

        with TemporaryDirectory(prefix="drainage-") as name:
            folder = Path(name)
            model = folder / "district.inp"
            model.write_text(_text(of, wanted), encoding="utf-8")
            errors: list[float] = []
            with Simulation(str(model), str(folder / "report.txt"), str(folder / "results.bin")) as simulation:
                simulation.add_after_end(
                    lambda: errors.extend((simulation.runoff_error, simulation.flow_routing_error))
                )
                simulation.step_advance(wanted.step_s)
                record = _Record(of, wanted, Nodes(simulation), Links(simulation))
                last_s = int(wanted.instants_s[-1])
                for step, _ in enumerate(simulation, start=1):
                    record.take(step * wanted.step_s)
                    if step * wanted.step_s >= last_s:
                        break
    return record.course(runoff_error=errors[0], routing_error=errors[1])


def _text(of: District, wanted: Run) -> str:
    begin = datetime.fromtimestamp(wanted.begins // 1_000_000, UTC).astimezone(COUNTY)
    end = begin + timedelta(seconds=int(wanted.instants_s[-1]) + 2 * wanted.step_s)
    routing_s = min(wanted.step_s, 5) if wanted.step_s <= 10 else wanted.step_s
    options = {
        "START_DATE": f"{begin:%m/%d/%Y}",
        "START_TIME": f"{begin:%H:%M:%S}",
        "REPORT_START_DATE": f"{begin:%m/%d/%Y}",
        "REPORT_START_TIME": f"{begin:%H:%M:%S}",
        "END_DATE": f"{end:%m/%d/%Y}",
        "END_TIME": f"{end:%H:%M:%S}",
        # Results are taken live; what SWMM writes itself is thrown away.
        "REPORT_STEP": "01:00:00",
        "ROUTING_STEP": f"0:00:{routing_s:02d}",
    }
    clogging = sorted({network.below(clog.node).id for clog in wanted.clogs})
    return network.text(of, options=options, rain_mm_h=wanted.rain_mm_h, clogging=clogging)


class _Record:
    """Switches the station and what befalls the district at each step, and keeps what is wanted."""

    def __init__(self, of: District, wanted: Run, nodes: "Nodes", links: "Links") -> None:
        self._of, self._wanted = of, wanted
        self._station = Station(wanted.spells)
        self._nodes = [nodes[node.id] for node in network.nodes()]
        self._by_id = {node.id: item for node, item in zip(network.nodes(), self._nodes, strict=True)}
        self._well, self._pipe = self._by_id[network.WELL], self._by_id[_PRESSURE_PIPE]
        self._pumps = [links[name] for name in network.PUMPS]
        self._sewers = [(links[network.below(node).id], network.below(node).diameter_m) for node in wanted.level_points]
        self._clogged = [(clog, links[network.below(clog.node).id]) for clog in wanted.clogs]
        self._losses = [0.0] * len(self._clogged)
        self._due = iter([*(int(s) for s in wanted.instants_s), -1])
        self._next_s = next(self._due)
        self._rows: list[list[float]] = []
        self._pump_rows: list[list[list[float]]] = []
        self._inflow = self._pumped = self._spilt = 0.0
        self._settings: tuple[float, ...] = ()

    def take(self, now_s: int) -> None:
        """One step of the station; called when SWMM has come to a second of the run."""
        wanted, station = self._wanted, self._station
        flows = [pump.flow for pump in self._pumps]
        self._inflow += self._well.total_inflow * wanted.step_s
        self._pumped += sum(flows) * wanted.step_s
        self._spilt += self._well.flooding * wanted.step_s
        supply = wanted.volts(now_s)
        level, lift = self._well.depth, self._pipe.head - self._well.head
        station.step(now_s, wanted.step_s, level_m=level, lift_m=lift, volts=supply)
        settings = station.settings
        if settings != self._settings:
            for pump, setting in zip(self._pumps, settings, strict=True):
                pump.target_setting = setting
            self._settings = settings
        for place, (clog, sewer) in enumerate(self._clogged):
            loss = clog.loss if clog.since_s <= now_s < clog.until_s else 0.0
            if loss != self._losses[place]:
                sewer.inlet_head_loss = self._losses[place] = loss
        if now_s % _INFLOW_S < wanted.step_s or wanted.inlets:
            self._let_in(now_s)
        if now_s == self._next_s:
            self._keep(station.volts(supply), flows)
            self._next_s = next(self._due)

    def _let_in(self, now_s: int) -> None:
        extra = {node: self._wanted.dry_extra(node, now_s) for node in self._of.dry_flow}
        for inlet in self._wanted.inlets:
            on = inlet.since_s <= now_s < inlet.until_s
            extra[inlet.node] = extra.get(inlet.node, 0.0) + inlet.flow_m3_s * on
        for node, flow in extra.items():
            self._by_id[node].generated_inflow(flow)

    def _keep(self, volts: float, flows: list[float]) -> None:
        speeds = [velocity_m_s(link.flow, link.depth, diameter) for link, diameter in self._sewers]
        depths = [node.depth for node in self._nodes]
        self._rows.append([volts, self._inflow, self._pumped, self._spilt, *depths, *speeds])
        self._pump_rows.append(
            [
                [p.command, p.state, p.fault, p.current_a, p.winding_c, p.starts, p.hours, flow]
                for p, flow in zip(self._station.pumps, flows, strict=True)
            ]
        )

    def course(self, *, runoff_error: float, routing_error: float) -> Course:
        """Everything that was kept."""
        rows = np.array(self._rows, dtype=np.float64)
        pumps = np.array(self._pump_rows, dtype=np.float64)
        count = 4 + len(self._nodes)
        command, state, fault, current, winding, starts, hours, flow = (pumps[:, :, k] for k in range(pumps.shape[2]))
        return Course(
            volts=rows[:, 0],
            inflow_m3=rows[:, 1],
            pumped_m3=rows[:, 2],
            spilt_m3=rows[:, 3],
            depth_m=rows[:, 4:count],
            velocity_m_s=rows[:, count:],
            command=command,
            state=state,
            fault=fault,
            current_a=current,
            winding_c=winding,
            starts=starts,
            hours=hours,
            flow_m3_s=flow,
            runoff_error=runoff_error,
            routing_error=routing_error,
        )


def velocity_m_s(flow_m3_s: float, depth_m: float, diameter_m: float) -> float:
    """Mean velocity in a circular sewer that is filled to some depth."""
    part = min(max(depth_m / diameter_m, 1e-3), 1.0)
    angle = 2 * np.arccos(1 - 2 * part)
    return float(flow_m3_s / (diameter_m**2 / 8 * (angle - np.sin(angle))))
