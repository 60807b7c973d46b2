"""Days of the county at once, without a broker: every reading of a period as columns.

The rhythms and the incidents are those of the live county; only the script is another. One round of incidents begins
with every full hour, so that a day has a hundred of them and not three thousand.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.county import County, FieldDevice
from simulators.incidents import ROUND_S, Incident, Script
from simulators.noise import level
from simulators.rhythms import healthy_series
from simulators.telemetry import DIGITS, RANGES, SWITCHES

_SECOND = 1_000_000
_HOUR_S = 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class Days:
    """Readings as columns of one length, datastream after datastream. Times in microseconds since 1970 (UTC)."""

    #: Device and property of each datastream, in the order of the registry.
    streams: tuple[tuple[str, str], ...]
    #: The place of the datastream in `streams`.
    numbers: NDArray[np.int32]
    times: NDArray[np.int64]
    values: NDArray[np.float64]


def live_through(county: County, since: int, until: int) -> Days:
    """What every device of a county says in [since, until): at its interval, and every second during an incident."""
    incidents = _incidents(county, since, until)
    streams: list[tuple[str, str]] = []
    numbers, times, values = [], [], []
    for device in county.devices:
        own = [incident for incident in incidents if device.id in incident.devices]
        instants = _instants(county.seed, device, own, since, until)
        for name in device.hardware.properties:
            numbers.append(np.full(len(instants), len(streams), dtype=np.int32))
            streams.append((device.id, name))
            times.append(instants)
            values.append(_values(county.seed, device.id, name, own, instants))
    return Days(
        streams=tuple(streams),
        numbers=np.concatenate(numbers),
        times=np.concatenate(times),
        values=np.concatenate(values),
    )


def _incidents(county: County, since: int, until: int) -> list[Incident]:
    found: list[Incident] = []
    first = -(-since // (_HOUR_S * _SECOND))
    for number, hour in enumerate(range(first, -(-until // (_HOUR_S * _SECOND)))):
        # The round is that of the live script; only its begin is moved to the hour.
        found += Script(county, hour * _HOUR_S - number * ROUND_S).round(number)
    return found


def _instants(seed: int, device: FieldDevice, incidents: list[Incident], since: int, until: int) -> NDArray[np.int64]:
    interval = device.hardware.interval_s * _SECOND
    # Evenly spread over the interval, as the live fleet; whole milliseconds, as messages write them.
    phase = int((level(seed, device.id, "phase") + 1) / 2 * interval) // 1000 * 1000
    every = [np.arange(since + phase, until, interval, dtype=np.int64)]
    for incident in incidents:
        begin = int(incident.begins_s * _SECOND)
        every.append(np.arange(begin, begin + int(incident.lasts_s * _SECOND), _SECOND, dtype=np.int64))
    instants = np.unique(np.concatenate(every))
    return instants[(instants >= since) & (instants < until)]


def _values(
    seed: int, device: str, name: str, incidents: list[Incident], instants: NDArray[np.int64]
) -> NDArray[np.float64]:
    times_s = instants / _SECOND
    values = np.array(healthy_series(seed, device, name, times_s))
    for incident in incidents:
        shape = incident.effects.get((device, name))
        if shape is None:
            continue
        begin, end = np.searchsorted(times_s, [incident.begins_s, incident.begins_s + incident.lasts_s])
        for at in range(begin, end):
            values[at] = shape(float(times_s[at]) - incident.begins_s, float(values[at]))
    values = np.asarray(np.round(np.clip(values, *RANGES[name]), DIGITS.get(name, 2)), dtype=np.float64)
    return np.asarray(values >= 0.5, dtype=np.float64) if name in SWITCHES else values
