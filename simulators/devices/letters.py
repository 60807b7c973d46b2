"""Messages of a traffic as they go over MQTT: topic, payload, and the entries that the ledger will hold."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from domain.topics import telemetry
from simulators.devices.character import SWITCHES
from simulators.devices.traffic import Traffic
from simulators.ledger import Entry
from simulators.message import encode
from simulators.town.layout import Town

_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Letter:
    """A message; `sent` is on the clock of the traffic (microseconds since 1970), the entries have moved."""

    sent: int
    device: str
    topic: str
    payload: bytes
    entries: tuple[Entry, ...]


class Desk:
    """Writes the letters of a town's devices.

    Args:
        town: Whose devices.
        shift: Microseconds to add to the times in the messages.
    """

    def __init__(self, town: Town, shift: int = 0) -> None:
        assets = {asset.id: asset for asset in town.assets}
        self._forms = {one.device: one.form for one in town.instruments}
        self.topics = {
            one.device: telemetry(assets[one.asset].area, assets[one.asset].network, one.device)
            for one in town.instruments
        }
        self.shift = shift

    def letters(self, traffic: Traffic, begin: int = 0, end: int | None = None) -> Iterator[Letter]:
        """The messages from one number to another, in their order."""
        switches = np.array([name in SWITCHES for _, name in traffic.streams], dtype=bool)
        names = [name for _, name in traffic.streams]
        end = len(traffic.sent) if end is None else end
        for block in range(begin, end, _BLOCK):
            part = slice(block, min(block + _BLOCK, end))
            for sent, device, first, count in zip(
                traffic.sent[part].tolist(),
                traffic.device[part].tolist(),
                traffic.first[part].tolist(),
                traffic.count[part].tolist(),
                strict=True,
            ):
                rows = slice(first, first + count)
                streams = traffic.stream[rows]
                yield self._letter(
                    sent,
                    traffic.devices[device],
                    [names[stream] for stream in streams.tolist()],
                    traffic.sampled[rows].tolist(),
                    traffic.value[rows].tolist(),
                    switches[streams].tolist(),
                )

    def _letter(
        self, sent: int, device: str, names: list[str], times: list[int], values: list[float], switches: list[bool]
    ) -> Letter:
        samples: list[tuple[int, dict[str, float | bool]]] = []
        entries = []
        for name, sampled, value, switch in zip(names, times, values, switches, strict=True):
            time = sampled + self.shift
            if not samples or samples[-1][0] != time:
                samples.append((time, {}))
            samples[-1][1][name] = value >= 0.5 if switch else value
            entries.append(Entry(device, name, time, value))
        return Letter(sent, device, self.topics[device], encode(device, self._forms[device], samples), tuple(entries))
