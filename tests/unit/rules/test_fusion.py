"""Fused rules: the sweep agrees with an evaluation second by second, in one piece as in many, and with `threshold`."""

import time
from datetime import timedelta, timezone
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.subject import WatchedAsset
from domain.times import to_datetime
from rules.fused import All, Expression, Fused, Hours, InOrder, Leaf, Not
from rules.fusion import Fusion, Outcome, Turn, evaluate, lay, numbered
from rules.laying import NEVER
from rules.rule import Rule
from rules.surroundings import Surroundings
from rules.threshold import NORMAL, Change, run
from rules.track import track
from rules.truth import FALSE, Truth
from tests.support.fusing import steps, watch
from tests.support.rulebook import SECOND, T0, above, rule, stream
from tests.unit.rules.test_laying import LEAK
from tests.unit.rules.test_surroundings import asset

EXAMPLES = 150
ZONE = timezone(timedelta(hours=8))
LEVELS = ("blue", "yellow", "red")
#: Members of the one subject, by property.
MEMBERS = {"p": (0, 1, 2), "q": (3,), "r": (4, 5)}
WATCHED = tuple(
    stream(number, device=f"d{number}", property=name, asset="station")
    for name, own in MEMBERS.items()
    for number in own
)
STATION: WatchedAsset = asset("station")

counts = st.one_of(
    st.builds(lambda n: {"at_least": n}, st.integers(1, 3)),
    st.builds(lambda n: {"fewer_than": n}, st.integers(1, 3)),
    st.builds(lambda s, k: {"share_above": s, "known": k}, st.sampled_from([0.0, 0.4, 0.6]), st.sampled_from([0, 0.6])),
    st.just({"share_below": 0.5}),
)
leaf_parts = st.builds(
    lambda name, count: {"property": name, "above": 1, "count": count, "evidence": "unverified"},
    st.sampled_from(sorted(MEMBERS)),
    counts,
)
hour_parts = st.sampled_from(["07:59-08:01", "08:01-07:59", "08:00-08:00"]).map(lambda text: {"hours": text})


def expressions(depth: int) -> st.SearchStrategy[dict[str, Any]]:
    if not depth:
        return st.one_of(leaf_parts, leaf_parts, hour_parts)
    inner = expressions(depth - 1)
    several = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        leaf_parts,
        several.map(lambda parts: {"all": parts}),
        several.map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
        st.builds(lambda first, then: {"first": first, "then": then}, inner, inner),
    )


rules_ = st.builds(
    lambda levels, within, on, off: fused(levels, within_s=within, on_delay_s=on, off_delay_s=off),
    st.dictionaries(st.sampled_from(LEVELS), expressions(2), min_size=1),
    st.integers(1, 9),
    st.integers(0, 6),
    st.integers(0, 6),
)
step_times = st.integers(0, 60).map(lambda second: T0 + second * SECOND)
truths = st.builds(
    lambda before, steps: Truth.of(before, sorted(steps.items())),
    st.sampled_from([-1, 0, 1]),
    st.dictionaries(step_times, st.sampled_from([-1, 0, 1]), max_size=8),
)
worlds = st.tuples(*[truths] * len(WATCHED))
World = tuple[Truth, ...]


def fused(levels: dict[str, dict[str, Any]], **fields: object) -> Rule:
    condition = {"fused": {k: {"when": v, "evidence": "unverified"} for k, v in levels.items()}} | fields
    return rule("f", condition=condition, **{"class": "warning"}, applies_to={})


def laid(own: Rule) -> Fusion | None:
    fusions = lay([own], WATCHED, Surroundings([STATION]))
    return fusions[0] if fusions else None


def at(seconds: float) -> int:
    return T0 + round(seconds * SECOND)


class Oracle:
    """The rule judged anew at every second, by nothing but its words."""

    #: Long before the first step everything has settled.
    BEGIN, END = -160, 90

    def __init__(self, own: Rule, world: World) -> None:
        assert isinstance(own.condition, Fused)
        self.condition = own.condition
        self.world = world
        self.seconds = range(self.BEGIN, self.END)
        #: Levels that could never be true are false, not unknown.
        fusion = laid(own)
        self.never = {level for level, part in fusion.levels if part is NEVER} if fusion else set()
        self.ranks = self._ranks(own)

    def leaf(self, leaf: Leaf) -> list[int]:
        own = [self.world[number] for number in MEMBERS[leaf.property or ""]]
        count, found = leaf.count, []
        for second in self.seconds:
            now = [truth.at(at(second)) for truth in own]
            true, maybe = now.count(1), now.count(1) + now.count(-1)
            if count.at_least is not None:
                found.append(1 if true >= count.at_least else 0 if maybe < count.at_least else -1)
            elif isinstance(count.fewer_than, float):
                found.append(1 if maybe < count.fewer_than else 0 if true >= count.fewer_than else -1)
            else:
                known = len(now) - now.count(-1)
                share = true / known if known else 0
                met = share > count.share_above if count.share_above is not None else share < (count.share_below or 0)
                found.append(int(met) if known and known / len(now) >= count.known else -1)
        return found

    def value(self, expression: Expression, within: int) -> list[int]:
        if isinstance(expression, Leaf):
            raw = self.leaf(expression)
            return [1 if 1 in raw[max(0, i - within) : i + 1] else raw[i] for i in range(len(raw))]
        if isinstance(expression, Hours):
            begin, end = expression.minutes
            local = [to_datetime(at(s)).astimezone(ZONE) for s in self.seconds]
            minutes = [moment.hour * 60 + moment.minute for moment in local]
            if begin == end:
                return [1] * len(minutes)
            return [int(begin <= m < end if begin < end else m >= begin or m < end) for m in minutes]
        if isinstance(expression, Not):
            return [{1: 0, 0: 1, -1: -1}[value] for value in self.value(expression.not_, 0)]
        if isinstance(expression, InOrder):
            return self.order(self.value(expression.first, 0), self.value(expression.then, 0))
        parts = expression.all if isinstance(expression, All) else expression.any
        rank = (0, -1, 1)
        worst = min if isinstance(expression, All) else max
        return [
            rank[worst(rank.index(value) for value in now)]
            for now in zip(*(self.value(part, within) for part in parts), strict=True)
        ]

    def order(self, first: list[int], then: list[int]) -> list[int]:
        within = self.condition.within_s
        near = [1 if 1 in first[max(0, i - within) : i + 1] else first[i] for i in range(len(first))]
        found = []
        for i, now in enumerate(then):
            if now == 0:
                found.append(0)
                continue
            # Back to where it began: through what is true, and through gaps of at most `within` before it.
            begin, here = None, i
            while here >= 0 and then[here] != 0:
                if then[here] == 1:
                    if begin is not None and begin - here - 1 > within and -1 in then[here:begin]:
                        break
                    begin = here
                here -= 1
            counts = begin is not None and begin > 0 and i < begin + within and near[begin] != 0
            value = near[begin] if counts and begin is not None else 0
            found.append(value if now == 1 else -1 if near[i] != 0 or value != 0 else 0)
        return found

    def _ranks(self, own: Rule) -> list[int]:
        levels = [
            [0] * len(self.seconds)
            if level in self.never
            else self.value(self.condition.fused[level.label].when, self.condition.within_s)  # type: ignore[index]
            for level in reversed(own.levels)
        ]
        since: dict[int, int] = {}
        back: dict[int, int] = {}
        active = [False] * len(levels)
        ranks = []
        for i in range(len(self.seconds)):
            for rank in range(len(levels)):
                now = [level[i] for level in levels[rank:]]
                if 1 in now:
                    since.setdefault(rank, i)
                    active[rank] |= i - since[rank] >= self.condition.on_delay_s
                else:
                    since.pop(rank, None)
                if all(value == 0 for value in now):
                    back.setdefault(rank, i)
                    active[rank] &= i - back[rank] < self.condition.off_delay_s
                else:
                    back.pop(rank, None)
            ranks.append(sum(active))
        return ranks

    def rank(self, second: int) -> int:
        return self.ranks[second - self.BEGIN]

    def turns(self, since: int, until: int) -> list[tuple[str, int, int, bool]]:
        found = []
        for second in range(since + 1, until + 1):
            before, after = self.rank(second - 1), self.rank(second)
            if after != before:
                event = "cleared" if not after else "level_changed" if before else "raised"
                found.append((event, second, after or before, before > 0 and after > before))
        return found


def turns(outcome: Outcome) -> list[tuple[str, int, int, bool]]:
    return [(t.event.value, (t.time - T0) // SECOND, t.rank, t.worse) for t in outcome.transitions]


@settings(max_examples=EXAMPLES, deadline=None)
@given(rules_, worlds)
def test_the_sweep_agrees_with_an_evaluation_at_every_second(own: Rule, world: World) -> None:
    oracle, fusion = Oracle(own, world), laid(own)
    if fusion is None:
        # It can never be true, or it looks at no datastream at all.
        assert not oracle.turns(-80, 85) or not numbered(own)
        return
    outcome = evaluate(fusion, lambda _, member: world[member], at(-80), at(85), ZONE, oracle.rank(-80))
    assert turns(outcome) == oracle.turns(-80, 85)
    assert outcome.rank == oracle.rank(85)


@settings(max_examples=EXAMPLES, deadline=None)
@given(rules_, worlds, st.lists(st.integers(-20, 100), max_size=5))
def test_pieces_give_what_the_whole_gives_and_no_more_than_the_reach_is_remembered(
    own: Rule, world: World, cuts: list[int]
) -> None:
    fusion = laid(own)
    if fusion is None:
        return
    begin, end = at(-100), at(130)
    start = evaluate(fusion, lambda _, member: world[member], at(-300), begin, ZONE).rank
    whole = evaluate(fusion, lambda _, member: world[member], begin, end, ZONE, start)
    found: list[Turn] = []
    held = start
    borders = [begin, *sorted({at(cut) for cut in cuts}), end]
    for since, until in pairwise(borders):
        known = [truth.since(since - fusion.reach).until(until) for truth in world]
        piece = evaluate(fusion, lambda _, member, known=known: known[member], since, until, ZONE, held)  # type: ignore[misc]
        found += piece.transitions
        held = piece.rank
    assert tuple(found) == whole.transitions
    assert held == whole.rank


@settings(max_examples=EXAMPLES, deadline=None)
@given(rules_, worlds, st.integers(0, 70))
def test_what_is_due_next_comes_if_nothing_new_comes(own: Rule, world: World, now: int) -> None:
    fusion = laid(own)
    if fusion is None:
        return
    known = [truth.until(at(now)) for truth in world]
    held = evaluate(fusion, lambda _, member: known[member], at(-300), at(-100), ZONE).rank
    outcome = evaluate(fusion, lambda _, member: world[member], at(-100), at(now), ZONE, held)
    later = evaluate(
        fusion, lambda _, member: known[member], at(now), at(now + 3 * 86_400), ZONE, outcome.rank
    ).transitions
    assert outcome.next_due == (later[0].time if later else None)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.sampled_from([0, 1, 2, 3]), min_size=1, max_size=60), st.integers(0, 5), st.integers(0, 5))
def test_delays_are_those_of_thresholds(values: list[int], on: int, off: int) -> None:
    """The same values, judged as one datastream by the state machine and as three levels by the sweep."""
    limits = above(blue=0.5, yellow=1.5, red=2.5)
    data = limits.model_dump(by_alias=True)
    data["condition"] |= {"on_delay_s": on, "off_delay_s": off}
    own = track(Rule.model_validate(data), 100, {})
    assert own is not None
    changes: list[Change] = []
    times = np.array([at(i) for i in range(len(values))], dtype=np.int64)
    run(own, NORMAL, None, times, np.array(values, dtype=np.float64), changes)
    expression = {
        name: {"property": "p", "above": rank, "evidence": "unverified"} for rank, name in enumerate(LEVELS, 1)
    }
    fusion = laid(fused(expression, on_delay_s=on, off_delay_s=off))
    assert fusion is not None
    # The leaf of the worst level has the number 1.
    by_name = {
        f"f#{4 - rank}": Truth.of(0, [(at(i), int(value >= rank)) for i, value in enumerate(values)])
        for rank in (1, 2, 3)
    }
    still = Truth.of(0, [])
    outcome = evaluate(
        fusion,
        lambda name, member: by_name[name] if member == 0 else still,
        at(-1),
        at(len(values) - 1),
        ZONE,
    )
    assert [(t.event, t.time, t.rank) for t in outcome.transitions] == [(c.event, c.time, c.rank) for c in changes]


def test_a_rule_over_ten_thousand_assets_is_laid_and_evaluated_in_seconds() -> None:
    assets = [asset(f"p{n:05}", kind="pipe", longitude=102 + n * 0.0001) for n in range(10_000)]
    watched = watch(*((one, name) for one in assets for name in ("pressure", "methane")))
    began = time.process_time()
    fusions = lay([LEAK], watched, Surroundings(assets))
    assert len(fusions) == 10_000
    assert time.process_time() - began < 15
    truths = {"1": steps((0, 1)), "2": FALSE, "3": FALSE, "4": steps((10, 1), (700, 0))}
    began = time.process_time()
    for fusion in fusions[:1000]:
        assert len(evaluate(fusion, lambda name, _: truths[name[2:]], at(-1), at(5000), ZONE).transitions) == 2
    assert time.process_time() - began < 5
