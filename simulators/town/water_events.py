"""What happenings do to the network: holes, stopped pumps, and what gets into the water, at any instant."""

from collections.abc import Mapping
from dataclasses import dataclass

from simulators.town.happenings import Happening

#: Half of the rise of a disturbance of sediment is there after this time; ours.
_STIRRED_S = 300.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Events:
    """The happenings that concern one network.

    Attributes:
        nodes: Asset -> the node at which things happen to it.
    """

    nodes: Mapping[str, str]
    happenings: tuple[Happening, ...]

    def holes(self, now: int) -> dict[str, float]:
        """Node -> emitter coefficient of all bursts there; 0 for those that are closed."""
        found: dict[str, float] = {}
        for h in self._of("water.burst"):
            node = self.nodes[str(h.target)]
            found[node] = found.get(node, 0.0) + (h["emitter"] if _active(h, now) else 0.0)
        return found

    def stopped(self, station: str, now: int) -> bool:
        """Whether the pumps of an asset stand still."""
        return any(h.target == station and _active(h, now) for h in self._of("water.pump_outage", "power.lost"))

    def undosed(self, plant: str, now: int) -> bool:
        """Whether no chlorine is dosed."""
        return any(h.target == plant and _active(h, now) for h in self._of("water.dosing_lost", "power.lost"))

    def dark(self, asset: str, now: int) -> bool:
        """Whether an asset has no power."""
        return any(h.target == asset and _active(h, now) for h in self._of("power.lost"))

    @property
    def injections(self) -> tuple[Happening, ...]:
        """Contaminations."""
        return self._of("water.contamination")

    @property
    def disturbances(self) -> tuple[Happening, ...]:
        """Stirred-up sediment."""
        return self._of("water.turbid")

    @property
    def bursts(self) -> tuple[Happening, ...]:
        """Bursts."""
        return self._of("water.burst")

    def _of(self, *kinds: str) -> tuple[Happening, ...]:
        return tuple(h for h in self.happenings if h.kind in kinds and h.target in self.nodes)


def _active(happening: Happening, now: int) -> bool:
    return happening.since <= now and (happening.until is None or now < happening.until)


def amount(happening: Happening, now: int) -> float:
    """How much of what gets into the water gets in now: mg a minute of a contaminant, NTU of sediment."""
    if not _active(happening, now):
        return 0.0
    if happening.kind == "water.contamination":
        return float(happening["mass"])
    age_s = (now - happening.since) / 1e6
    return float(happening["rise"] * (1 - 0.5 ** (1 + age_s / _STIRRED_S)))
