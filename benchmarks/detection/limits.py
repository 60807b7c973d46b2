"""Limits from clean recordings alone, by a procedure without choices: the extreme, and a margin fixed in advance.

The rules in the folders beside this module name their limits by tags. Here the tags get their numbers. Nothing in here
takes a label, and `benchmarks.detection.recordings.Recording` holds none.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.detection.recordings import Recording, registry_of
from domain.subject import WatchedAsset
from domain.times import MICROS_PER_SECOND
from rules.fused import Where
from rules.surroundings import Surroundings

Floats = NDArray[np.float64]
#: Numbers by tag.
Limits = dict[str, float]

#: How far beyond the extremes of the clean record a limit lies, as a share of their range.
MARGIN = 0.05
#: The bench is commissioned in its first seconds, and judged after them.
COMMISSIONING_S = 400
#: A mock run of the clean record, and how far the next one begins after it.
MOCK_S, MOCK_STEP_S = 1200, 60
#: Samples for which a value must stay beyond a limit of the bench: the on-delays of its rules, and one.
_CHANGE_SAMPLES, _LEVEL_SAMPLES = 6, 11
_CHANGE_WINDOW = "600s"
#: A spread is at least this share of the usual value: a sensor that shows one number is not that exact.
_LEAST_SPREAD = 0.005
#: The least margin of a departure, in spreads: what never stays away for long still trembles.
_LEAST_DEPARTURE = 1.0

#: Names in tags, and the least margin: about the resolution of the recordings.
_WATER = {"water.tank.level": ("level", 0.01), "water.pressure": ("pressure", 0.001), "water.flow": ("flow", 0.1)}
_DRIVES = ("water.pump.state", "water.valve.state")
_FILLED_BY = Where(linked=("feeds",), direction="from", hops=3)
_BESIDE = Where(linked=("feeds",), direction="either")
_STUCK_TOLERANCE = 0.01
BENCH = {
    "bench.flow": "flow",
    "bench.vibration.1": "vibration-1",
    "bench.vibration.2": "vibration-2",
    "bench.motor.current": "current",
    "bench.pressure": "pressure",
}


def water_limits(clean: Recording) -> dict[str, Limits]:
    """The tags of every asset of C-Town, from an hourly record of normal running."""
    surroundings = _surroundings(clean)
    found: dict[str, Limits] = {}
    for (asset, name), values in clean.series.items():
        own = found.setdefault(asset, {})
        if name in _DRIVES:
            own["switched-on"] = _most_switched(values, 1)
            own["switched-off"] = _most_switched(values, -1)
            continue
        word, least = _WATER[name]
        own |= _ranges(word, values, least)
        states = _drives(clean, asset, word, surroundings)
        if states:
            own |= _by_drives(word, values, np.minimum(sum(states, np.zeros(values.size)), 2), least)
    return found


def bench_movements(clean: Recording) -> Limits:
    """How far each value moves within ten minutes of normal running, for as long as the on-delay of the rule."""
    found: Limits = {}
    index = pd.to_datetime(clean.times, unit="us")
    for name, word in BENCH.items():
        values = pd.Series(_of(clean, name), index=index)
        # Both ends of the engine's window count; pandas leaves out the earlier one unless told.
        window = values.rolling(_CHANGE_WINDOW, closed="both")
        rises, falls = values - window.min(), values - window.max()
        found[f"{word}-rise"] = float(rises.rolling(_CHANGE_SAMPLES).min().max()) * (1 + MARGIN)
        found[f"{word}-fall"] = float(falls.rolling(_CHANGE_SAMPLES).max().min()) * (1 + MARGIN)
    return found


def bench_departures(clean: Recording) -> Limits:
    """How many spreads of its commissioning each value departs from it in mock runs of normal running."""
    found: Limits = {}
    seconds = (clean.times - clean.times[0]) / MICROS_PER_SECOND
    starts = np.arange(0, seconds[-1] - MOCK_S, MOCK_STEP_S)
    for name, word in BENCH.items():
        values = _of(clean, name)
        lows, highs = [], []
        for start in starts:
            begin, turn, end = np.searchsorted(seconds, [start, start + COMMISSIONING_S, start + MOCK_S])
            usual, spread = _usual(values[begin:turn])
            departures = pd.Series((values[turn:end] - usual) / spread)
            lows.append(departures.rolling(_LEVEL_SAMPLES).max().min())
            highs.append(departures.rolling(_LEVEL_SAMPLES).min().max())
        low, high = min(0.0, float(np.min(lows))), max(0.0, float(np.max(highs)))
        found[f"{word}-low"] = low - max(MARGIN * -low, _LEAST_DEPARTURE)
        found[f"{word}-high"] = high + max(MARGIN * high, _LEAST_DEPARTURE)
    return found


def commissioned(run: Recording, departures: Mapping[str, float]) -> Limits:
    """The tags of the bench in one run: what is usual in its first seconds, and how far from it is too far."""
    first = run.times < run.times[0] + COMMISSIONING_S * MICROS_PER_SECOND
    found: Limits = {}
    for name, word in BENCH.items():
        usual, spread = _usual(_of(run, name)[first])
        for side in ("low", "high"):
            found[f"{word}-{side}"] = usual + departures[f"{word}-{side}"] * spread
    return found


def _usual(values: Floats) -> tuple[float, float]:
    usual = float(np.nanmedian(values))
    return usual, max(float(np.nanstd(values)), _LEAST_SPREAD * abs(usual), 1e-9)


def _of(recording: Recording, name: str) -> Floats:
    return next(values for (_, own), values in recording.series.items() if own == name)


def _widened(values: Floats, least: float) -> tuple[float, float]:
    """The extremes, and the margin beyond them."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    margin = max(MARGIN * (high - low), least)
    return low - margin, high + margin


def _ranges(word: str, values: Floats, least: float) -> Limits:
    """What a value has been, by itself."""
    low, high = _widened(values, least)
    step = float(np.nanmax(np.abs(np.diff(values))))
    found = {
        f"{word}-low": low,
        f"{word}-high": high,
        f"{word}-step": step + max(MARGIN * step, least),
    }
    departures = _deviations(values)
    # A record of less than four days tells nothing of what is usual.
    if np.isfinite(departures).any():
        found[f"{word}-below-usual"], found[f"{word}-above-usual"] = _widened(departures, least)
    if word == "level":
        found["level-stuck"] = _longest_still(values) * 3600 * (1 + MARGIN)
    return found


def _by_drives(word: str, values: Floats, running: Floats, least: float) -> Limits:
    """What a value has been while none, one, or more of the pumps and valves beside it ran."""
    found: Limits = {}
    for count in (0, 1, 2):
        chosen = running == count
        # A way of operation that the clean record lacks has no limits of its own.
        if not chosen.any():
            continue
        low, high = _widened(values[chosen], least)
        found |= {f"{word}-{count}-low": low, f"{word}-{count}-high": high}
        if word == "level":
            moves = np.diff(values, prepend=values[0])[chosen]
            most, least_move = max(0.0, float(np.nanmax(moves))), min(0.0, float(np.nanmin(moves)))
            found[f"rise-{count}"] = most + max(MARGIN * most, least)
            found[f"fall-{count}"] = least_move + min(MARGIN * least_move, -least)
    return found


def _drives(clean: Recording, asset: str, word: str, surroundings: Surroundings) -> Sequence[Floats]:
    """The states of what drives a value: a flow its own asset, a level what fills it, a pressure what is near."""
    where = {"level": _FILLED_BY, "pressure": _BESIDE}.get(word)
    assets = (asset,) if where is None else tuple(surroundings.around(asset, where))
    return [clean.series[one, state] for one in assets for state in _DRIVES if (one, state) in clean.series]


def _surroundings(clean: Recording) -> Surroundings:
    registry = registry_of(clean.layout)
    return Surroundings(
        tuple(
            WatchedAsset(
                id=asset.id,
                kind=asset.kind,
                network=asset.network,
                area=asset.area,
                name_en=asset.name_en,
                name_zh=asset.name_zh,
                longitude=asset.longitude,
                latitude=asset.latitude,
            )
            for asset in registry.assets
        ),
        registry.links,
    )


def _most_switched(values: Floats, direction: int) -> float:
    """The most times that a switch went one way within 24 hours."""
    edges = pd.Series(np.diff(values, prepend=values[0]) == direction)
    return float(edges.rolling(24, min_periods=1).sum().max())


def _deviations(values: Floats) -> Floats:
    """Each hourly value less the median of the same hour of the seven days before, of which three must be there."""
    days = np.full((7, values.size), np.nan)
    for day in range(1, min(8, 1 + values.size // 24)):
        days[day - 1, 24 * day :] = values[: values.size - 24 * day]
    told = np.isfinite(days).sum(axis=0) >= 3
    usual = np.full(values.size, np.nan)
    usual[told] = np.nanmedian(days[:, told], axis=0)
    found: Floats = values - usual
    return found


def _longest_still(values: Floats) -> int:
    """The most hours for which a value stayed within the tolerance of where it was at their end."""
    longest = 0
    for end in range(values.size):
        begin = end
        while begin and abs(values[begin - 1] - values[end]) <= _STUCK_TOLERANCE:
            begin -= 1
        longest = max(longest, end - begin)
    return longest
