"""Medium-pressure gas of the town: laid along streets, solved by pandapipes.

Fields: `gas.pressure` (kPa above the air, junctions) and `gas.leak` (m3/h at normal conditions, targets of leaks).
What gathers in valve wells needs the water of the streets too: `simulators.town.manholes` says it.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from simulators.noise import key, wander_each
from simulators.town import gas_signals
from simulators.town.gas_demand import demand_m3h
from simulators.town.gas_field import NETWORK
from simulators.town.gas_flow import Flow, State, together_mm
from simulators.town.gas_network import planned
from simulators.town.gas_plan import GasPlan
from simulators.town.ground import Ground
from simulators.town.happenings import Happening, of_domains
from simulators.town.layout import Layout
from simulators.town.truth import Series, Span, Times, Truth

__all__ = ["lay", "solve"]

_SECOND, _DAY = 1_000_000, 86_400_000_000
#: The engine is asked every so many seconds in spans up to so many days; between, all goes in straight lines.
_PACES = ((2, 600), (10, 1800), (math.inf, 3600))
#: What gates hold wanders a little (ours).
_GATE_KPA, _GATE_S = 0.4, 5400.0
#: Works of a valve well are those registered for a main no farther away.
_WORKS_M = 300.0


def lay(ground: Ground, seed: int) -> Layout:
    """The gas network of a ground: stations, valve wells, test posts, mains."""
    plan, field = planned(ground, seed)
    return Layout(
        network=NETWORK,
        assets=tuple(field.assets),
        instruments=tuple(field.instruments),
        links=field.links(len(plan.gates)),
        plan=plan,
    )


def solve(layout: Layout, span: Span, happenings: Sequence[Happening], seed: int) -> Truth:
    """Pressures, flows and leaks over a span, and what stations, posts and permits say.

    Raises:
        GasUnsolvedError: The mains cannot bring what customers draw.
    """
    plan = layout.plan
    if not isinstance(plan, GasPlan):
        raise TypeError("the layout is not one of gas")
    events = of_domains(happenings, "gas")
    leaks = [event for event in events if event.kind in ("gas.leak", "gas.dig")]
    result = _solved(plan, span, leaks, seed)
    signals: dict[tuple[str, str], Series] = {}
    own_demand = _behind_stations(plan, span, seed)
    gates = {gate.station: number for number, gate in enumerate(plan.gates)}
    junctions = list(plan.places)
    for instrument in layout.instruments:
        asset = instrument.asset
        if asset in plan.stations:
            found = gas_signals.station(
                plan,
                asset,
                span,
                inlet=result.pressure[:, junctions.index(plan.stations[asset])],
                flow=result.gate[:, gates[asset]] if asset in gates else own_demand[asset],
                events=[event for event in events if event.kind == "gas.regulator" and event.target == asset],
                seed=seed,
            )
            signals |= {(instrument.device, name): series for name, series in found.items()}
        elif instrument.device == plan.works.get(asset):
            digs = [event for event in leaks if event.kind == "gas.dig" and _registered(plan, event) == asset]
            signals[instrument.device, "works.active"] = gas_signals.works(span, digs)
        elif "gas.cathodic" in instrument.properties:
            signals[instrument.device, "gas.cathodic"] = gas_signals.cathodic(asset, span, seed)
    return Truth(
        span=span,
        signals=signals,
        fields={"gas.pressure": result.pressure, "gas.leak": result.leak},
        things={"gas.pressure": tuple(junctions), "gas.leak": tuple(_targets(leaks))},
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Piece:
    """A part of the span in which holes stay as they are: where it begins and ends, and what is open."""

    since: int
    until: int
    holes: tuple[float, ...]


def _solved(plan: GasPlan, span: Span, leaks: Sequence[Happening], seed: int) -> State:
    """The state at every instant: [steps, junctions], [steps, gates], [steps, targets]."""
    targets = _targets(leaks)
    flow = Flow(plan, [plan.junction_of[target] for target in targets])
    times = span.times
    parts: list[State] = []
    for piece in _pieces(span, leaks, targets):
        knots = _knots(piece, span)
        demand = demand_m3h(plan.sinks, knots, seed)
        held = np.stack(
            [
                gate.pressure_kpa + _GATE_KPA * wander_each(key(seed, gate.station, "gate"), knots / _SECOND, _GATE_S)
                for gate in plan.gates
            ],
            axis=1,
        )
        states = [flow.state(demand[k], held[k], piece.holes) for k in range(len(knots))]
        inside = times[(times >= piece.since) & (times < piece.until)]
        parts.append(
            State(
                pressure=_between(inside, knots, [state.pressure for state in states]),
                gate=_between(inside, knots, [state.gate for state in states]),
                leak=_between(inside, knots, [state.leak for state in states]),
            )
        )
    return State(
        pressure=np.concatenate([part.pressure for part in parts]),
        gate=np.concatenate([part.gate for part in parts]),
        leak=np.concatenate([part.leak for part in parts]),
    )


def _targets(leaks: Sequence[Happening]) -> list[str]:
    return list(dict.fromkeys(str(event.target) for event in leaks))


def _pieces(span: Span, leaks: Sequence[Happening], targets: Sequence[str]) -> Iterator[_Piece]:
    turns = {turn for event in leaks for turn in (event.since, event.until) if turn is not None}
    edges = [span.start, *sorted(turn for turn in turns if span.start < turn < span.end), span.end]
    for since, until in pairwise(edges):
        open_ = [e for e in leaks if e.since <= since and (e.until is None or e.until > since)]
        holes = tuple(together_mm([e["hole"] for e in open_ if e.target == target]) for target in targets)
        yield _Piece(since=since, until=until, holes=holes)


def _knots(piece: _Piece, span: Span) -> Times:
    """When the engine is asked: at the ends of a piece, and on a grid that is the same in every span."""
    days = (span.end - span.start) / _DAY
    pace = next(pace for most, pace in _PACES if days <= most) * _SECOND
    first = piece.since // pace + 1
    inner = np.arange(first, -(-piece.until // pace), dtype=np.int64) * pace
    return np.unique(np.concatenate([[piece.since], inner, [piece.until]]).astype(np.int64))


def _between(times: Times, knots: Times, values: Sequence[Series]) -> Series:
    """Straight lines between what was found at the knots; [times, columns]."""
    rows = np.stack(values)
    left = np.clip(np.searchsorted(knots, times, side="right") - 1, 0, len(knots) - 2)
    part = ((times - knots[left]) / (knots[left + 1] - knots[left]))[:, None]
    return np.asarray(rows[left] * (1 - part) + rows[left + 1] * part, dtype=np.float64)


def _behind_stations(plan: GasPlan, span: Span, seed: int) -> dict[str, Series]:
    """What is drawn behind each station that is no gate."""
    demand = demand_m3h(plan.sinks, span.times, seed)
    return {sink.station: demand[:, number] for number, sink in enumerate(plan.sinks) if sink.station}


def _registered(plan: GasPlan, event: Happening) -> str:
    """The main whose works are those of an excavation: its own, or the nearest that has any."""
    target = str(event.target)
    if target in plan.works:
        return target
    place = plan.holes[target]
    near = [(math.dist(plan.holes[main], place), main) for main in plan.works]
    return min((found for found in near if found[0] <= _WORKS_M), default=(0.0, ""))[1]
