"""How two sets of rules differ over the same period: what is new, what is lost, what moved."""

from collections.abc import Iterable
from dataclasses import dataclass

from rules.history import Episode


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """The same rule and subject at overlapping times, but from another time, to another, or with other levels."""

    before: Episode
    after: Episode


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Each episode stands in exactly one place. All in the order of their beginning."""

    new: tuple[Episode, ...]
    lost: tuple[Episode, ...]
    moved: tuple[Move, ...]
    same: int


def difference(before: Iterable[Episode], after: Iterable[Episode]) -> Difference:
    """What has become of the episodes of one set of rules under another.

    Those that are equal in time and levels are paired first; of the rest those that overlap, in the order of time.
    """
    left: dict[tuple[str, str], list[Episode]] = {}
    for episode in before:
        left.setdefault((episode.rule, episode.subject), []).append(episode)
    rest = []
    same = 0
    for episode in after:
        own = left.get((episode.rule, episode.subject), [])
        twin = next((one for one in own if _shape(one) == _shape(episode)), None)
        if twin is None:
            rest.append(episode)
        else:
            own.remove(twin)
            same += 1
    new, moved = [], []
    for episode in rest:
        own = left.get((episode.rule, episode.subject), [])
        partner = next((one for one in own if one.overlaps(episode)), None)
        if partner is None:
            new.append(episode)
        else:
            own.remove(partner)
            moved.append(Move(before=partner, after=episode))
    lost = sorted((one for own in left.values() for one in own), key=_order)
    return Difference(
        new=tuple(sorted(new, key=_order)),
        lost=tuple(lost),
        moved=tuple(sorted(moved, key=lambda move: _order(move.after))),
        same=same,
    )


def _shape(episode: Episode) -> tuple[object, ...]:
    return episode.levels, episode.cleared_at


def _order(episode: Episode) -> tuple[int, str, str]:
    return episode.raised_at, episode.rule, episode.subject
