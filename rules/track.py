"""A rule, or a leaf of one, made ready for the datastreams of one interval and one set of tags: limits as numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from domain.alert import Level
from domain.times import MICROS_PER_SECOND
from rules.condition import Position, Threshold
from rules.fused import Leaf
from rules.grounds import Limit, Span, number_on
from rules.measure import Measure
from rules.rule import Rule


@dataclass(frozen=True, kw_only=True, slots=True)
class Track:
    """What the state machine runs on. Times in microseconds.

    Levels are ranks: rank 1 is the mildest. `up` are the limits above which it is wrong, the mildest first; `down`
    those below which it is wrong, with their signs changed, so that both rise; a side without limits is empty. The
    releases are the limits moved inwards by the hysteresis.
    """

    #: The rule; or, for a leaf of a fused rule, the rule, `#` and the number of the leaf.
    name: str
    measure: Measure | None
    up: tuple[float, ...]
    up_release: tuple[float, ...]
    down: tuple[float, ...]
    down_release: tuple[float, ...]
    levels: tuple[Level, ...]
    delay: int
    off_delay: int
    #: How long a sample holds by itself.
    hold: int
    #: The longest distance of two samples between which a violation goes on.
    gap: int
    #: The unit of a measure that has one of its own, and in which way values are compared with the limits.
    unit: str | None = None
    relation: str = "above"

    def level(self, rank: int) -> Level:
        """The level of a rank of at least 1."""
        return self.levels[rank - 1]

    def threshold(self, rank: int, value: float) -> float:
        """The limit of a rank of at least 1 that a value is beyond, or was, in the unit of the measure."""
        if not self.down:
            return self.up[rank - 1]
        low, high = -self.down[rank - 1], self.up[rank - 1] if self.up else None
        return low if high is None or value < (low + high) / 2 else high

    def rank_of(self, level: Level | None) -> int:
        """The rank of a level that was kept; of the next milder one if the rule has it no longer."""
        return 0 if level is None else max(1, sum(1 for own in self.levels if own >= level))


#: up, up_release, down, down_release
_Sides = tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...], tuple[float, ...]]


def track(rule: Rule, interval_s: int, tags: Mapping[str, str]) -> Track | None:
    """A threshold or position rule on datastreams of one interval; None if a limit stands in a tag that is missing."""
    condition = rule.condition
    if isinstance(condition, Position):
        sides, measure = _side(condition.position), None
        levels: tuple[Level, ...] = (Level.parse(condition.level),)
    elif isinstance(condition, Threshold):
        up: list[float | None] = []
        down: list[float | None] = []
        for _, limit in condition.ranked:
            if isinstance(limit, Span):
                up.append(number_on(limit.high, tags))
                down.append(number_on(limit.low, tags))
            elif isinstance(limit, Limit):
                (up if condition.above else down).append(number_on(limit.limit, tags))
        found = _sides(up, down, condition.hysteresis)
        if found is None:
            return None
        sides, levels, measure = found, tuple(level for level, _ in condition.ranked), condition.measure
    else:
        raise TypeError(f"rule {rule.id} has no threshold")
    return _track(rule.id, sides, levels, measure, (interval_s, condition.on_delay_s, condition.off_delay_s))


def leaf_track(name: str, leaf: Leaf, interval_s: int, tags: Mapping[str, str]) -> Track | None:
    """A leaf of a fused rule on datastreams of one interval; None if its limit stands in a tag that is missing."""
    if leaf.position is not None:
        sides: _Sides | None = _side(leaf.position)
    else:
        up = [number_on(leaf.above, tags)] if leaf.above is not None else []
        down = [number_on(leaf.below, tags)] if leaf.below is not None else []
        sides = _sides(up, down, leaf.hysteresis)
    return None if sides is None else _track(name, sides, (Level.BLUE,), leaf.measure, (interval_s, leaf.for_s, 0))


def _track(
    name: str, sides: _Sides, levels: tuple[Level, ...], measure: Measure | None, seconds: tuple[int, int, int]
) -> Track:
    interval, delay, off_delay = (part * MICROS_PER_SECOND for part in seconds)
    return Track(
        name=name,
        measure=measure,
        up=sides[0],
        up_release=sides[1],
        down=sides[2],
        down_release=sides[3],
        levels=levels,
        delay=delay,
        off_delay=off_delay,
        hold=interval,
        gap=interval * 3 // 2,
        unit=measure.unit if measure is not None else None,
        relation=measure.name if measure is not None else _relation(up=bool(sides[0]), down=bool(sides[2])),
    )


def _relation(*, up: bool, down: bool) -> str:
    return "outside" if up and down else "above" if up else "below"


def _side(position: bool) -> _Sides:  # noqa: FBT001
    return ((0.5,), (0.5,), (), ()) if position else ((), (), (-0.5,), (-0.5,))


def _sides(up: list[float | None], down: list[float | None], hysteresis: float) -> _Sides | None:
    highs = tuple(limit for limit in up if limit is not None)
    lows = tuple(limit for limit in down if limit is not None)
    if len(highs) < len(up) or len(lows) < len(down):
        return None
    return (
        highs,
        tuple(_moved(limit, -hysteresis) for limit in highs),
        tuple(-limit for limit in lows),
        tuple(-_moved(limit, hysteresis) for limit in lows),
    )


def _moved(limit: float, by: float) -> float:
    """The sum as a person reckons it: 0.21 less 0.01 is 0.2, and a value of 0.2 is there."""
    return float(Decimal(repr(limit)) + Decimal(repr(by)))
