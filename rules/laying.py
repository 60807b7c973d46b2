"""Fused rules laid over assets and areas: for each subject the datastreams that each leaf looks at."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from domain.alert import Level
from domain.exercise_mark import exercise_of
from domain.subject import Watched, WatchedAsset, area_subject, asset_subject
from domain.times import MICROS_PER_SECOND
from rules.fused import All, Expression, Fused, Hours, InOrder, Leaf, Not, leaves
from rules.grounds import number_on
from rules.rule import ANY_NETWORK, Rule
from rules.surroundings import Surroundings


@dataclass(frozen=True, kw_only=True, slots=True)
class FusedLeaf:
    """A leaf of a rule as it is on one subject."""

    #: The rule, `#`, and the number of the leaf in the rule, from 1.
    name: str
    leaf: Leaf
    #: Dense numbers of datastreams, the nearest first; for whole devices, of the first datastream of each.
    members: tuple[int, ...]
    #: The number of `fewer_than` as it is on the subject.
    number: float | None = None

    @property
    def inverted(self) -> bool:
        """Whether those who do not meet the condition are what is wrong."""
        return self.leaf.count.fewer_than is not None or self.leaf.count.share_below is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """An expression, compiled: leaves are positions in `Fusion.leaves`."""

    kind: Literal["leaf", "all", "any", "not", "order", "hours"]
    parts: tuple["Part", ...] = ()
    leaf: int = -1
    #: Whether the leaf counts for a while after it was true.
    extended: bool = False
    minutes: tuple[int, int] = (0, 0)


#: Whatever happens: any of nothing.
NEVER = Part(kind="any")


@dataclass(frozen=True, kw_only=True, slots=True)
class Fusion:
    """A fused rule on one subject. Times in microseconds."""

    rule: Rule
    subject: str
    area: str
    #: None if the subject is an area.
    asset: WatchedAsset | None
    #: The mildest first.
    levels: tuple[tuple[Level, Part], ...]
    leaves: tuple[FusedLeaf, ...]
    within: int
    on_delay: int
    off_delay: int
    #: How far back the truths must reach before the begin of an evaluation.
    reach: int
    #: Whether the time of the day matters.
    by_hours: bool

    def level(self, rank: int) -> Level:
        """The level of a rank of at least 1; 1 is the mildest."""
        return self.levels[rank - 1][0]

    def rank_of(self, level: Level | None) -> int:
        """The rank of a level that was kept; of the next milder one if the rule has it no longer."""
        return 0 if level is None else max(1, sum(1 for own, _ in self.levels if own >= level))


def numbered(rule: Rule) -> tuple[tuple[str, Leaf], ...]:
    """The leaves of a rule with their names, `rule#1` and so on: those of the worst level first, equal ones once."""
    found: list[Leaf] = []
    for _, expression in _expressions(rule):
        for leaf in leaves(expression):
            if leaf not in found:
                found.append(leaf)
    return tuple((f"{rule.id}#{number}", leaf) for number, leaf in enumerate(found, 1))


def lay(rules: Iterable[Rule], watched: Sequence[Watched], surroundings: Surroundings) -> tuple[Fusion, ...]:
    """Every fused rule on every subject on which it could ever be true.

    Args:
        rules: The catalogue; rules that are not fused are passed over.
        watched: Every datastream in the order of its dense number: by device, then by id.
        surroundings: Every asset.
    """
    stock = _Stock(watched, surroundings)
    return tuple(fusion for rule in rules if isinstance(rule.condition, Fused) for fusion in _laid(rule, stock))


class _Stock:
    """The datastreams by what leaves ask for."""

    def __init__(self, watched: Sequence[Watched], surroundings: Surroundings) -> None:
        self.watched = watched
        self.surroundings = surroundings
        self._streams: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._devices: dict[str, list[int]] = defaultdict(list)
        for number, item in enumerate(watched):
            self._streams[item.asset, item.property].append(number)
            if not number or watched[number - 1].device != item.device:
                self._devices[item.asset].append(number)
        self._shared: dict[tuple[str, str | int | None], tuple[int, ...]] = {}

    def members(self, rule: Rule, name: str, leaf: Leaf, area: str, asset: WatchedAsset | None) -> tuple[int, ...]:
        """The members of a leaf, seen from a subject."""
        where = leaf.where
        if asset is None and where.place is None:
            return ()
        if asset is not None and where.place not in {"area", "everywhere"}:
            return tuple(self._on(leaf, self.surroundings.around(asset.id, where)))
        # Seen from every subject of one area it is the same; seen from everywhere, for all that is real.
        key = (name, exercise_of(area) if where.place == "everywhere" else area)
        if key not in self._shared:
            network = rule.network if leaf.property is None and rule.network != ANY_NETWORK else None
            self._shared[key] = tuple(self._on(leaf, self.surroundings.in_place(area, where), network))
        return self._shared[key]

    def _on(self, leaf: Leaf, assets: Iterable[str], network: str | None = None) -> Iterator[int]:
        for asset in assets:
            own = (
                self._devices.get(asset, ()) if leaf.property is None else self._streams.get((asset, leaf.property), ())
            )
            for number in own:
                item = self.watched[number]
                if network is None or item.network == network:
                    limits = (limit for limit in (leaf.above, leaf.below) if limit is not None)
                    if all(number_on(limit, item.tags) is not None for limit in limits):
                        yield number


def _expressions(rule: Rule) -> list[tuple[Level, Expression]]:
    """The levels, the worst first."""
    if not isinstance(rule.condition, Fused):
        raise TypeError(f"rule {rule.id} is not fused")
    return sorted(
        ((Level.parse(name), level.when) for name, level in rule.condition.fused.items()), key=lambda own: own[0]
    )


def _laid(rule: Rule, stock: _Stock) -> Iterator[Fusion]:
    condition = rule.condition
    if not isinstance(condition, Fused):
        raise TypeError(f"rule {rule.id} is not fused")
    named = numbered(rule)
    levels = tuple(
        (level, _compiled(when, [leaf for _, leaf in named], True)) for level, when in _expressions(rule)[::-1]
    )
    within, on_delay, off_delay = (
        seconds * MICROS_PER_SECOND for seconds in (condition.within_s, condition.on_delay_s, condition.off_delay_s)
    )
    reach = max(_reach(part, within) for _, part in levels) + max(on_delay, off_delay)
    by_hours = any(_by_hours(part) for _, part in levels)
    for subject, area, asset in _subjects(rule, stock.surroundings):
        tags = {} if asset is None else asset.tags
        own = tuple(
            FusedLeaf(
                name=name,
                leaf=leaf,
                members=stock.members(rule, name, leaf, area, asset),
                number=None if leaf.count.fewer_than is None else number_on(leaf.count.fewer_than, tags),
            )
            for name, leaf in named
        )
        # Unknown for ever, a level that can never be true here would keep the others from ending.
        possible = tuple((level, part if _possible(part, own)[1] else NEVER) for level, part in levels)
        if any(leaf.members for leaf in own) and any(part is not NEVER for _, part in possible):
            yield Fusion(
                rule=rule,
                subject=subject,
                area=area,
                asset=asset,
                levels=possible,
                leaves=own,
                within=within,
                on_delay=on_delay,
                off_delay=off_delay,
                reach=reach,
                by_hours=by_hours,
            )


def _subjects(rule: Rule, surroundings: Surroundings) -> Iterator[tuple[str, str, WatchedAsset | None]]:
    """The subjects of a rule, with their area and asset."""
    scope = rule.applies_to
    fitting = [
        asset
        for asset in surroundings.assets.values()
        if rule.network in {ANY_NETWORK, asset.network}
        and (scope.asset_kinds is None or asset.kind in scope.asset_kinds)
        and all(asset.tags.get(key) == value for key, value in scope.tags.items())
    ]
    if scope.each == "area":
        for area in sorted({asset.area for asset in fitting}):
            yield area_subject(area), area, None
    else:
        for asset in fitting:
            yield asset_subject(asset.id), asset.area, asset


def _compiled(expression: Expression, known: list[Leaf], extended: bool) -> Part:  # noqa: FBT001
    """An expression over numbered leaves; inside `not` and inside an order, leaves count for no longer than true."""
    if isinstance(expression, Leaf):
        return Part(kind="leaf", leaf=known.index(expression), extended=extended)
    if isinstance(expression, Hours):
        return Part(kind="hours", minutes=expression.minutes)
    if isinstance(expression, Not):
        return Part(kind="not", parts=(_compiled(expression.not_, known, False),))
    if isinstance(expression, InOrder):
        return Part(kind="order", parts=tuple(_compiled(e, known, False) for e in (expression.first, expression.then)))
    if isinstance(expression, All):
        return Part(kind="all", parts=tuple(_compiled(e, known, extended) for e in expression.all))
    return Part(kind="any", parts=tuple(_compiled(e, known, extended) for e in expression.any))


def _reach(part: Part, within: int) -> int:
    """How far back an expression remembers."""
    own = 2 * within if part.kind == "order" else within if part.extended else 0
    return own + max((_reach(one, within) for one in part.parts), default=0)


def _by_hours(part: Part) -> bool:
    return part.kind == "hours" or any(_by_hours(one) for one in part.parts)


def _possible(part: Part, own: Sequence[FusedLeaf]) -> tuple[bool, bool]:
    """Whether an expression could ever be false, and whether it could ever be true, with the members of its leaves."""
    if part.kind == "hours":
        return True, True
    if part.kind == "leaf":
        return _leaf_possible(own[part.leaf])
    inner = [_possible(one, own) for one in part.parts]
    if part.kind == "not":
        return inner[0][1], inner[0][0]
    false, true = [can[0] for can in inner], [can[1] for can in inner]
    if part.kind == "any":
        return all(false), any(true)
    return part.kind == "order" or any(false), all(true)


def _leaf_possible(leaf: FusedLeaf) -> tuple[bool, bool]:
    count, total = leaf.leaf.count, len(leaf.members)
    enough = total >= count.members and total > 0
    if count.at_least is not None:
        return enough or not total, enough and total >= count.at_least
    if count.fewer_than is not None and (leaf.number is None or leaf.number <= 0):
        return enough and leaf.number is not None, False
    return enough, enough
