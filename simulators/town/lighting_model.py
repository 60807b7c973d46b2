"""What cabinets, lamps and light meters read: lamps by the sun and the clock, feeders by their load flow."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulators.noise import key, level, wander_each
from simulators.town.happenings import Happening
from simulators.town.lighting_feeder import Flow, flow
from simulators.town.lighting_plan import (
    LAMP_W,
    OWN_W,
    POWER_FACTOR,
    STANDBY_FACTOR,
    STANDBY_W,
    Cabinet,
    Feeder,
    LightingPlan,
    Meter,
)
from simulators.town.lighting_sun import daylight, elevation
from simulators.town.truth import Series, Span, Truth

Mask = NDArray[np.bool_]
#: The timers of the cabinets switch when the sun stands here, degrees; ours: a few minutes after sunset, before the
#: 30 lx at which CJJ 45-2015 wants main roads lit, since evenings may be overcast.
SWITCH_ALTITUDE = -1.5
#: By the clock of the county (UTC+8): lamps are dimmed from midnight until traffic begins; ours.
DIMMED_H = (0.0, 5.5)
DIMMED = 60.0
#: Drivers have a worse power factor when they are dimmed; ours, after data sheets.
_DIMMED_FACTOR = 0.93
_ZONE_S, _DAY_S = 8 * 3600, 86_400
#: At the transformer, V: 220 and its tap, less while the town uses much; ours, within 220 V +7/-10 % (GB/T 12325-2008).
_SUPPLY_V, _TAP_V, _EVENING_V, _WANDER_V = 226.0, 1.2, 2.5, 0.8
#: The gateway's battery, s; ours.
GATEWAY_BATTERY_S = 4 * 3600
#: Capacitance and damp of sound cables, mA: of a cabinet, and of each lamp; ours, far below the 30 mA of a protection.
_LEAK_MA, _LEAK_LAMP_MA = 4.0, 0.02
#: A sound installation leaks so much more while water stands at it; ours.
_DAMP = 0.4
#: From this depth of water on a leaking place is as wet as it gets, m; ours: the foot of a pole's hatch.
_SOAKED_M = 0.05
#: Under a lamp at full light, lx: 20 to 30 on main, 15 to 20 on secondary roads (CJJ 45-2015).
ROAD_LUX = 32.0
#: Counters count from here (2024-01-01, UTC), s.
_INSTALLED_S = 1_704_067_200
#: Part of full load that a night's lamps draw over a day, for what the counter has counted before the span.
_USUAL_LOAD = 0.42


class Night:
    """When lamps shall burn, and how bright: the same for the whole town."""

    def __init__(self, plan: LightingPlan, span: Span) -> None:
        self.span = span
        self.seconds = span.times / 1e6
        self.altitude = elevation(span.times, plan.longitude, plan.latitude)
        self.hour = (self.seconds + _ZONE_S) % _DAY_S / 3600
        self.burns: Mask = self.altitude < SWITCH_ALTITUDE

    def dim(self, stuck: Mask) -> Series:
        """Light in percent; 0 is off. Where a contactor is stuck, lamps burn by day as well."""
        by_night = np.where((self.hour >= DIMMED_H[0]) & (self.hour < DIMMED_H[1]), DIMMED, 100.0)
        return np.where(self.burns, by_night, np.where(stuck, 100.0, 0.0))


def solved(plan: LightingPlan, span: Span, happenings: Sequence[Happening], seed: int, truth: Truth | None) -> Truth:
    """Every signal of the lighting over a span; see `simulators.town.lighting.solve`."""
    night = Night(plan, span)
    signals: dict[tuple[str, str], Series] = {}
    lit = []
    brightness: dict[tuple[str, int], Series] = {}
    for cabinet in plan.cabinets:
        own = _Cabinet(cabinet, night, [h for h in happenings if _concerns(cabinet, h)], seed, truth)
        signals |= own.signals()
        brightness |= {(cabinet.asset, feeder.number): own.brightness(feeder) for feeder in cabinet.feeders[:1]}
        lit.append(own.lit())
    for meter in plan.meters:
        signals[meter.device, "light.lux"] = _lux(meter, night, brightness[meter.cabinet, meter.feeder], seed)
    return Truth(
        span=span,
        signals=signals,
        fields={"lighting.lit": np.stack(lit, axis=1)},
        things={"lighting.lit": tuple(cabinet.asset for cabinet in plan.cabinets)},
    )


def _concerns(cabinet: Cabinet, happening: Happening) -> bool:
    return happening.target == cabinet.asset or any(
        lamp.asset == happening.target for feeder in cabinet.feeders for lamp in feeder.monitored
    )


class _Cabinet:
    """One cabinet with its feeders over a span."""

    def __init__(
        self, cabinet: Cabinet, night: Night, happenings: Sequence[Happening], seed: int, truth: Truth | None
    ) -> None:
        self._cabinet = cabinet
        self._night = night
        self._span = night.span
        self._happenings = happenings
        self._seed = seed
        self._truth = truth
        self._supplied = ~self._during("power.lost")
        self._supply = np.where(self._supplied, self._transformer(), 0.0)
        self._dim = night.dim(self._during("lighting.burns_by_day"))
        self._on: Mask = self._dim > 0
        self._defects = {feeder.number: self._defective(feeder) for feeder in cabinet.feeders}
        self._flows = {feeder.number: self._flow(feeder) for feeder in cabinet.feeders}

    def signals(self) -> dict[tuple[str, str], Series]:
        """Of the cabinet, its gateway and its lamps that report."""
        device = self._cabinet.device
        own_w = np.where(self._supplied, OWN_W, 0.0)
        own_a = np.divide(own_w / STANDBY_FACTOR, self._supply, out=np.zeros_like(own_w), where=self._supplied)
        watts = own_w + sum(each.watts for each in self._flows.values())
        amperes = own_a + sum(each.amperes for each in self._flows.values())
        apparent = amperes * self._supply
        # A meter without current has no power factor to complain of.
        factor = np.divide(watts, apparent, out=np.ones_like(watts), where=apparent > 0)
        found = {
            (device, "light.voltage"): self._supply,
            (device, "light.current"): amperes,
            (device, "light.power"): watts,
            (device, "light.energy"): self._energy(watts),
            (device, "light.pf"): np.minimum(factor, 1.0),
            (device, "light.leak"): self._leak(),
            (device, "light.door"): self._during("lighting.door").astype(np.float64),
            (self._cabinet.gateway, "gateway.online"): self._online(),
        }
        for feeder in self._cabinet.feeders:
            found |= self._lamps(feeder)
        return found

    def brightness(self, feeder: Feeder) -> Series:
        """How bright the road is between the first two lamps of a feeder, from 0 to 1."""
        burns = self._burning(feeder)[:, :2]
        return np.asarray(burns.mean(axis=1) * self._dim / 100)

    def lit(self) -> Series:
        """Part of the lamps that burn, 0 to 1."""
        burning = sum(self._burning(feeder).sum(axis=1) for feeder in self._cabinet.feeders)
        return np.asarray(burning / max(1, self._cabinet.lamps), dtype=np.float64)

    def _burning(self, feeder: Feeder) -> Mask:
        live = (self._flows[feeder.number].volts[:, :1] > 0) & self._on[:, np.newaxis]
        return np.asarray(live & ~self._defects[feeder.number])

    def _lamps(self, feeder: Feeder) -> dict[tuple[str, str], Series]:
        found: dict[tuple[str, str], Series] = {}
        volts = self._flows[feeder.number].volts
        live = volts[:, 0] > 0
        power = self._power(feeder)
        for lamp in feeder.monitored:
            tilt = 0.8 + 0.4 * level(self._seed, lamp.device, "pole") + 0.2 * self._wander(lamp.device, 900)
            found |= {
                # What the controller was told: a broken lamp is switched on as well, and draws nothing.
                (lamp.device, "light.state"): (live & self._on).astype(np.float64),
                (lamp.device, "light.dim"): np.where(live, self._dim, 0.0),
                (lamp.device, "light.power"): np.where(live, power[:, lamp.place], 0.0),
                (lamp.device, "light.voltage"): volts[:, lamp.place],
                (lamp.device, "light.tilt"): np.abs(tilt),
            }
        return found

    def _flow(self, feeder: Feeder) -> Flow:
        dead = self._during("lighting.feeder_out", feeder=feeder.number)
        supply = np.where(dead, 0.0, self._supply)
        lit = np.where(self._dim < 100, _DIMMED_FACTOR, POWER_FACTOR)
        return flow(supply, self._power(feeder), np.where(self._on, lit, STANDBY_FACTOR))

    def _power(self, feeder: Feeder) -> Series:
        """Of each lamp while its feeder is live, W; no two lamps are alike."""
        names = (level(self._seed, self._cabinet.asset, feeder.number, place) for place in range(len(feeder.lamps)))
        each = LAMP_W * (1 + 0.03 * np.fromiter(names, dtype=np.float64))
        burning = self._on[:, np.newaxis] & ~self._defects[feeder.number]
        return np.asarray(np.where(burning, each * self._dim[:, np.newaxis] / 100, STANDBY_W))

    def _defective(self, feeder: Feeder) -> Mask:
        """Which lamps of a feeder are broken when."""
        found = np.zeros((self._span.steps, len(feeder.lamps)), dtype=np.bool_)
        for happening in self._happenings:
            if happening.kind == "lighting.lamps_out":
                broken = [place for number, place in self._broken(happening["share"]) if number == feeder.number]
                when = np.flatnonzero(self._span.between(happening.since, happening.until))
                found[np.ix_(when, np.array(broken, dtype=np.intp))] = True
        return found

    def _broken(self, share: float) -> list[tuple[int, int]]:
        """Feeder and place of the broken lamps: of those that report as many, in part, as of the others."""
        reporting = [(feeder.number, lamp.place) for feeder in self._cabinet.feeders for lamp in feeder.monitored]
        every = [(feeder.number, place) for feeder in self._cabinet.feeders for place in range(len(feeder.lamps))]
        silent = sorted(set(every) - set(reporting))
        found = []
        for lamps in (reporting, silent):
            # Their order depends on the seed alone, so that a larger part contains a smaller one.
            ordered = sorted(lamps, key=lambda lamp: level(self._seed, self._cabinet.asset, *lamp, "out"))
            found += ordered[: math.ceil(share * len(lamps) - 0.5)]
        return found

    def _during(self, kind: str, feeder: int | None = None) -> Mask:
        found = np.zeros(self._span.steps, dtype=np.bool_)
        for happening in self._happenings:
            if happening.kind == kind and (feeder is None or round(happening["feeder"]) == feeder):
                found |= self._span.between(happening.since, happening.until)
        return found

    def _transformer(self) -> Series:
        tap = _TAP_V * level(self._seed, self._cabinet.asset, "tap")
        evening = np.exp(-0.5 * ((self._night.hour - 19.5) / 2.2) ** 2)
        return np.asarray(_SUPPLY_V + tap - _EVENING_V * evening + _WANDER_V * self._wander(self._cabinet.asset, 1200))

    def _energy(self, watts: Series) -> Series:
        """Counter in kWh: what was counted before the span at the usual load, then what flows."""
        usual_kw = (OWN_W + _USUAL_LOAD * LAMP_W * self._cabinet.lamps) / 1000
        before = usual_kw * max(0.0, self._span.start / 1e6 - _INSTALLED_S) / 3600
        counted = np.concatenate(([0.0], np.cumsum(watts[:-1]))) * self._span.step_s / 3.6e6
        return np.asarray(before + counted)

    def _online(self) -> Series:
        online = np.ones(self._span.steps)
        for happening in self._happenings:
            if happening.kind == "power.lost":
                online[self._span.between(happening.since + GATEWAY_BATTERY_S * 1_000_000, happening.until)] = 0.0
        return online

    def _leak(self) -> Series:
        """Residual current in mA: what sound cables leak, and what the faults add, through feeders that are live."""
        asset = self._cabinet.asset
        sound = _LEAK_MA + 1.0 * level(self._seed, asset, "age") + 0.4 * self._wander(f"{asset}-leak", 1800)
        total = sound * (1 + _DAMP * self._wet(self._cabinet.nodes))
        lamps = sum(
            _LEAK_LAMP_MA * len(feeder.lamps) * (self._flows[feeder.number].volts[:, 0] > 0)
            for feeder in self._cabinet.feeders
        )
        total = (total + lamps) * self._supplied
        for happening in self._happenings:
            if happening.kind == "lighting.leakage":
                nodes, live = self._place(happening)
                soaked = happening["dry"] + (happening["wet"] - happening["dry"]) * self._wet(nodes)
                total = total + soaked * live * self._span.between(happening.since, happening.until)
        return np.asarray(total)

    def _place(self, happening: Happening) -> tuple[tuple[str, ...], Mask]:
        """At which nodes a leaking place gets wet, and when it has voltage."""
        for feeder in self._cabinet.feeders:
            for lamp in feeder.monitored:
                if lamp.asset == happening.target:
                    return lamp.nodes, self._flows[feeder.number].volts[:, lamp.place] > 0
        return self._cabinet.nodes, self._supplied

    def _wet(self, nodes: Sequence[str]) -> Series:
        """From 0 where no water stands at a place to 1 where it is soaked."""
        if self._truth is None or "drainage.street" not in self._truth.fields:
            return np.zeros(self._span.steps)
        known = [node for node in nodes if node in self._truth.things["drainage.street"]]
        depths = [self._truth.of("drainage.street", node) for node in known]
        deepest = np.max(depths, axis=0) if depths else np.zeros(self._span.steps)
        return np.clip(deepest / _SOAKED_M, 0.0, 1.0)

    def _wander(self, name: str, period_s: float) -> Series:
        return wander_each(key(self._seed, name, "lighting"), self._night.seconds, period_s)


def _lux(meter: Meter, night: Night, brightness: Series, seed: int) -> Series:
    """Sun through clouds, and the lamps."""
    clouds = 0.7 + 0.3 * wander_each(key(seed, meter.device, "clouds"), night.seconds, 3600)
    return np.minimum(100_000.0, clouds * daylight(night.altitude) + ROAD_LUX * brightness)
