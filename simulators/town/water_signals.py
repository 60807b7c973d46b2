"""What the instruments of the water company would read: some of it the engine's own, some by models of ours."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from simulators.noise import key, level, wander_each
from simulators.town.happenings import Happening
from simulators.town.layout import Instrument
from simulators.town.truth import Series
from simulators.town.water_day import temperature
from simulators.town.water_events import Events
from simulators.town.water_run import Grid, Plan, Run

#: MPa in a metre of water: density 1000 kg/m3 times 9.80665 m/s2.
MPA_PER_M = 9.80665e-3
_M3H_PER_LPS = 3.6
#: Taps nearby open and close: the model lumps a quarter of them in one node, and its pressure is smoother than that of
#: a pipe. Metres, and how long it takes; where pressure is lost there is nothing to move. Ours.
_TAPS_M, _TAPS_S, _FULL_M = 0.2, 240.0, 20.0
#: Turbidity at rest, NTU: water leaves the plant with 0.15 and picks up a little; GB 5749-2022 allows 1. Ours.
_CLEAR, _PIPES, _TURBID_WANDERS = 0.15, 0.10, 0.04
#: Sediment is stirred up as the velocity departs from that of the last half hour: NTU per m/s. Ours, so that a burst
#: that adds half a metre a second makes 2 NTU, as flushing trials report (0.5 to 10).
_STIRRED, _SETTLES_S = 4.0, 1800.0
#: Of a contaminant taken as foul water: what 1 mg/L of it adds. Conductivity: dissolved salts have 1.5 to 2 uS/cm per
#: mg/L (Standard Methods 2510). Turbidity and pH: ours.
_SALTS, _CLOUDS, _SOURS = 1.6, 0.06, 0.004
_CONDUCTIVITY, _PH, _PH_LEAST = 320.0, 7.45, 5.5
#: Noise of pipes at night and what use adds by day, dB; of a leak of 1 L/s at its place, and lost per metre. Ours;
#: loggers hear leaks over 50 to 300 m of pipe.
_QUIET_DB, _BUSY_DB, _LEAK_DB, _LOST_DB_PER_M = 20.0, 12.0, 66.0, 0.08


@dataclass(frozen=True, kw_only=True, slots=True)
class Waters:
    """A run of chlorine and runs of what got into the water, over the span and the lead before it.

    Attributes:
        contaminant: mg/L at every node; None if nothing got in.
        stirred: NTU of disturbed sediment at every node; None if nothing was disturbed.
        free: Free chlorine at every node after what the contaminant used up, mg/L.
    """

    main: Run
    contaminant: Grid | None
    stirred: Grid | None
    free: Grid


class Signals:
    """Reads instruments."""

    def __init__(self, plan: Plan, waters: Waters, events: Events, seed: int) -> None:
        self._plan, self._waters, self._events, self._seed = plan, waters, events, seed
        self._number = {node: i for i, node in enumerate(plan.network.nodes)}
        self._watched = {link: i for i, link in enumerate(plan.watched)}
        self._lead = waters.main.lead
        self._times = waters.main.times_s

    def of(self, instrument: Instrument) -> Mapping[str, Series]:
        """Property -> what it reads over the span; what needs no engine is left out."""
        asset = instrument.asset
        found = {}
        for observed in instrument.properties:
            if observed.startswith("device."):
                continue
            found[observed] = np.ascontiguousarray(self._read(asset, observed)[self._lead :], dtype=np.float64)
        return found

    def _read(self, asset: str, observed: str) -> Series:
        if observed == "water.pressure":
            return self._pressure(asset)
        if observed == "water.flow":
            return self._flow(asset)
        if observed == "water.tank.level":
            return self._level(asset)
        if observed == "water.pump.state":
            return np.asarray(self._waters.main.running[:, self._plan.stations.index(asset)])
        if observed == "water.noise":
            return self._noise(asset)
        if observed == "water.temperature":
            return temperature(self._seed, asset, self._times)
        return self._dissolved(asset, observed)

    def _column(self, asset: str) -> int:
        """Where an asset measures: the plant behind its pumps, others at their node."""
        network = self._plan.network
        if asset != self._plan.plant:
            return self._number[self._plan.nodes[asset]]
        if network.works is not None:
            return self._number[network.works.discharge]
        return self._number[network.boosters[0].suction]

    def _pressure(self, asset: str) -> Series:
        head = self._part(self._waters.main.pressure, self._column(asset))
        taps = _TAPS_M * self._wander("water.taps", asset, _TAPS_S)
        return np.asarray(np.maximum(head + taps * np.minimum(head / _FULL_M, 1.0), 0.0) * MPA_PER_M)

    def _flow(self, asset: str) -> Series:
        network, flow = self._plan.network, self._waters.main.flow
        if asset == self._plan.plant:
            return self._sum(network.outlet)
        if asset in self._plan.stations:
            return self._sum(network.boosters[self._plan.stations.index(asset)].pumps)
        turn = self._plan.turns[asset]
        return np.asarray(flow[:, self._watched[self._plan.pipes[asset]]] * (turn * _M3H_PER_LPS))

    def _sum(self, links: Sequence[str]) -> Series:
        flows = self._waters.main.flow[:, [self._watched[name] for name in links]]
        return np.asarray(np.abs(flows).sum(axis=1) * _M3H_PER_LPS)

    def _level(self, asset: str) -> Series:
        if asset == self._plan.plant:
            return np.asarray(self._waters.main.clear_well)
        station = self._plan.network.boosters[self._plan.stations.index(asset)]
        levels = self._waters.main.pressure[:, [self._number[name] for name in station.tanks]]
        return np.asarray(levels.mean(axis=1, dtype=np.float64))

    def _wander(self, name: str, asset: str, period_s: float) -> Series:
        return wander_each(key(self._seed, name, asset), self._times, period_s)

    def _dissolved(self, asset: str, observed: str) -> Series:
        column = self._column(asset)
        foul = self._part(self._waters.contaminant, column)
        if observed == "water.cl2.free":
            return self._part(self._waters.free, column)
        if observed == "water.conductivity":
            # All water is of one source; its salts move over days.
            salts = _CONDUCTIVITY * (1 + 0.015 * self._wander("water.salts", "", 86_400.0))
            return salts + 2.0 * level(self._seed, asset, "water.salts") + _SALTS * foul
        if observed == "water.ph":
            moves = 0.08 * level(self._seed, asset, "water.ph") + 0.04 * self._wander("water.ph", asset, 7200.0)
            return np.asarray(np.maximum(_PH + moves - _SOURS * foul, _PH_LEAST))
        if observed == "water.turbidity":
            picked_up = _PIPES * (1 + level(self._seed, asset, "water.turbidity")) / 2
            own = 0.0 if asset == self._plan.plant else picked_up
            calm = _CLEAR + own + _TURBID_WANDERS * self._wander("water.turbidity", asset, 5400.0)
            return calm + self._shear(column) + self._part(self._waters.stirred, column) + _CLOUDS * foul
        raise KeyError(f"{observed} of {asset}")

    def _part(self, grid: Grid | None, column: int) -> Series:
        if grid is None:
            return np.zeros(len(self._times))
        return grid[:, column].astype(np.float64)

    def _shear(self, column: int) -> Series:
        """NTU of sediment that a change of velocity lifts in the pipes at a node."""
        node = self._plan.network.nodes[column]
        links = [self._watched[name] for name in self._plan.beside.get(node, ())]
        if not links:
            return np.zeros(len(self._times))
        # With sign: water that turns round stirs as well.
        velocity = np.copysign(self._waters.main.velocity[:, links], self._waters.main.flow[:, links])
        step_s = self._times[1] - self._times[0] if len(self._times) > 1 else 60.0
        keep = math.exp(-step_s / _SETTLES_S)
        usual = velocity[0].copy()
        lifted = np.zeros_like(velocity)
        for i, now in enumerate(velocity):
            usual = keep * usual + (1 - keep) * now
            lifted[i] = np.abs(now - usual)
        return _STIRRED * np.asarray(lifted.max(axis=1))

    def _noise(self, asset: str) -> Series:
        place = self._plan.spots[self._plan.nodes[asset]]
        hours = ((self._times + 8 * 3600) % 86_400) / 3600
        busy = np.clip((hours - 5.0) / 1.5, 0, 1) * np.clip((24.0 - hours) / 2.0, 0, 1)
        quiet = _QUIET_DB + 3 * level(self._seed, asset, "water.noise") + 3 * self._wander("water.noise", asset, 900.0)
        power = 10 ** ((quiet + _BUSY_DB * busy) / 10)
        for burst in self._events.bursts:
            power = power + self._heard(burst, place)
        return 10 * np.log10(power)

    def _heard(self, burst: Happening, place: Sequence[float]) -> Series:
        """Sound power of one leak at a place, as a ratio: it grows with the flow and fades with distance."""
        node = self._plan.nodes[str(burst.target)]
        head = np.maximum(self._waters.main.pressure[:, self._number[node]].astype(np.float64), 0.0)
        now = self._times * 1e6
        open_ = (now >= burst.since) & (now < (math.inf if burst.until is None else burst.until))
        flow = burst["emitter"] * np.sqrt(head) * open_
        fades = _LOST_DB_PER_M * math.dist(place, self._plan.spots[node])
        return np.asarray(flow * 10 ** ((_LEAK_DB - fades) / 10))
