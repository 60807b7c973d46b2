"""Covers: how they lie, what lifts them, shakes them or takes them away."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulators.noise import key, level, wander_each
from simulators.town.happenings import Happening
from simulators.town.manholes_field import ManholePlan
from simulators.town.truth import Series, Span, Truth

_SECOND = 1_000_000
#: A cover of ductile iron of 600 mm for roads weighs 60 to 90 kg (makers' tables for class D400 of EN 124 and
#: GB/T 23858). Drains are simulated with open manholes: the water over the rim there is the head below a closed cover.
_DIAMETER_M, _WEIGHT_KG = 0.6, (75.0, 15.0)
_WATER_KG_M3 = 1000.0
#: A cover that was lifted lies beside or across its frame, at such an angle (ours). Nobody puts it back by itself.
_DISPLACED_DEG = (32.0, 8.0)
#: Covers lie nearly level: mean, spread and wandering in degrees (ours; makers alarm at 5 to 15).
_LEVEL_DEG, _SPREAD_DEG, _WANDER_DEG, _WANDER_S = 1.0, 0.6, 0.1, 21_600.0
#: An excavator beside a main shakes covers around: for so long, so far, by so many degrees (ours; below what counts as
#: displaced). They rock with a period of four samples.
_SHAKEN_S, _SHAKEN_M, _SHAKEN_DEG = 1200, 100.0, (7.0, 0.4)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cover:
    """One cover over a span: degrees of tilt, and whether it is open."""

    tilt: Series
    open: Series


def head_that_lifts(weight_kg: float) -> float:
    """Metres of water above the rim that carry a cover of 600 mm."""
    return weight_kg / (_WATER_KG_M3 * math.pi / 4 * _DIAMETER_M**2)


def cover(plan: ManholePlan, asset: str, span: Span, events: Sequence[Happening], seed: int, truth: Truth) -> Cover:
    """The cover of a manhole.

    Args:
        plan: Where manholes stand.
        asset: The manhole.
        span: The instants.
        events: What happens to covers (`manhole.cover_open`) and to gas mains (`gas.dig`).
        seed: Of the town.
        truth: With the freeboard of the drains.
    """
    tilt = _LEVEL_DEG + _SPREAD_DEG * level(seed, asset, "cover")
    lies = tilt + _WANDER_DEG * wander_each(key(seed, asset, "tilt"), span.times / _SECOND, _WANDER_S)
    for event in events:
        if event.kind == "gas.dig" and math.dist(plan.places[asset], plan.gas.holes[str(event.target)]) <= _SHAKEN_M:
            lies = lies + _shaking(asset, span, event, seed)
    lifted = _lifted(plan, asset, span, seed, truth)
    lies = np.where(lifted, _DISPLACED_DEG[0] + _DISPLACED_DEG[1] * level(seed, asset, "displaced"), lies)
    gone = lifted.copy()
    for event in events:
        if event.kind == "manhole.cover_open" and event.target == asset:
            during = span.between(event.since, event.until)
            lies = np.where(during, event["tilt"], lies)
            gone |= during
    return Cover(tilt=lies, open=gone.astype(np.float64))


def _shaking(asset: str, span: Span, event: Happening, seed: int) -> Series:
    during = span.between(event.since, event.since + _SHAKEN_S * _SECOND)
    since = np.cumsum(during) - 1
    height = _SHAKEN_DEG[0] + _SHAKEN_DEG[1] * level(seed, asset, "shaken", event.since)
    return np.where(during & (since % 4 < 2), height, 0.0)


def _lifted(
    plan: ManholePlan, asset: str, span: Span, seed: int, truth: Truth
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """From the first instant on at which the head carries the cover."""
    node = plan.stands.get(asset)
    if node is None:
        return np.zeros(span.steps, dtype=bool)
    weight = _WEIGHT_KG[0] + _WEIGHT_KG[1] * level(seed, asset, "weight")
    carried = -truth.of("drainage.freeboard", node) > head_that_lifts(weight)
    return np.asarray(np.maximum.accumulate(carried), dtype=np.bool_)
