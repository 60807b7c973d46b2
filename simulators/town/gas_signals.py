"""What instruments of the gas network would read if they were perfect, from pressures and flows."""

from collections.abc import Sequence

import numpy as np

from simulators.noise import key, level, wander_each
from simulators.town.gas_plan import GasPlan
from simulators.town.happenings import Happening
from simulators.town.truth import Series, Span

_ZONE_S, _DAY_S, _SECOND = 8 * 3600, 86_400, 1_000_000
#: Low pressure behind a regulator: 2.5 kPa, of the 2 to 3 kPa that are usual in towns; it falls as more is drawn.
_OUTLET_KPA, _DROOP_KPA = 2.5, 0.2
#: A regulator needs so much before it; with less its outlet falls in proportion (ours).
_LEAST_INLET_KPA = 25.0
#: A regulator creeps to its wrong pressure and back within this time (ours).
_CREEP_S = 240.0
#: Works are registered as under way so long before an excavator hits the pipe, and end with the event (ours).
_WORKS_BEFORE_S = 1800


def station(
    plan: GasPlan, name: str, span: Span, *, inlet: Series, flow: Series, events: Sequence[Happening], seed: int
) -> dict[str, Series]:
    """Property -> series of a regulator station.

    Args:
        plan: The network.
        name: The station.
        span: The instants.
        inlet: Pressure of the main there, kPa.
        flow: What its meter counts, m3/h at normal conditions.
        events: What happens to its regulator.
        seed: Of the town.
    """
    seconds = span.times / _SECOND
    mean = max(sum(sink.mean_m3h for sink in plan.sinks) / len(plan.gates), 1.0)
    if all(gate.station != name for gate in plan.gates):
        mean = sum(sink.mean_m3h for sink in plan.sinks if sink.station == name) or 1.0
    outlet = _OUTLET_KPA + 0.08 * level(seed, name, "outlet") - _DROOP_KPA * np.clip(flow / mean - 1, -1, 1.5)
    outlet += 0.02 * _wander(seed, name, "outlet", seconds, 1800)
    for event in events:
        outlet += (event["outlet"] - outlet) * _ramp(span, event)
    sun = np.cos((seconds + _ZONE_S - 15 * 3600) % _DAY_S / _DAY_S * 2 * np.pi)
    return {
        "gas.pressure.mp": inlet,
        "gas.pressure.lp": np.minimum(outlet, outlet * np.maximum(inlet, 0) / _LEAST_INLET_KPA),
        "gas.flow": flow,
        "gas.temperature": 14.0 + 1.5 * sun + 0.4 * _wander(seed, name, "temperature", seconds, 36_000),
        "gas.ch4.station": 0.6 + 0.2 * level(seed, name, "ch4") + 0.3 * _wander(seed, name, "ch4", seconds, 3600),
    }


def cathodic(post: str, span: Span, seed: int) -> Series:
    """Pipe-to-soil potential, V against copper sulfate: protected below -0.85 V, wandering with the soil's moisture."""
    seconds = span.times / _SECOND
    return -1.02 + 0.06 * level(seed, post, "soil") + 0.015 * _wander(seed, post, "soil", seconds, 7200)


def works(span: Span, events: Sequence[Happening]) -> Series:
    """Whether registered works are under way: 1 around excavations, else 0."""
    active = np.zeros(span.steps)
    for event in events:
        active[span.between(event.since - _WORKS_BEFORE_S * _SECOND, event.until)] = 1.0
    return active


def _ramp(span: Span, event: Happening) -> Series:
    """From 0 to 1 as an event takes hold, and back when it is over."""
    times = span.times
    ramp = np.clip((times - event.since) / (_CREEP_S * _SECOND), 0, 1)
    if event.until is not None:
        ramp = np.minimum(ramp, np.clip(1 - (times - event.until) / (_CREEP_S * _SECOND), 0, 1))
    return ramp


def _wander(seed: int, name: str, what: str, seconds: Series, period_s: float) -> Series:
    return wander_each(key(seed, "gas", name, what), seconds, period_s)
