"""How a corrected history meets the recorded one: pure, what to withdraw, what to append, and to which alert.

An alert is a thread of one or more episodes of its rule and subject (it is opened again when its condition comes back
before anybody acknowledged it). An event stays in the alert that it was written to, so a corrected episode is first
given to an alert; what that alert already holds is kept, everything else is withdrawn and appended.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeVar

from domain.alert import AlertEvent, Level
from domain.transition import AlertChange, Revision

#: Stands for the alert that is to be made.
_NEW = -1
_WHILE_ACTIVE = (AlertEvent.LEVEL_CHANGED, AlertEvent.CLEARED, AlertEvent.RAISED)
_WHILE_NORMAL = (AlertEvent.RAISED, AlertEvent.LEVEL_CHANGED, AlertEvent.CLEARED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """An event of a condition that counts at present. Microseconds since 1970 (UTC)."""

    id: int
    alert: int
    event: AlertEvent
    time: int
    level: Level
    value: float | None
    threshold: float | None
    told: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Projection:
    """An alert as its events make it: what its row says of the condition."""

    active: bool
    raised_at: int
    level: Level
    level_at: int
    cleared_at: int | None
    value: float | None
    threshold: float | None


@dataclass(kw_only=True, slots=True)
class Correction:
    """What happens to one alert; `alert` is None for one that is to be made."""

    alert: int | None
    withdrawn: list[Recorded] = field(default_factory=list)
    appended: list[AlertChange] = field(default_factory=list)
    #: Which of the two lists' entries people are told of, by position.
    tell_appended: set[int] = field(default_factory=set)
    tell_withdrawn: set[int] = field(default_factory=set)
    #: None: no event is left.
    projection: Projection | None = None
    #: The transition whose texts and readings the alert shows now.
    shown: Recorded | AlertChange | None = None
    #: Whether the alert is active, or worse, and was not before.
    worsened: bool = False
    #: Whether it has to close, because an earlier alert of the same rule and subject goes on.
    superseded: bool = False
    #: Whether its events stay as they are.
    untouched: bool = False


def revise(revision: Revision, recorded: Sequence[Recorded], open_alert: int | None) -> list[Correction]:
    """The corrections that make the recorded history of a rule and subject the revised one.

    Args:
        revision: What is so from its `since` on.
        recorded: Every event of the rule and subject that counts, of the alerts that reach beyond `since`.
        open_alert: The one open alert of the rule and subject, if there is one.

    Returns:
        One correction for each alert that changes; at most one of them makes a new alert.
    """
    recorded = in_order(recorded)
    before = [item for item in recorded if item.time < revision.since]
    after = [item for item in recorded if item.time >= revision.since]
    given, active = _give(revision.changes, before, after, open_alert)
    corrections = []
    for alert in dict.fromkeys([*(item.alert for item in after), *(owner for owner, _ in given)]):
        mine = [change for owner, changes in given if owner == alert for change in changes]
        old = [item for item in after if item.alert == alert]
        kept = Counter(_key(item) for item in old) & Counter(_key(change) for change in mine)
        correction = Correction(alert=None if alert == _NEW else alert)
        correction.withdrawn = _without(old, kept)
        correction.appended = _without(mine, kept)
        if correction.withdrawn or correction.appended:
            _describe(correction, [item for item in before if item.alert == alert], old, mine)
            corrections.append(correction)
    if open_alert is not None and active not in {None, open_alert}:
        _supersede(corrections, open_alert)
    return corrections


def _describe(correction: Correction, earlier: list[Recorded], old: list[Recorded], mine: list[AlertChange]) -> None:
    was = project([*earlier, *old])
    whole: list[Recorded | AlertChange] = [*earlier, *mine]
    correction.projection = now = project(whole)
    correction.shown = next((item for item in reversed(whole) if item.event is not AlertEvent.CLEARED), None)
    correction.worsened = now is not None and now.active and (was is None or not was.active or now.level < was.level)
    _tell(correction)


def _supersede(corrections: list[Correction], open_alert: int) -> None:
    """An alert that was over goes on, so the open one of the same rule and subject has to make room."""
    mine = next((item for item in corrections if item.alert == open_alert), None)
    if mine is None:
        mine = Correction(alert=open_alert, untouched=True)
        corrections.append(mine)
    mine.superseded = True


def in_order(events: Sequence[Recorded]) -> list[Recorded]:
    """Events in the order in which they happened; of several at one instant, the order that makes sense."""
    ordered: list[Recorded] = []
    active = False
    for _, group in groupby(sorted(events, key=lambda item: (item.time, item.id)), key=lambda item: item.time):
        together = list(group)
        if len(together) > 1:
            together.sort(key=lambda item: (_WHILE_ACTIVE if active else _WHILE_NORMAL).index(item.event))
        ordered += together
        active = together[-1].event is not AlertEvent.CLEARED
    return ordered


def project(events: Sequence[Recorded | AlertChange]) -> Projection | None:
    """What a row says after these events in their order; None without any."""
    raised_at = next((e.time for e in events if e.event is AlertEvent.RAISED), None)
    last = next((e for e in reversed(events) if e.event is not AlertEvent.CLEARED), None)
    if raised_at is None or last is None:
        return None
    active = events[-1].event is not AlertEvent.CLEARED
    return Projection(
        active=active,
        raised_at=raised_at,
        level=last.level,
        level_at=last.time,
        cleared_at=None if active else events[-1].time,
        value=last.value,
        threshold=last.threshold,
    )


Item = TypeVar("Item", Recorded, AlertChange)


def _key(item: Recorded | AlertChange) -> tuple[AlertEvent, int, Level]:
    return item.event, item.time, item.level


def _without(items: list[Item], kept: Counter[tuple[AlertEvent, int, Level]]) -> list[Item]:
    left = kept.copy()
    rest = []
    for item in items:
        if left[_key(item)]:
            left[_key(item)] -= 1
        else:
            rest.append(item)
    return rest


def _episodes(changes: Sequence[AlertChange]) -> list[list[AlertChange]]:
    """The changes from raise to clear; the first may go on with what began before, the last may not have ended."""
    episodes: list[list[AlertChange]] = []
    for change in changes:
        if not episodes or change.event is AlertEvent.RAISED:
            episodes.append([])
        episodes[-1].append(change)
    return episodes


def _give(
    changes: Sequence[AlertChange], before: Sequence[Recorded], after: Sequence[Recorded], open_alert: int | None
) -> tuple[list[tuple[int, list[AlertChange]]], int | None]:
    """An alert for each episode, and the one that is active in the end."""
    episodes = _episodes(changes)
    running = before[-1].alert if before and before[-1].event is not AlertEvent.CLEARED else None
    spans = _spans([*before, *after])
    holders = {_key(item): item.alert for item in reversed(after)}

    def owner_of(episode: list[AlertChange]) -> int | None:
        if episode[0].event is not AlertEvent.RAISED and running is not None:
            return running
        if episode[-1].event is not AlertEvent.CLEARED and open_alert is not None:
            # Two alerts of one rule and subject are never open at once.
            return open_alert
        held = next((holders[_key(change)] for change in episode if _key(change) in holders), None)
        end = episode[-1].time if episode[-1].event is AlertEvent.CLEARED else None
        return held if held is not None else _overlapped(spans, episode[0].time, end)

    owners = [owner_of(episode) for episode in episodes]
    lasts = bool(episodes) and episodes[-1][-1].event is not AlertEvent.CLEARED
    # What belongs to no alert yet goes where it would have gone in order: to the one that is open.
    home = open_alert if open_alert is not None else owners[-1] if lasts else None
    home = _NEW if home is None else home
    settled = [home if owner is None else owner for owner in owners]
    active = settled[-1] if lasts else None if episodes else running
    return list(zip(settled, episodes, strict=True)), active


def _spans(recorded: Sequence[Recorded]) -> list[tuple[int, int, int | None]]:
    """Alert, begin and end (None: not ended) of each recorded episode."""
    spans: list[tuple[int, int, int | None]] = []
    for item in recorded:
        if item.event is AlertEvent.RAISED:
            spans.append((item.alert, item.time, None))
        elif item.event is AlertEvent.CLEARED and spans:
            spans[-1] = (*spans[-1][:2], item.time)
    return spans


def _overlapped(spans: Sequence[tuple[int, int, int | None]], begin: int, end: int | None) -> int | None:
    return next(
        (alert for alert, a, b in spans if (end is None or a <= end) and (b is None or begin <= b)),
        None,
    )


def _tell(correction: Correction) -> None:
    """People hear of what is new, and else once that it never was; that a time has moved is recorded, not told."""
    moved = Counter((item.event, item.level) for item in correction.withdrawn)
    for place, change in enumerate(correction.appended):
        if moved[change.event, change.level]:
            moved[change.event, change.level] -= 1
        else:
            correction.tell_appended.add(place)
    if correction.tell_appended:
        return
    unmoved = Counter((item.event, item.level) for item in correction.withdrawn)
    unmoved.subtract(Counter((change.event, change.level) for change in correction.appended))
    gone = [p for p, item in enumerate(correction.withdrawn) if item.told and unmoved[item.event, item.level] > 0]
    if gone:
        raised = [p for p in gone if correction.withdrawn[p].event is AlertEvent.RAISED]
        correction.tell_withdrawn.add(raised[0] if raised else gone[-1])
