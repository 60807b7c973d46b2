"""A run of the engine: days of warming up, then a span, instant by instant."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np
from numpy.typing import NDArray

from simulators.town.ground import Point
from simulators.town.happenings import Happening
from simulators.town.truth import Series, Span
from simulators.town.water_day import QUARTERS, dose, quarter, use
from simulators.town.water_epanet import (
    CONCENTRATION,
    DEMAND,
    FLOW,
    FLOW_PACED,
    MASS,
    OFF,
    PRESSURE,
    QUALITY,
    VELOCITY,
    Epanet,
    text,
)
from simulators.town.water_events import Events, amount
from simulators.town.water_net import Network, Station

#: Chlorine decays in the water and at the wall, of first order. Bulk: 0.1 to 1.5 a day in treated surface water
#: (EPANET 2.2 user manual, 3.4, bottle tests); wall: 0 to 1.5 m a day (there). Plastic and lined pipes of a new town
#: lie at the lower ends.
BULK_PER_DAY, WALL_M_PER_DAY = -0.3, -0.02
#: Water passes a contact tank, which mixes; GB 50013 asks for 30 minutes at least.
_CONTACT_S = 1800.0
#: What was tried: after three days the levels and chlorine of a quiet day repeat the day before.
_WARM_S = 72 * 3600
_COARSE_S, _COARSE_QUALITY_S = 900, 300
#: Recorded before the span, for models that look back.
_LEAD_S = 3600
#: Head of a plant that stands still and whose pumps are not modelled: so low that no station behind it lifts anything.
_DEAD_HEAD_M = -50.0

Grid = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What the engine needs.

    Attributes:
        nodes: Asset -> the node at which it measures, or at which things happen to it.
        pipes: District meter or main -> its pipe.
        spots: Node -> metres east and north.
        crossings: Those nodes that are crossings of the ground.
        plant: The asset of the treatment plant.
        stations: The assets of the booster stations, in the order of the network.
        turns: District meter -> 1, or -1 where water flows against the direction of the pipe.
        beside: Node of an analyser -> the pipes at it.
        watched: Links of which flow and velocity are kept.
    """

    network: Network
    nodes: Mapping[str, str]
    pipes: Mapping[str, str]
    spots: Mapping[str, Point]
    crossings: frozenset[str]
    plant: str
    stations: tuple[str, ...]
    turns: Mapping[str, float]
    beside: Mapping[str, tuple[str, ...]]
    watched: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What a run recorded; rows are instants, of which the first `lead` come before the span.

    Attributes:
        pressure: Metres of water above each node; the level in tanks.
        quality: mg/L (chlorine, a contaminant) or NTU.
        flow: Litres a second from start to end of each watched link.
        velocity: Metres a second, without sign.
        running: Pumps of each booster station.
        clear_well: Metres of water in the clear well.
        demand: What leaves each node, bursts as well, litres a second; negative at a reservoir that gives and a tank
            that empties. Empty unless it was asked for.
    """

    lead: int
    times_s: Series
    pressure: Grid
    quality: Grid
    flow: Series
    velocity: Series
    running: Series
    clear_well: Series
    demand: Series


class _Drive:
    """The controller of a station: speed by proportion and integral of what the level lacks; ours.

    Pumps that would run dry are stopped, as every drive does: below 3 m before them, until there are 10.
    """

    _GAIN, _INTEGRAL_S = 0.2, 12 * 3600.0
    _SLOWEST, _FASTEST = 0.6, 1.25
    _DRY_M, _WET_M = 3.0, 10.0

    def __init__(self, station: Station) -> None:
        self.station = station
        self._sum = 0.0
        self._dry = False

    def dry(self, suction_m: float) -> bool:
        self._dry = suction_m < (self._WET_M if self._dry else self._DRY_M)
        return self._dry

    def speed(self, level_m: float, passed_s: float) -> float:
        lack = self.station.target_m - level_m
        self._sum = min(max(self._sum + self._GAIN * lack * passed_s / self._INTEGRAL_S, -0.15), 0.15)
        return min(max(1.0 + self._GAIN * lack + self._sum, self._SLOWEST), self._FASTEST)


class _ClearWell:
    """The clear well: the plant makes what is used in the mean, a little more when the level is low; ours.

    GB 50013: a clear well holds 10 to 20 % of a day's water. Here 15 % at 3.5 m.
    """

    _TARGET_M, _SHUT_M, _BAND_M = 3.2, 4.35, 0.45
    _GAIN = 0.25

    def __init__(self, mean_m3s: float) -> None:
        self._mean = mean_m3s
        self._surface = 0.15 * mean_m3s * 86_400 / 3.5
        self.level = self._TARGET_M

    def pass_on(self, outflow_m3s: float, seconds: float, *, powered: bool) -> None:
        valve = min(max((self._SHUT_M - self.level) / self._BAND_M, 0.0), 1.0)
        made = self._mean * max(0.0, 1 + self._GAIN * (self._TARGET_M - self.level)) * valve if powered else 0.0
        self.level = max(0.0, self.level + (made - outflow_m3s) * seconds / self._surface)


@dataclass(kw_only=True, slots=True)
class _Hand:
    """What is done to the network at each instant, and what has to be remembered for it."""

    plan: Plan
    events: Events
    seed: int
    begin: int
    engine: Epanet
    tracer: Happening | None
    drives: tuple[_Drive, ...]
    chlorine: float
    running: Series
    holes: dict[str, float] = field(default_factory=dict)

    def act(self, now: int, passed_s: float) -> None:
        network, engine = self.plan.network, self.engine
        time_s = now / 1e6
        for number in range(1, QUARTERS + 1):
            engine.use(number, use(self.seed, number, time_s))
        for node, coefficient in self.events.holes(now).items():
            # A hole that never opened is left alone: EPANET would take it as one.
            if coefficient != self.holes.get(node, 0.0):
                engine.emit(node, coefficient or OFF)
                self.holes[node] = coefficient
        self._pump(now, passed_s)
        if self.tracer is None:
            aim = 0.0 if self.events.undosed(self.plan.plant, now) else dose(self.seed, time_s)
            self.chlorine += (aim - self.chlorine) * -math.expm1(-passed_s / _CONTACT_S)
            engine.dose(network.source, CONCENTRATION, max(self.chlorine, 1e-6))
        else:
            kind = MASS if self.tracer.kind == "water.contamination" else FLOW_PACED
            engine.dose(self.plan.nodes[str(self.tracer.target)], kind, max(amount(self.tracer, now), 1e-9))

    def _pump(self, now: int, passed_s: float) -> None:
        network, engine = self.plan.network, self.engine
        halted = self.events.stopped(self.plan.plant, now)
        if network.works is None:
            engine.head(network.source, _DEAD_HEAD_M if halted else network.source_m)
        for number, drive in enumerate(self.drives):
            asset = self.plan.plant if drive.station is network.works else self.plan.stations[number]
            speed = None
            dry = (
                drive.station is not network.works
                and now > self.begin
                and drive.dry(engine.node(drive.station.suction, PRESSURE))
            )
            if not dry and not self.events.stopped(asset, now):
                levels = [engine.node(tank, PRESSURE) for tank in drive.station.tanks]
                speed = drive.speed(sum(levels) / len(levels), passed_s)
            for pump in drive.station.pumps:
                engine.run_pump(pump, speed)
            if drive.station is not network.works:
                self.running[number] = float(speed is not None)


def run(
    plan: Plan, span: Span, events: Events, seed: int, *, tracer: Happening | None = None, demands: bool = False
) -> Run:
    """Runs chlorine, or a tracer, through the network.

    Args:
        plan: What there is.
        span: The instants that are wanted; steps of a minute to an hour.
        events: What happens.
        seed: Decides the use of each day.
        tracer: A contamination or disturbance that is followed in place of chlorine.
        demands: Whether what leaves each node is recorded.
    """
    network = plan.network
    lead = -(-_LEAD_S // span.step_s)
    step = min(span.step_s, _COARSE_S)
    rows = lead + span.steps
    begin = span.start - (_WARM_S + lead * span.step_s) * 1_000_000
    source = text(
        network,
        patterns=[quarter(seed, j.id) for j in network.junctions],
        chemical="Chlorine" if tracer is None else "Substance",
        initial=0.4 if tracer is None else 0.0,
        bulk=BULK_PER_DAY if tracer is None else 0.0,
        wall=WALL_M_PER_DAY if tracer is None else 0.0,
    )
    nodes, watched = len(network.nodes), len(plan.watched)
    found = Run(
        lead=lead,
        times_s=begin / 1e6 + _WARM_S + np.arange(rows, dtype=np.float64) * span.step_s,
        pressure=np.zeros((rows, nodes), dtype=np.float32),
        quality=np.zeros((rows, nodes), dtype=np.float32),
        flow=np.zeros((rows, watched)),
        velocity=np.zeros((rows, watched)),
        running=np.zeros((rows, len(plan.stations))),
        clear_well=np.zeros(rows),
        demand=np.zeros((rows, nodes) if demands else (0, nodes)),
    )
    with Epanet(network, source) as engine:
        drives = [_Drive(station) for station in network.boosters]
        if network.works is not None:
            drives.append(_Drive(network.works))
        hand = _Hand(
            plan=plan,
            events=events,
            seed=seed,
            begin=begin,
            engine=engine,
            tracer=tracer,
            drives=tuple(drives),
            chlorine=dose(seed, begin / 1e6),
            running=np.zeros(len(plan.stations)),
        )
        well = _ClearWell(sum(j.demand_lps for j in network.junctions) / 1000)
        _step_through(_Loop(hand=hand, well=well, step=step, span=span), found)
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class _Loop:
    hand: _Hand
    well: _ClearWell
    step: int
    span: Span


def _step_through(loop: _Loop, found: Run) -> None:
    engine, plan = loop.hand.engine, loop.hand.plan
    outlet = [engine.links[name] for name in plan.network.outlet]
    watched = [engine.links[name] for name in plan.watched]
    buffer = np.zeros(len(plan.network.nodes))
    out = np.zeros(len(outlet))
    engine.steps(hydraulic_s=_COARSE_S, quality_s=_COARSE_QUALITY_S)
    row, time_s, passed_s = 0, 0, 0
    for _ in count():
        if time_s == _WARM_S:
            engine.steps(hydraulic_s=loop.step, quality_s=loop.step)
        now = loop.hand.begin + time_s * 1_000_000
        loop.hand.act(now, float(passed_s))
        engine.hydraulics()
        engine.quality()
        if time_s >= _WARM_S and (time_s - _WARM_S) % loop.span.step_s == 0:
            _record(loop, watched, buffer, row, found)
            found.running[row] = loop.hand.running
            found.clear_well[row] = loop.well.level
            row += 1
            if row == len(found.times_s):
                return
        engine.of_links(FLOW, outlet, out)
        passed_s = engine.advance()
        powered = not loop.hand.events.dark(plan.plant, now)
        loop.well.pass_on(float(np.abs(out).sum()) / 1000, float(passed_s), powered=powered)
        time_s += passed_s


def _record(loop: _Loop, watched: Sequence[int], buffer: Series, row: int, found: Run) -> None:
    engine = loop.hand.engine
    engine.of_nodes(QUALITY, buffer)
    found.quality[row] = buffer
    if loop.hand.tracer is not None:
        # The water itself is that of the run of chlorine.
        return
    engine.of_nodes(PRESSURE, buffer)
    # Below zero a pipe stands empty.
    found.pressure[row] = np.maximum(buffer, 0.0)
    engine.of_links(FLOW, watched, found.flow[row])
    engine.of_links(VELOCITY, watched, found.velocity[row])
    if found.demand.size:
        engine.of_nodes(DEMAND, found.demand[row])
