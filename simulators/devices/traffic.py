"""Everything that the devices of a town publish over a span, as columns: readings, and the messages that carry them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Bits of `Traffic.labels`: why a reading is not what a sound instrument would say. 0: sound.
DRIFT, BIAS, STUCK, SPIKE, NOISY, CLOCK, BATTERY = (1 << bit for bit in range(7))
LABELS = {
    DRIFT: "drift",
    BIAS: "bias",
    STUCK: "stuck",
    SPIKE: "spike",
    NOISY: "noisy",
    CLOCK: "clock",
    BATTERY: "battery",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Traffic:
    """Messages in the order in which they leave; the readings of message m are rows[first[m] : first[m] + count[m]].

    A message that is sent twice stands twice and carries the same rows. What a device lost for good (dead, no memory)
    is not in the messages; `lost` counts such readings.

    Attributes:
        devices: Ids of the devices; messages point into them.
        streams: (device, property) of each datastream; readings point into them.
        sent: Messages: when each leaves its device or gateway, microseconds since 1970 (UTC). [messages]
        device: Messages: index of the device. [messages] int32
        first, count: Messages: which rows. [messages] int64, int32
        stream: Readings: index of the datastream. [rows] int32
        sampled: Readings: the time that the device writes beside the value (its own clock). [rows] int64
        value: Readings: what is reported, rounded as the instrument does; switches are 0 or 1. [rows] float64
        truth: Readings: what was true at the moment of sampling. [rows] float64
        labels: Readings: bits as above. [rows] uint8
        lost: Readings that never left.
    """

    devices: tuple[str, ...]
    streams: tuple[tuple[str, str], ...]
    sent: NDArray[np.int64]
    device: NDArray[np.int32]
    first: NDArray[np.int64]
    count: NDArray[np.int32]
    stream: NDArray[np.int32]
    sampled: NDArray[np.int64]
    value: NDArray[np.float64]
    truth: NDArray[np.float64]
    labels: NDArray[np.uint8]
    lost: int = 0
