"""What one device reads: true values at its own instants, bent by what is wrong with it. Whole columns at once.

truth -> noise -> bias and drift -> stuck -> spikes -> clipped to the range, rounded to the digits.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.devices.character import BLINDED, HELD, OWN, PROPERTIES, SWITCHES, character
from simulators.devices.traffic import BATTERY, BIAS, CLOCK, DRIFT, NOISY, SPIKE, STUCK
from simulators.noise import key, level, levels, normals
from simulators.rhythms import healthy_series
from simulators.town.happenings import Happening
from simulators.town.layout import FIBRE, Instrument
from simulators.town.truth import Series, Span, Times, Truth

_SECOND = 1_000_000
_MILLI = 1_000
_DAY = 86_400 * _SECOND
#: Below this a lithium thionyl chloride cell is empty: the cut-off of its makers' data sheets (3.6 V when new).
EMPTY_V = 2.0
#: A radio link that loses messages is a weak one (ours).
_WEAKER_DB = 18.0
#: Clocks without a fault are right within this (ours): network time at stations, the cell's time elsewhere.
_SKEW_MS = {"station": 40, "radio": 900}


@dataclass(frozen=True, kw_only=True, slots=True)
class Samples:
    """What a device has sampled over a span: one row an instant, one column a property.

    Attributes:
        index: Number of each sample since 1970 at the device's interval: the counter of its randomness. [samples]
        time: When it was taken, microseconds since 1970 (UTC), whole milliseconds. [samples]
        clock: The time that the device writes beside it. [samples]
        value, truth, labels: [samples, properties]
        silent: The device did not work at that moment. [samples]
    """

    index: NDArray[np.uint64]
    time: Times
    clock: Times
    value: Series
    truth: Series
    labels: NDArray[np.uint8]
    silent: NDArray[np.bool_]


class Grid:
    """The instants of a truth, from which instruments sample between them.

    Args:
        truth: What is true.
        turns: Instants at which something of the world begins or ends. Up to there the earlier value holds: a straight
            line across would tell of a failure before it happens.
    """

    def __init__(self, truth: Truth, turns: Iterable[int]) -> None:
        self.truth = truth
        span = truth.span
        self._step = span.step_s * _SECOND
        self._abrupt = np.zeros(span.steps, dtype=bool)
        for turn in turns:
            cell = -(-(turn - span.start) // self._step) - 1
            if 0 <= cell < span.steps:
                self._abrupt[cell] = True

    def at(self, times: Times) -> tuple[NDArray[np.int64], NDArray[np.int64], Series]:
        """For each time the instants left and right of it, and how far it lies between them (0: left)."""
        away = times - self.truth.span.start
        left = np.clip(away // self._step, 0, self.truth.span.steps - 1)
        part = np.where(self._abrupt[left], 0.0, (away - left * self._step) / self._step)
        return left, np.minimum(left + 1, self.truth.span.steps - 1), part


def sample_times(instrument: Instrument, span: Span, seed: int) -> tuple[NDArray[np.uint64], Times]:
    """Numbers and times of the samples of a device within a span; a device's rhythm is the same in every span."""
    every = instrument.sample_s * _SECOND
    phase = int((level(seed, instrument.device, "phase") + 1) / 2 * instrument.sample_s * 1000) * _MILLI
    first, last = -(-(span.start - phase) // every), -(-(span.end - phase) // every)
    index = np.arange(first, last, dtype=np.int64)
    return index.astype(np.uint64), index * every + phase


class Sensing:
    """How devices read the truth.

    Args:
        grid: The truth.
        seed: Of all randomness.
    """

    def __init__(self, grid: Grid, seed: int) -> None:
        self._grid = grid
        self._seed = seed

    def samples(self, instrument: Instrument, faults: Sequence[Happening], outages: Iterable[Happening]) -> Samples:
        """The samples of one device.

        Args:
            instrument: The device.
            faults: What is wrong with it, in order of time.
            outages: Gateway outages that it reports itself, being the watch of that gateway.

        Raises:
            ValueError: Nothing is true of one of its properties.
        """
        index, times = sample_times(instrument, self._grid.truth.span, self._seed)
        place = self._grid.at(times)
        shape = len(times), len(instrument.properties)
        value, truth = np.empty(shape), np.empty(shape)
        labels = np.zeros(shape, dtype=np.uint8)
        for column, name in enumerate(instrument.properties):
            own = [fault for fault in faults if _concerns(fault, name)]
            true = self._true(instrument, name, times, place, faults)
            if name == "gateway.online":
                for outage in outages:
                    true[_during(times, outage)] = 0.0
            truth[:, column] = true
            value[:, column], labels[:, column] = self._read(instrument, name, index, times, true, own)
        clock = times + self._skew(instrument)
        for fault in faults:
            if fault.kind == "device.clock_wrong":
                during = _during(times, fault)
                clock[during] += self._wrong(instrument, fault)
                labels[during] |= CLOCK
        return Samples(
            index=index,
            time=times,
            clock=clock,
            value=value,
            truth=truth,
            labels=labels,
            silent=self._silent(instrument, times, faults),
        )

    def _true(
        self,
        instrument: Instrument,
        name: str,
        times: Times,
        place: tuple[NDArray[np.int64], NDArray[np.int64], Series],
        faults: Sequence[Happening],
    ) -> Series:
        if name == "device.battery":
            return self._voltage(instrument, times, faults)
        if name == "device.rssi":
            strength = healthy_series(self._seed, instrument.device, name, times / 1e6).copy()
            for fault in faults:
                if fault.kind == "device.poor_link":
                    strength[_during(times, fault)] -= _WEAKER_DB
            return strength
        series = self._grid.truth.signals.get((instrument.device, name))
        if series is None:
            if name == "gateway.online":
                return np.ones(len(times))
            raise ValueError(f"nothing is true of {name} of {instrument.device}")
        left, right, part = place
        if name in HELD:
            return np.asarray(series[left], dtype=np.float64)
        return np.asarray(series[left] + (series[right] - series[left]) * part, dtype=np.float64)

    def _voltage(self, instrument: Instrument, times: Times, faults: Sequence[Happening]) -> Series:
        voltage = healthy_series(self._seed, instrument.device, "device.battery", times / 1e6).copy()
        for fault in faults:
            if fault.kind == "device.battery_low":
                during = _during(times, fault)
                voltage[during] -= fault["volts_per_day"] * (times[during] - fault.since) / _DAY
        return np.maximum(voltage, 0.0)

    def _read(
        self,
        instrument: Instrument,
        name: str,
        index: NDArray[np.uint64],
        times: Times,
        true: Series,
        faults: Sequence[Happening],
    ) -> tuple[Series, NDArray[np.uint8]]:
        """Values and labels of one property."""
        like = character(name)
        labels = np.zeros(len(times), dtype=np.uint8)
        switch = name in SWITCHES
        sigma = like.floor + like.part * np.abs(true)
        if name in BLINDED:
            sigma[true == 0.0] = 0.0
        bend = np.zeros(len(times))
        for fault in faults:
            during = _during(times, fault)
            if fault.kind == "device.noisy" and not switch:
                sigma[during] *= fault["factor"]
                labels[during] |= NOISY
            elif fault.kind == "device.bias" and not switch:
                bend[during] += fault["offset"]
                labels[during] |= BIAS
            elif fault.kind == "device.drift" and not switch:
                bend[during] += fault["per_day"] * (times[during] - fault.since) / _DAY
                labels[during] |= DRIFT
            elif fault.kind == "device.battery_low" and name == "device.battery":
                labels[during] |= BATTERY
        noise = normals(key(self._seed, instrument.device, name, "noise"), index)
        value = true + sigma * noise + bend
        self._break(instrument, name, index, times, faults, value, labels)
        return _reported(name, value), labels

    def _break(
        self,
        instrument: Instrument,
        name: str,
        index: NDArray[np.uint64],
        times: Times,
        faults: Sequence[Happening],
        value: Series,
        labels: NDArray[np.uint8],
    ) -> None:
        """Puts frozen and wild values into the columns."""
        for fault in faults:
            if fault.kind == "device.stuck":
                frozen = np.flatnonzero(_during(times, fault))
                if len(frozen):
                    value[frozen] = value[max(int(frozen[0]) - 1, 0)]
                    labels[frozen] |= STUCK
        for fault in faults:
            if fault.kind == "device.spikes":
                wild = _during(times, fault) & self._wild(instrument, name, index, fault)
                # A contact has no height: it is the wrong way round for one sample.
                value[wild] = 1.0 - value[wild] if name in SWITCHES else value[wild] + fault["size"]
                labels[wild] |= SPIKE

    def _wild(
        self, instrument: Instrument, name: str, index: NDArray[np.uint64], fault: Happening
    ) -> NDArray[np.bool_]:
        """Samples with a spike: each on its own, so that the times between two are as in a Poisson process."""
        share = instrument.sample_s / (60.0 * fault["every"])
        stream = np.uint64(key(self._seed, instrument.device, name, "spikes", fault.since))
        return (levels(index ^ stream) + 1) / 2 < share

    def _skew(self, instrument: Instrument) -> int:
        most = _SKEW_MS["station" if instrument.via == FIBRE else "radio"]
        return int(level(self._seed, instrument.device, "clock") * most) * _MILLI

    def _wrong(self, instrument: Instrument, fault: Happening) -> int:
        """How far a wrong clock is off: with a part of a second of its own, as no clock stops at a whole interval.

        Corrected, a clock that was ahead would otherwise write times a second time to the microsecond.
        """
        own = int((level(self._seed, instrument.device, "wrong", fault.since) + 1) / 2 * 499) + 1
        return int(fault["seconds"] * _SECOND) + own * _MILLI

    def _silent(self, instrument: Instrument, times: Times, faults: Sequence[Happening]) -> NDArray[np.bool_]:
        silent = np.zeros(len(times), dtype=bool)
        for fault in faults:
            if fault.kind in {"device.dead", "power.lost"}:
                silent |= _during(times, fault)
        if not instrument.battery:
            supply = self._grid.truth.signals.get((instrument.device, "light.voltage"))
            if supply is not None and instrument.asset.startswith("lamp-"):
                # The controller of a lamp works on the voltage that it measures.
                silent |= supply[self._grid.at(times)[0]] < DARK_V
        elif any(fault.kind == "device.battery_low" for fault in faults):
            silent |= self._voltage(instrument, times, faults) < EMPTY_V
        return silent


#: Controllers of lamps work down to about this voltage (ours; makers promise 85 to 305 V).
DARK_V = 85.0


def _during(times: Times, happening: Happening) -> NDArray[np.bool_]:
    during = times >= happening.since
    return during if happening.until is None else during & (times < happening.until)


def _concerns(fault: Happening, name: str) -> bool:
    """Whether a fault bends a property: its own, or, if it names none, what its sensors measure."""
    if fault.kind == "device.battery_low":
        return name == "device.battery"
    return fault.observed == name if fault.observed else name not in OWN


def _reported(name: str, value: Series) -> Series:
    item = PROPERTIES[name]
    if name in SWITCHES:
        return (value >= 0.5).astype(np.float64)
    # Adding 0 turns -0.0 into 0.0, which a message writes differently.
    return np.asarray(np.round(np.clip(value, item.minimum, item.maximum), character(name).digits) + 0.0)
