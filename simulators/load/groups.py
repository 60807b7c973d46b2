"""Who is in a fleet: the kinds of devices of the demo county, in the same proportions, as many as are wanted."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from domain.errors import ConfigurationError
from domain.topics import telemetry
from simulators.equipment import EQUIPMENT, Equipment, Hardware

#: Areas, six digits each, in a range of GB/T 2260 that is not assigned.
AREAS = tuple(f"5399{number}" for number in range(50, 66))
#: Instants of a device are whole milliseconds; two messages of it may not share one (arrays carry two samples).
_LEAST_INTERVAL_S = 0.004


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Devices of one kind: they stand on assets numbered from 0, one on each."""

    equipment: Equipment
    hardware: Hardware
    count: int
    #: Seconds between two messages of a device.
    interval_s: float

    @property
    def name(self) -> str:
        """What its devices are called, before their number."""
        return f"{self.equipment.kind}-{self.hardware.suffix}" if self.hardware.suffix else self.equipment.kind

    def asset(self, number: int) -> str:
        """Id of an asset."""
        return f"fleet-{self.equipment.kind.replace('_', '-')}-{number:06d}"

    def device(self, number: int) -> str:
        """Id of the device on an asset."""
        return f"{self.asset(number)}-{self.hardware.suffix or 'd'}"

    def area(self, number: int) -> str:
        """Area of an asset."""
        return AREAS[number % len(AREAS)]

    def topic(self, number: int) -> str:
        """Where a device publishes."""
        return telemetry(self.area(number), self.equipment.network, self.device(number))


def compose(devices: int, rate: float) -> tuple[Group, ...]:
    """A fleet of so many devices that publishes so many messages a second.

    Kinds report as often, compared with each other, as in the county; all of them faster or slower to reach the rate.

    Raises:
        ConfigurationError: So few devices cannot publish that much.
    """
    assets = _assets(devices)
    base = [(equipment, hardware, count) for equipment, count in assets for hardware in equipment.devices if count]
    factor = sum(count / hardware.interval_s for _, hardware, count in base) / rate
    groups = tuple(
        Group(equipment=equipment, hardware=hardware, count=count, interval_s=hardware.interval_s * factor)
        for equipment, hardware, count in base
    )
    if min(group.interval_s for group in groups) < _LEAST_INTERVAL_S:
        raise ConfigurationError(
            "fleet",
            [f"{devices} devices would report every few milliseconds at {rate:g} messages/s: take more devices"],
        )
    return groups


def _assets(devices: int) -> list[tuple[Equipment, int]]:
    """How many assets of each kind: in proportion, the rest on kinds with one device each."""
    usual = [sum(equipment.counts) for equipment in EQUIPMENT]
    total = sum(count * len(equipment.devices) for equipment, count in zip(EQUIPMENT, usual, strict=True))
    counts = [devices * count // total for count in usual]
    left = devices - sum(count * len(equipment.devices) for equipment, count in zip(EQUIPMENT, counts, strict=True))
    singles = sorted((k for k, e in enumerate(EQUIPMENT) if len(e.devices) == 1), key=lambda k: (-usual[k], k))
    for turn in range(left):
        counts[singles[turn % len(singles)]] += 1
    return list(zip(EQUIPMENT, counts, strict=True))


def streams(groups: Sequence[Group]) -> int:
    """Datastreams of a fleet."""
    return sum(group.count * len(group.hardware.properties) for group in groups)


def stride(count: int) -> int:
    """A step that visits each of `count` devices once before any twice, far apart one after the other."""
    step = max(1, round(count * (math.sqrt(5) - 1) / 2))
    while math.gcd(step, count) != 1:
        step += 1
    return step
