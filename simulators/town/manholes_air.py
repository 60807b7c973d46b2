"""The air of valve wells and deep manholes over a span: what leaks and rots into each, how it is aired and flooded."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.noise import key, level, wander_each
from simulators.town import chambers
from simulators.town.gas_leak import leak_kg_s, normal_m3h
from simulators.town.happenings import Happening
from simulators.town.manholes_field import ManholePlan
from simulators.town.truth import Series, Span, Times, Truth

_SECOND, _HOUR = 1_000_000, 3_600_000_000
#: Volume of a valve well; floor of a deep manhole: a brick well of 1.5 m by 1.25 m by 1.6 m, a shaft of 1.4 m. m3, m2.
_WELL_M3, _SHAFT_M2 = 3.0, 1.5
#: A chamber that is full to the rim still holds a little air below its cover, m3.
_LEAST_M3 = 0.3
#: Exchange of air through the holes of a cover and along ducts and sewers, and with an open cover, m3/h; how much
#: chambers differ. Ours.
_WELL_AIR, _SHAFT_AIR, _OPEN_AIR, _DIFFERS = 1.3, 2.0, 40.0, 0.15
#: What came before a span still matters for so long: many time constants.
_MEMORY_H = 48
#: Detectors hang so far below the rim, m.
_HANGS_M = 0.3
#: Water on the street runs into a valve well when it stands above the kerb, m; a well stays flooded until it is pumped
#: dry, hours. Ours.
_KERB_M, _PUMPED_H = 0.15, 6.0
#: Pressure for leaks that ended before the span, kPa.
_USUAL_KPA = 300.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Air:
    """What detectors would read, shape [steps, chambers].

    Attributes:
        chambers: Names of the columns.
        ch4: Methane, percent of its lower explosive limit.
        h2s: Hydrogen sulfide, mg/m3.
        o2: Oxygen, percent by volume.
        under: Whether the detector is under water.
    """

    chambers: tuple[str, ...]
    ch4: Series
    h2s: Series
    o2: Series
    under: NDArray[np.bool_]


class Chambers:
    """The boxes of a plan over a span, with the hours before it that still matter.

    Args:
        plan: Where they are.
        span: The instants.
        happenings: Leaks, digs, biogas, flooded wells.
        seed: Of the town.
        truth: With the leaks of the gas network and the water of the drains.
        opened: Deep manhole -> when its cover is open. [steps]
    """

    def __init__(
        self,
        plan: ManholePlan,
        span: Span,
        happenings: Sequence[Happening],
        seed: int,
        truth: Truth,
        opened: Mapping[str, Series],
    ) -> None:
        self._plan, self._span, self._seed, self._truth = plan, span, seed, truth
        self._events = happenings
        self._opened = opened
        self._names = (*plan.gas.wells, *plan.deep)
        self._wells = len(plan.gas.wells)
        self._before = _before(span, happenings)
        step = span.step_s * _SECOND
        self._times = span.start + np.arange(-self._before, span.steps, dtype=np.int64) * step

    def air(self) -> Air:
        """What is in them."""
        step_h = self._span.step_s / 3600
        volume, exchange = self._room(step_h)
        leaks = self._leaks()
        ch4, h2s, o2 = self._biogas()
        displaced = leaks + ch4 / chambers.BIOGAS_CH4
        clean = np.zeros(len(self._names))
        part = chambers.methane(clean, leaks + ch4, exchange, volume, step_h)
        sulfide = chambers.sulfide(clean, h2s, displaced, exchange, volume, step_h)
        oxygen = chambers.oxygen(clean + chambers.AIR_O2, o2, displaced, exchange, volume, step_h)
        kept = slice(self._before, None)
        return self._with_background(chambers.lel(part[kept]), sulfide[kept], oxygen[kept])

    def _room(self, step_h: float) -> tuple[Series, Series]:
        """Volume of air and its exchange; water that falls draws outside air in."""
        shape = len(self._times), len(self._names)
        volume = np.full(shape, _WELL_M3)
        differs = np.array([1 + _DIFFERS * level(self._seed, name, "air") for name in self._names])
        usual = np.array([_WELL_AIR] * self._wells + [_SHAFT_AIR] * (len(self._names) - self._wells)) * differs
        exchange = np.tile(usual, (len(self._times), 1))
        for column, name in enumerate(self._names[self._wells :], start=self._wells):
            depth = self._plan.depths[name]
            water = self._earlier(self._truth.of("drainage.depth", self._plan.stands[name]))
            volume[:, column] = np.maximum(_SHAFT_M2 * (depth - water), _LEAST_M3)
            exchange[:-1, column] += np.maximum(np.diff(volume[:, column]), 0) / step_h
            exchange[self._earlier(self._opened[name]) > 0, column] += _OPEN_AIR
        return volume, exchange

    def _earlier(self, series: Series) -> Series:
        """A series of the span, its first value before it."""
        return np.concatenate([np.full(self._before, series[0]), series])

    def _leaks(self) -> Series:
        """Natural gas that comes into each chamber, m3/h."""
        found = np.zeros((len(self._times), len(self._names)))
        leaks = [event for event in self._events if event.kind in ("gas.leak", "gas.dig")]
        for event in leaks:
            flow = _Leak(event, [e for e in leaks if e.target == event.target], self._span, self._truth)
            hole = self._plan.gas.holes[str(event.target)]
            for column, name in enumerate(self._names):
                metres = math.dist(hole, self._plan.places[name])
                thinner = chambers.reach(metres)
                if thinner:
                    lag = int(event["lag"] * 60 * chambers.delay(metres)) * _SECOND
                    found[:, column] += event["reaches"] * thinner * flow.at(self._times - lag)
        return found

    def _biogas(self) -> tuple[Series, Series, Series]:
        """Methane (m3/h), hydrogen sulfide (mg/h) and oxygen used up (m3/h) by what rots in each chamber."""
        found = tuple(np.zeros((len(self._times), len(self._names))) for _ in range(3))
        for event in self._events:
            if event.kind == "manhole.biogas" and event.target in self._names:
                name = str(event.target)
                well = self._names.index(name) < self._wells
                differs = 1 + _DIFFERS * level(self._seed, name, "air")
                source = chambers.biogas(
                    peak_lel=event["ch4"],
                    peak_mg=event["h2s"],
                    hours=event["hours"],
                    exchange=(_WELL_AIR if well else _SHAFT_AIR) * differs,
                    volume=_WELL_M3 if well else _SHAFT_M2 * self._plan.depths[name],
                )
                full = event.since + int(event["hours"] * _HOUR)
                until = self._span.end if event.until is None else event.until
                rising = (self._times >= event.since) & (self._times < min(full, until))
                holding = (self._times >= full) & (self._times < until)
                for series, (rises, holds) in zip(found, (source.ch4, source.h2s, source.o2), strict=True):
                    series[:, self._names.index(name)] += rises * rising + holds * holding
        ch4, h2s, o2 = found
        return ch4, h2s, o2

    def _with_background(self, ch4: Series, h2s: Series, o2: Series) -> Air:
        """Adds what every chamber breathes on a quiet day, and blinds detectors that are under water."""
        seconds = self._span.times / _SECOND
        under = np.zeros(ch4.shape, dtype=bool)
        for column, name in enumerate(self._names):
            own = [
                level(self._seed, name, what)
                + 0.8 * wander_each(key(self._seed, name, what, "breath"), seconds, period_s)
                for what, period_s in (("ch4", 5400.0), ("h2s", 7200.0), ("o2", 9000.0))
            ]
            ch4[:, column] += 0.9 + 0.3 * own[0]
            h2s[:, column] += 0.8 + 0.35 * own[1]
            o2[:, column] += -0.15 + 0.06 * own[2]
            under[:, column] = self._flooded(name) if column < self._wells else self._submerged(name)
        ch4[under], h2s[under] = 0.0, 0.0
        # An oxygen cell under water goes on with what is dissolved around it: that of air.
        o2[under] = chambers.AIR_O2
        return Air(chambers=self._names, ch4=np.minimum(ch4, 100.0), h2s=h2s, o2=o2, under=under)

    def _submerged(self, name: str) -> NDArray[np.bool_]:
        return self._truth.of("drainage.freeboard", self._plan.stands[name]) < _HANGS_M

    def _flooded(self, well: str) -> NDArray[np.bool_]:
        """A valve well that something floods, or the street above it."""
        flooded = np.zeros(self._span.steps, dtype=bool)
        for event in self._events:
            if event.kind == "manhole.flooded_well" and event.target == well:
                flooded |= self._span.between(event.since, event.until)
        node = self._plan.street.get(well)
        if node is not None:
            over = np.flatnonzero(self._truth.of("drainage.street", node) > _KERB_M)
            stays = int(_PUMPED_H * 3600 / self._span.step_s)
            for first in over:
                flooded[first : first + stays + 1] = True
        return flooded


class _Leak:
    """What one event lets out, at any time: as the engine found within the span, at usual pressure before it."""

    def __init__(self, event: Happening, same: Sequence[Happening], span: Span, truth: Truth) -> None:
        self._event, self._same, self._span = event, same, span
        self._found = truth.of("gas.leak", str(event.target))

    def at(self, times: Times) -> Series:
        """m3/h at normal conditions."""
        place = np.clip((times - self._span.start) // (self._span.step_s * _SECOND), 0, self._span.steps - 1)
        areas = sum(_open(event, times) * event["hole"] ** 2 for event in self._same)
        share = self._event["hole"] ** 2 / np.maximum(areas, self._event["hole"] ** 2)
        usual = normal_m3h(leak_kg_s(self._event["hole"], _USUAL_KPA))
        inside = times >= self._span.start
        return np.where(inside, self._found[place] * share, usual) * _open(self._event, times)


def _open(event: Happening, times: Times) -> Series:
    until = np.iinfo(np.int64).max if event.until is None else event.until
    return ((times >= event.since) & (times < until)).astype(np.float64)


def _before(span: Span, happenings: Sequence[Happening]) -> int:
    """Steps before the span from which on something that happened still matters."""
    first = min((event.since for event in happenings), default=span.start)
    hours = min(max(span.start - first, 0) / _HOUR, _MEMORY_H)
    return math.ceil(hours * 3600 / span.step_s)
