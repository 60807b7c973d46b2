"""The ledger: what the broker acknowledged, against which acceptance tests and bills compare the database.

Counting is always on. With `keep` every entry is remembered in 28 bytes (names are interned), and can be saved to a
file and read back.
"""

import threading
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Entry(NamedTuple):
    """One value of one property in one message; time in microseconds since 1970 (UTC), true as 1.0."""

    device: str
    property: str
    time: int
    value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerColumns:
    """Every acknowledged entry as columns; `device` and `property` are positions in the two lists of names."""

    devices: tuple[str, ...]
    properties: tuple[str, ...]
    device: NDArray[np.int32]
    property: NDArray[np.int32]
    #: Microseconds since 1970 (UTC).
    time: NDArray[np.int64]
    value: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.time)

    def save(self, path: Path) -> None:
        """Writes a numpy archive (.npz)."""
        with path.open("wb") as file:
            np.savez_compressed(
                file,
                devices=np.array(self.devices, dtype=np.str_),
                properties=np.array(self.properties, dtype=np.str_),
                device=self.device,
                property=self.property,
                time=self.time,
                value=self.value,
            )


def load(path: Path) -> LedgerColumns:
    """Reads what `LedgerColumns.save` wrote."""
    with np.load(path, allow_pickle=False) as archive:
        return LedgerColumns(
            devices=tuple(archive["devices"].tolist()),
            properties=tuple(archive["properties"].tolist()),
            device=archive["device"],
            property=archive["property"],
            time=archive["time"],
            value=archive["value"],
        )


class Ledger:
    """What the broker acknowledged; several publishers may share one."""

    def __init__(self, *, keep: bool = False) -> None:
        self.keep = keep
        self.messages = 0
        self.entries = 0
        #: Messages that the broker answered with an error (MQTT 5): it does not have them.
        self.refused = 0
        #: Messages that the broker took although no subscription wanted them (MQTT 5 says so): nobody will store them.
        self.unmatched = 0
        self._lock = threading.Lock()
        self._devices: dict[str, int] = {}
        self._properties: dict[str, int] = {}
        self._device = array("i")
        self._property = array("i")
        self._time = array("q")
        self._value = array("d")

    def acknowledged(self, entries: int | Sequence[Entry], *, unmatched: bool = False) -> None:
        """One message was acknowledged; one without entries is no observation and is not counted."""
        if not entries:
            return
        with self._lock:
            self.messages += 1
            self.unmatched += unmatched
            if isinstance(entries, int):
                self.entries += entries
                return
            self.entries += len(entries)
            if self.keep:
                for device, name, time, value in entries:
                    self._device.append(self._devices.setdefault(device, len(self._devices)))
                    self._property.append(self._properties.setdefault(name, len(self._properties)))
                    self._time.append(time)
                    self._value.append(value)

    def refuse(self) -> None:
        """One message was refused by the broker."""
        with self._lock:
            self.refused += 1

    def columns(self) -> LedgerColumns:
        """A copy of every entry kept so far; raises ValueError when entries were only counted."""
        with self._lock:
            if len(self._time) != self.entries:
                raise ValueError("this ledger only counted: make it with keep=True and publish with entries")
            return LedgerColumns(
                devices=tuple(self._devices),
                properties=tuple(self._properties),
                device=_copy(self._device, np.int32),
                property=_copy(self._property, np.int32),
                time=_copy(self._time, np.int64),
                value=_copy(self._value, np.float64),
            )


def _copy(values: "array[Any]", kind: type[np.generic]) -> NDArray[Any]:
    return np.array(values, dtype=kind)
