"""What is true of storm water over a span: every district through SWMM, and what its instruments would read."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.errors import ConfigurationError
from simulators.noise import key, level, wander
from simulators.town import drainage_network as network
from simulators.town.drainage_engine import Clog, Course, Inlet, Run, run
from simulators.town.drainage_network import District, Plan
from simulators.town.drainage_pumps import Spell
from simulators.town.drainage_storm import STORM, intensity_mm_h, rain_mm
from simulators.town.happenings import Happening
from simulators.town.layout import Instrument, Layout
from simulators.town.truth import Series, Span, Truth

_SECOND = 1_000_000
_HOUR_S = 3600
#: Before a span: what fills the dry sewers of a fresh run and lets the pumps find their rhythm (water takes 20 minutes
#: from the farthest manhole to the well).
_WARM_UP_S = 2 * _HOUR_S
#: Before the first event, if that came earlier; and how long an event of the past still matters.
_LEAD_S, _MEMORY_S = 1800, 48 * _HOUR_S
#: The station looks at its well every 10 s; in spans that are sampled more rarely than each minute, every 30 s.
_OFTEN_S, _RARELY_S, _MINUTE_S = 10, 30, 60
#: Supply without load: a little above nominal, and it wanders. Ours, within the 7 % of GB/T 12325.
_SUPPLY_V, _SUPPLY_WANDERS_V, _SUPPLY_PERIOD_S = 388.0, 3.0, 1800.0
#: Flow of dry weather is up to this part above the pattern of the day, and wanders. Ours.
_DRY_WANDERS, _DRY_PERIOD_S = 0.16, 7200.0
#: Counters count since 2024 began: starts and hours of each pump in an hour (as on dry days, with some rain), and a
#: year's rain in mm.
_INSTALLED_S = 1_704_067_200
_STARTS_AN_HOUR, _HOURS_AN_HOUR, _RAIN_A_YEAR = (1.3, 0.03, 0.01), (0.055, 0.004, 0.001), 950.0


def solve(layout: Layout, span: Span, happenings: Sequence[Happening], seed: int) -> Truth:
    """Solves all districts one after the other; needs about half a second for a day of each.

    Args:
        layout: As `drainage.lay` made it.
        span: When; its first instant is settled.
        happenings: Those of `drainage` and `power`; power of things that are no pump station is ignored.
        seed: Of the town.

    Raises:
        ConfigurationError: Water is let in where no node is known.
    """
    plan = _plan(layout)
    solved = [_District(layout, plan, of, span, happenings, seed) for of in plan.districts]
    courses = [run(one.of, one.wanted()) for one in solved]
    depth = np.concatenate([course.depth_m for course in courses], axis=1)
    rims = np.array([plan.depths[node] for node in plan.nodes])
    ponds = np.array([node.ponds for node in network.nodes()] * len(solved))
    signals: dict[tuple[str, str], Series] = {}
    for one, course in zip(solved, courses, strict=True):
        signals |= one.signals(course)
    return Truth(
        span=span,
        signals=signals,
        fields={
            "drainage.depth": depth,
            "drainage.freeboard": rims - depth,
            "drainage.street": np.where(ponds, np.maximum(depth - rims, 0.0), 0.0),
        },
        things=dict.fromkeys(("drainage.depth", "drainage.freeboard", "drainage.street"), plan.nodes),
    )


def wanted_of(layout: Layout, of: District, span: Span, happenings: Sequence[Happening], seed: int) -> Run:
    """The run of one district, as `solve` lets the engine do it.

    Raises:
        ConfigurationError: Water is let in where no node is known.
    """
    return _District(layout, _plan(layout), of, span, happenings, seed).wanted()


def _plan(layout: Layout) -> Plan:
    if not isinstance(layout.plan, Plan):
        raise TypeError(f"the plan of {layout.network} is no plan of drainage")
    return layout.plan


@dataclass(frozen=True, slots=True)
class _District:
    """One district over a span."""

    layout: Layout
    plan: Plan
    of: District
    span: Span
    happenings: Sequence[Happening]
    seed: int

    def wanted(self) -> Run:
        """What happens to it, in seconds of a run that begins early enough."""
        begins = self._begins()
        span, own = self.span, [h for h in self.happenings if self._mine(h)]

        def seconds(at: int) -> float:
            return (at - begins) / _SECOND

        def until(happening: Happening) -> float:
            return math.inf if happening.until is None else seconds(happening.until)

        instants = (span.times - begins) // _SECOND
        edges = begins + np.arange(int(instants[-1]) // _MINUTE_S + 3, dtype=np.int64) * (_MINUTE_S * _SECOND)
        stretches = [(seconds(h.since), until(h)) for h in own if h.kind == "power.lost"]
        supply, begin_s = key("drainage", self.seed, self.of.station, "supply"), begins / _SECOND
        dry = {node: key("drainage", self.seed, self.of.node(node), "dry weather") for node in self.of.dry_flow}

        def volts(now_s: float) -> float:
            if any(since <= now_s < end for since, end in stretches):
                return 0.0
            return _SUPPLY_V + _SUPPLY_WANDERS_V * wander(supply, begin_s + now_s, _SUPPLY_PERIOD_S)

        def dry_extra(node: str, now_s: float) -> float:
            part = (1 + wander(dry[node], begin_s + now_s, _DRY_PERIOD_S)) / 2
            return self.of.dry_flow[node] * _DRY_WANDERS * part

        return Run(
            begins=begins,
            rain_mm_h=tuple(float(rain) for rain in np.diff(self._fallen(edges)) * 60),
            step_s=_step_s(span.step_s),
            instants_s=instants,
            level_points=tuple(self._points()),
            dry_extra=dry_extra,
            volts=volts,
            spells=tuple(
                Spell(kind=h.kind, pump=int(h["pump"]) - 1, since_s=seconds(h.since), until_s=until(h))
                for h in own
                if h.kind.startswith("drainage.pump_")
            ),
            inlets=tuple(
                Inlet(node=self._node(h), flow_m3_s=h["flow"], since_s=seconds(h.since), until_s=until(h))
                for h in own
                if h.kind == "drainage.inflow"
            ),
            clogs=tuple(
                Clog(node=self._node(h), open_part=h["open"], since_s=seconds(h.since), until_s=until(h))
                for h in own
                if h.kind == "drainage.blockage"
            ),
        )

    def signals(self, course: Course) -> dict[tuple[str, str], Series]:
        """What its instruments would read."""
        column = {self.of.node(node.id): course.depth_m[:, k] for k, node in enumerate(network.nodes())}
        rim = self.plan.depths
        found: dict[tuple[str, str], Series] = {}
        well = self.of.station + "-well"
        found[well, "pump.wetwell.level"] = column[self.of.node(network.WELL)]
        found[well, "pump.voltage"] = course.volts
        for k in range(len(network.PUMPS)):
            found |= self._pump(course, k)
        for k, (asset, node) in enumerate(self._level_points()):
            found[asset + "-d", "drain.level"] = column[node]
            found[asset + "-d", "drain.velocity"] = course.velocity_m_s[:, k]
        for one in self._instruments("underpass"):
            node = self.plan.stands[one.asset]
            found[one.device, "drain.road.depth"] = np.maximum(column[node] - rim[node], 0.0) * 100
        gauge, times = self.of.gauge + "-d", self.span.times
        found[gauge, "drain.rain"] = intensity_mm_h(times, self._storms(), off_m=self._off_m())
        found[gauge, "drain.rain.depth"] = self._fallen(times) + round(self._installed_h() / 8766 * _RAIN_A_YEAR, 1)
        return found

    def _pump(self, course: Course, k: int) -> dict[tuple[str, str], Series]:
        device = f"{self.of.station}-pump{k + 1}"
        usage = 1 + 0.2 * level("drainage", self.seed, device, "usage")
        # Counters run over the span; before it they have counted at their usual pace.
        starts = math.floor(self._installed_h() * _STARTS_AN_HOUR[k] * usage)
        hours = self._installed_h() * _HOURS_AN_HOUR[k] * usage
        return {
            (device, "pump.command"): course.command[:, k],
            (device, "pump.state"): course.state[:, k],
            (device, "pump.fault"): course.fault[:, k],
            (device, "pump.current"): course.current_a[:, k],
            (device, "pump.winding.temperature"): course.winding_c[:, k],
            (device, "pump.starts"): starts + course.starts[:, k] - course.starts[0, k],
            (device, "pump.hours"): hours + course.hours[:, k] - course.hours[0, k],
        }

    def _instruments(self, kind: str) -> list[Instrument]:
        assets = {asset.id for asset in self.layout.of_kind(kind)}
        own = self.of.node("")
        return [
            one
            for one in self.layout.instruments
            if one.asset in assets and self.plan.stands[one.asset].startswith(own)
        ]

    def _level_points(self) -> list[tuple[str, str]]:
        return [(one.asset, self.plan.stands[one.asset]) for one in self._instruments("sewer_point")]

    def _points(self) -> list[str]:
        """Nodes of the template under the level points."""
        return [node.removeprefix(self.of.node("")) for _, node in self._level_points()]

    def _storms(self) -> list[Happening]:
        return [h for h in self.happenings if h.kind == STORM]

    def _fallen(self, instants: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> Series:
        return rain_mm(instants, self._storms(), off_m=self._off_m())

    def _off_m(self) -> float:
        """From the first district, where storms break."""
        here, first = (self.plan.places[of.node("MH06")] for of in (self.of, self.plan.districts[0]))
        return math.dist(here, first)

    def _installed_h(self) -> float:
        return (self.span.start / _SECOND - _INSTALLED_S) / _HOUR_S

    def _begins(self) -> int:
        """Microseconds of the first second: before the span, and before events that began before it."""
        earliest = self.span.start - _WARM_UP_S * _SECOND
        for happening in self.happenings:
            if happening.kind == STORM or self._mine(happening):
                earliest = min(earliest, happening.since - _LEAD_S * _SECOND)
        earliest = max(earliest, self.span.start - _MEMORY_S * _SECOND)
        # The run and the span share their grid of instants.
        grid = math.lcm(_MINUTE_S, self.span.step_s) * _SECOND
        return self.span.start - math.ceil((self.span.start - earliest) / grid) * grid

    def _mine(self, happening: Happening) -> bool:
        if happening.kind == STORM:
            return False
        if happening.kind == "power.lost" or happening.kind.startswith("drainage.pump_"):
            return happening.target == self.of.station
        return self._stand(happening).startswith(self.of.node(""))

    def _node(self, happening: Happening) -> str:
        """The node of the template that an event befalls."""
        return self._stand(happening).removeprefix(self.of.node(""))

    def _stand(self, happening: Happening) -> str:
        target = happening.target or ""
        if target not in self.plan.stands:
            raise ConfigurationError(
                "simulators", [f"{happening.kind}: {target or 'nothing'} stands on no storm drain"]
            )
        return self.plan.stands[target]


def _step_s(sample_s: int) -> int:
    """How often the station looks at its well: the largest part of the sampling that is often enough."""
    most = _OFTEN_S if sample_s <= _MINUTE_S else _RARELY_S
    return max(part for part in range(1, most + 1) if sample_s % part == 0)
