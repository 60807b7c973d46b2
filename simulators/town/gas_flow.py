"""The gas network in pandapipes: pressures and flows of one instant, with leaks that follow the pressure at the hole.

pandapipes is quasi-steady: mains store nothing, so a leak shows at once everywhere.
"""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from domain.errors import LifelineError
from simulators.town.gas_leak import GROUND_K, kg_s, leak_kg_s, normal_m3h
from simulators.town.gas_plan import GasPlan
from simulators.town.truth import Series

#: Roughness of the wall, mm: polyethylene and coated steel in use (the figures page's network has it too).
_ROUGHNESS_MM = 0.05
#: A leak is settled when another pass changes it by less than this part, and after so many passes at most.
_SETTLED, _PASSES = 0.002, 8
#: Halvings when the hole takes more than the mains can bring: a part in some ten thousand.
_HALVINGS = 14


class GasUnsolvedError(LifelineError):
    """The demand itself is more than the network carries."""


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """One instant. Gauge pressures in kPa; flows at normal conditions, m3/h.

    Attributes:
        pressure: At each junction.
        gate: Through each gate.
        leak: Out of each hole, as the engine was given it.
    """

    pressure: Series
    gate: Series
    leak: Series


class Flow:
    """The network of a plan; keeps the state of the engine between instants.

    Args:
        plan: The network.
        leaks: Junctions that a leak may draw from.
    """

    def __init__(self, plan: GasPlan, leaks: Sequence[str]) -> None:
        with warnings.catch_warnings():
            # Third-party code of the engine warns about versions of its own dependencies.
            warnings.simplefilter("ignore")
            import pandapipes
            from pandapipes.pf.pipeflow_setup import PipeflowNotConverged

            self._engine: Any = pandapipes
            self._diverged: type[Exception] = PipeflowNotConverged
            self._net, self._numbers = self._built(plan, leaks)
        self._sinks = len(plan.sinks)
        self._at = [self._numbers[junction] for junction in leaks]
        self._junctions = [self._numbers[junction] for junction in plan.places]
        self._most_kpa = max(gate.pressure_kpa for gate in plan.gates)
        self._holes: tuple[float, ...] = ()
        self._leak = np.zeros(len(leaks))

    def state(self, demand_m3h: Series, gate_kpa: Series, holes_mm: Sequence[float]) -> State:
        """Pressures and flows when customers draw so much, gates hold so much, and holes are so wide.

        Leaks take two or three passes: solve, let out what the pressure there presses out, solve again. If the hole
        takes more than the mains can bring, the engine finds no solution with it; then the flow is found for which it
        has one and the pressure presses out just that.

        Raises:
            GasUnsolvedError: There is no solution even without leaks.
        """
        holes = tuple(holes_mm)
        if holes != self._holes:
            self._holes = holes
            self._leak = np.array([leak_kg_s(hole, self._most_kpa) for hole in holes])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._net.ext_grid["p_bar"] = gate_kpa / 100
            self._net.sink.loc[: self._sinks - 1, "mdot_kg_per_s"] = kg_s(1.0) * demand_m3h
            self._settle()
        return State(
            pressure=self._pressure(self._junctions),
            gate=np.asarray(-self._net.res_ext_grid["mdot_kg_per_s"].to_numpy(), dtype=np.float64) * normal_m3h(1.0),
            leak=self._leak * normal_m3h(1.0),
        )

    def _settle(self) -> None:
        """Solves with leaks that the pressure explains."""
        for _ in range(_PASSES):
            if not self._solved(self._leak):
                break
            pressed = self._pressed()
            if np.abs(pressed - self._leak).sum() <= _SETTLED * self._leak.sum():
                return
            self._leak = pressed
        self._halve()

    def _halve(self) -> None:
        """The largest part of the freest flow for which there is a solution that presses out at least as much."""
        free = np.array([leak_kg_s(hole, self._most_kpa) for hole in self._holes])
        low, high = 0.0, 1.0
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            if self._solved(free * middle) and self._pressed().sum() >= (free * middle).sum():
                low = middle
            else:
                high = middle
        self._leak = free * low
        if not self._solved(self._leak):
            raise GasUnsolvedError("the gas network cannot bring what its customers draw")

    def _solved(self, leak: Series) -> bool:
        """Whether the engine finds a solution, with pressure everywhere."""
        self._net.sink.loc[self._sinks :, "mdot_kg_per_s"] = leak
        try:
            self._engine.pipeflow(self._net, mode="hydraulics", use_numba=False)
        except self._diverged:
            return False
        pressure = self._pressure(self._junctions)
        return bool(np.isfinite(pressure).all() and (pressure >= 0).all())

    def _pressed(self) -> Series:
        """What the pressures of the last solution press out of the holes."""
        pressures = self._pressure(self._at)
        return np.array([leak_kg_s(hole, p) for hole, p in zip(self._holes, pressures.tolist(), strict=True)])

    def _pressure(self, junctions: Sequence[int]) -> Series:
        return np.asarray(self._net.res_junction["p_bar"].to_numpy()[junctions] * 100, dtype=np.float64)

    def _built(self, plan: GasPlan, leaks: Sequence[str]) -> tuple[Any, Mapping[str, int]]:
        engine = self._engine
        net = engine.create_empty_network(fluid="methane")
        numbers: dict[str, int] = {
            junction: engine.create_junction(net, pn_bar=3.0, tfluid_k=GROUND_K, name=junction)
            for junction in plan.places
        }
        for main in plan.mains:
            ends = [numbers[end] for end in main.ends]
            _pipe(engine, net, ends, length_m=main.length_m, inner_mm=main.inner_mm)
        for gate in plan.gates:
            outside = engine.create_junction(net, pn_bar=gate.pressure_kpa / 100, tfluid_k=GROUND_K)
            engine.create_ext_grid(net, outside, p_bar=gate.pressure_kpa / 100, t_k=GROUND_K)
            ends = [outside, numbers[gate.junction]]
            _pipe(engine, net, ends, length_m=gate.length_m, inner_mm=gate.inner_mm)
        for junction in [*(sink.junction for sink in plan.sinks), *leaks]:
            engine.create_sink(net, numbers[junction], mdot_kg_per_s=0.0)
        return net, numbers


def _pipe(engine: Any, net: Any, ends: Sequence[int], *, length_m: float, inner_mm: float) -> None:  # noqa: ANN401
    engine.create_pipe_from_parameters(
        net, *ends, length_km=length_m / 1000, inner_diameter_mm=inner_mm, k_mm=_ROUGHNESS_MM
    )


def together_mm(holes: Sequence[float]) -> float:
    """The hole that lets out as much as several."""
    return math.sqrt(sum(hole * hole for hole in holes))
