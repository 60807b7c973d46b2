"""Which samples a device reports: every one, or by exception: a change beyond the deadband, and a heartbeat."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulators.devices.character import deadbands
from simulators.devices.sensing import Samples
from simulators.town.layout import Instrument

Flags = NDArray[np.bool_]


def by_exception(instrument: Instrument) -> bool:
    """Whether a device leaves out samples that say nothing new."""
    return instrument.heartbeat_s > instrument.sample_s


def reported(
    instruments: Sequence[Instrument], samples: Sequence[Samples], restarts: Sequence[list[int]]
) -> list[Flags]:
    """For each device which of its samples it reports. All devices go through time side by side.

    A report tells all values of its sample. The first sample, the first after a silence and the first after a restart
    are always reported: a device that comes up says so.

    Args:
        instruments: Devices.
        samples: What each of them sampled.
        restarts: When each of them restarted.
    """
    found: list[Flags] = [np.ones(len(one.time), dtype=bool) for one in samples]
    alike: dict[tuple[int, int], list[int]] = {}
    for place, instrument in enumerate(instruments):
        if by_exception(instrument):
            alike.setdefault((instrument.sample_s, instrument.heartbeat_s), []).append(place)
    for (sample_s, heartbeat_s), places in alike.items():
        own = [samples[place] for place in places]
        forced = [_fresh(samples[place], restarts[place]) for place in places]
        flags = _exceptions([instruments[place] for place in places], own, forced, heartbeat_s // sample_s)
        for row, place in enumerate(places):
            found[place] = flags[row, : len(samples[place].time)]
    return found


def _fresh(samples: Samples, restarts: Sequence[int]) -> Flags:
    """The samples that a device reports because it has just come up."""
    fresh = np.zeros(len(samples.time), dtype=bool)
    fresh[:1] = True
    fresh[1:] |= samples.silent[:-1] & ~samples.silent[1:]
    for restart in restarts:
        first = int(np.searchsorted(samples.time, restart))
        if 0 < first < len(fresh):
            fresh[first] = True
    return fresh


def _exceptions(
    instruments: Sequence[Instrument], samples: Sequence[Samples], forced: Sequence[Flags], most: int
) -> Flags:
    """Steps through the samples; each step compares all devices with what they said last.

    Args:
        instruments: Devices of one rhythm.
        samples: Theirs.
        forced: Samples that are reported in any case.
        most: Longest way from one report to the next, in samples.
    """
    length = max(len(one.time) for one in samples)
    width = max(len(one.properties) for one in instruments)
    # Padding never changes, so it never gives a reason to report.
    values = np.zeros((length, len(samples), width))
    bands = np.full((len(samples), width), np.inf)
    must = np.zeros((length, len(samples)), dtype=bool)
    for row, one in enumerate(samples):
        count = len(one.time)
        values[:count, row, : one.value.shape[1]] = one.value
        bands[row, : one.value.shape[1]] = deadbands(instruments[row].properties)
        must[:count, row] = forced[row]
    # A change of exactly the deadband is one, although a sum of decimals may miss it by a hair.
    bands = np.maximum(bands * (1.0 - 1e-9), 1e-9)
    flags = np.zeros((length, len(samples)), dtype=bool)
    said = values[0].copy() if length else np.zeros((len(samples), width))
    since = np.zeros(len(samples), dtype=np.int64)
    for step in range(length):
        now = values[step]
        tell = must[step] | (since >= most) | (np.abs(now - said) >= bands).any(axis=1)
        flags[step] = tell
        said[tell] = now[tell]
        since = np.where(tell, 1, since + 1)
    return np.ascontiguousarray(flags.T)
