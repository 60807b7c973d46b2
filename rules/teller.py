"""How the evaluator tells what happened: transitions and rewritings for people, standings for the next start."""

from collections.abc import Callable, Iterable
from datetime import tzinfo
from functools import partial
from math import isfinite

from domain.alert import Level
from domain.subject import Watched, datastream_subject
from domain.transition import Fact, RuleState
from domain.transition import Mark as KeptMark
from rules.absences import Found
from rules.fusing import FoundFused, Fusings, Heard, Leaves
from rules.fusion import Fusion, facts
from rules.grounds import number_on
from rules.judging import Verdict
from rules.marks import Mark, Told, rank_at, told
from rules.plan import Plan
from rules.rule import Rule
from rules.step import Noted, Rewriting, Step, Story, Transition
from rules.track import Track

_SECOND = 1_000_000
_FORGOTTEN = Noted(None, lambda: None)


class Teller:
    """Names what the engine finds by rule and subject.

    Args:
        plan: Rules and subjects.
        fusings: What fused rules' members say.
        zone: The time of the place.
    """

    def __init__(self, plan: Plan, fusings: Fusings, zone: tzinfo) -> None:
        self._plan = plan
        self._fusings = fusings
        self._zone = zone
        self._width = max((len(own) for own in plan.tracks), default=0) or 1
        self._assets = {item.asset: item for item in plan.watched}
        self._silences = {silence.name: number for number, silence in enumerate(plan.silences)}
        self._positions = [
            {subject: position for position, subject in enumerate(silence.subjects)} for silence in plan.silences
        ]
        self._fusions = {(fusion.rule.id, fusion.subject): place for place, fusion in enumerate(plan.fusions)}

    # Who is meant.

    def silence_of(self, name: str, number: int) -> tuple[int, int] | None:
        """Plan and position of the absence of a datastream by the name of a leaf; None if the leaf judges values."""
        plan = self._silences.get(name)
        if plan is None:
            return None
        return plan, int(self._plan.silences[plan].place[number])

    def silence_named(self, name: str, subject: str) -> tuple[int, int] | None:
        """Plan and position by rule (or leaf) and subject."""
        plan = self._silences.get(name)
        position = self._positions[plan].get(subject) if plan is not None else None
        return None if plan is None or position is None else (plan, position)

    def fusion_named(self, rule: str, subject: str) -> int | None:
        """The place of a fused rule on a subject."""
        return self._fusions.get((rule, subject))

    # What is kept.

    def of_track(self, key: int, story: Story) -> RuleState | None:
        """A story as it is kept; None if there is nothing to keep."""
        number, own = self._track(key)
        state = story.state
        if state.normal and not story.marks:
            return None
        return RuleState(
            rule=own.name,
            subject=datastream_subject(self._plan.watched[number].datastream),
            level=own.level(state.rank) if state.rank else None,
            since=state.since,
            at=state.at,
            back=state.back,
            marks=tuple(
                KeptMark(time=m.time, level=own.level(m.rank) if m.rank else None, value=m.value) for m in story.marks
            ),
        )

    def of_absence(self, plan: int, position: int, marks: tuple[Mark, ...]) -> RuleState | None:
        """A history of absence as it is kept."""
        silence = self._plan.silences[plan]
        return _kept(silence.name, silence.subjects[position], marks, lambda _: silence.level)

    def of_fusion(self, place: int, marks: tuple[Mark, ...]) -> RuleState | None:
        """The history of a fused rule as it is kept."""
        fusion = self._plan.fusions[place]
        return _kept(fusion.rule.id, fusion.subject, marks, fusion.level)

    def forget_track(self, step: Step, key: int) -> None:
        """Nothing of a story is kept any more."""
        number, own = self._track(key)
        step.noted[own.name, datastream_subject(self._plan.watched[number].datastream)] = _FORGOTTEN

    def forget_absence(self, step: Step, plan: int, position: int) -> None:
        """Nothing of an absence is kept any more."""
        silence = self._plan.silences[plan]
        step.noted[silence.name, silence.subjects[position]] = _FORGOTTEN

    def forget_fusion(self, step: Step, place: int) -> None:
        """Nothing of a fused rule is kept any more."""
        fusion = self._plan.fusions[place]
        step.noted[fusion.rule.id, fusion.subject] = _FORGOTTEN

    # What is told.

    def track(self, step: Step, key: int, before: Story, verdict: Verdict) -> None:
        """A story that goes on, or is found to have been another."""
        number, own = self._track(key)
        item, story = self._plan.watched[number], verdict.story
        subject = datastream_subject(item.datastream)
        moved = verdict.wrong is not None or verdict.kept < len(story.marks)
        if moved or story.state != before.state:
            level = own.level(story.state.rank) if story.state.rank else None
            step.noted[own.name, subject] = Noted(level, partial(self.of_track, key, story))
        if not moved:
            return
        if "#" in own.name:
            first = [verdict.wrong] if verdict.wrong is not None else [story.marks[verdict.kept].time]
            step.stale(own.name, number, min(first))
            return
        rule = self._plan.rules[own.name]
        unit, relation = own.unit or item.unit, own.relation
        transitions = [
            Transition(
                rule=rule,
                subject=subject,
                watched=item,
                event=one.event,
                time=one.time,
                level=own.level(one.rank),
                # A forecast that has no end ("never") is told as no value.
                value=one.value if one.value is not None and isfinite(one.value) else None,
                threshold=own.threshold(one.rank, one.value or 0.0),
                worse=one.worse,
                unit=unit,
                relation=relation,
            )
            for one in told(story.marks, verdict.kept)
        ]
        _tell(step, rule, subject, verdict.wrong, transitions)

    def absence(self, step: Step, found: Found) -> None:
        """A silence that began or ended, or never was."""
        silence = self._plan.silences[found.plan]
        subject = silence.subjects[found.position]
        level = silence.level if found.marks and found.marks[-1].rank else None
        step.noted[silence.name, subject] = Noted(
            level, partial(self.of_absence, found.plan, found.position, found.marks)
        )
        first = int(silence.first[found.position])
        changed = found.wrong if found.wrong is not None else found.marks[found.kept].time
        if silence.rule is None:
            # Leaves speak of any datastream of the subject: the one that the fused rule knows.
            for number in range(first, int(silence.last[found.position])):
                step.stale(silence.name, number, changed)
            return
        item = self._plan.watched[first]
        allowed = float(silence.allowed[found.position]) / _SECOND
        transitions = [
            Transition(
                rule=silence.rule,
                subject=subject,
                watched=item,
                event=one.event,
                time=one.time,
                level=silence.level,
                value=None,
                threshold=allowed,
                unit="s",
                relation="absent",
            )
            for one in told(found.marks, found.kept)
        ]
        _tell(step, silence.rule, subject, found.wrong, transitions)

    def fusion(self, step: Step, found: FoundFused, leaves: Leaves, heard: Heard) -> None:
        """A fused rule that goes on, or is found to have been another."""
        fusion = self._plan.fusions[found.place]
        rank = found.marks[-1].rank if found.marks else 0
        step.noted[fusion.rule.id, fusion.subject] = Noted(
            fusion.level(rank) if rank else None, partial(self.of_fusion, found.place, found.marks)
        )
        place = self._place(fusion)
        transitions = []
        for one in told(found.marks, found.kept):
            rests = self._facts(fusion, one, leaves, heard)
            transitions.append(
                Transition(
                    rule=fusion.rule,
                    subject=fusion.subject,
                    watched=place,
                    event=one.event,
                    time=one.time,
                    level=fusion.level(one.rank),
                    value=rests[1],
                    threshold=None,
                    worse=one.worse,
                    fused=rests[0],
                    members=tuple(
                        dict.fromkeys(
                            (self._assets[fact.asset].asset_en, self._assets[fact.asset].asset_zh) for fact in rests[0]
                        )
                    ),
                )
            )
        _tell(step, fusion.rule, fusion.subject, found.wrong, transitions)

    def _facts(self, fusion: Fusion, one: Told, leaves: Leaves, heard: Heard) -> tuple[tuple[Fact, ...], float | None]:
        rests = facts(fusion, self._fusings.truths(fusion, leaves, heard), one.time, self._zone)
        found = []
        for support in rests.supports:
            item, leaf = self._plan.watched[support.member], support.leaf.leaf
            limit = leaf.above if leaf.above is not None else leaf.below
            marks = leaves(support.leaf.name, support.member)
            value = next((m.value for m in reversed(marks) if m.time <= one.time), None)
            found.append(
                Fact(
                    datastream=item.datastream,
                    device=item.device,
                    asset=item.asset,
                    property=leaf.property,
                    unit=(leaf.measure.unit if leaf.measure else None) or item.unit,
                    value=value if rank_at(marks, one.time) else None,
                    threshold=None if limit is None else number_on(limit, item.tags),
                    relation=_relation(leaf.above, leaf.below, leaf.absent),
                    # What was so before anything was known of it has been so since it was registered, for all we know.
                    since=max(support.since, item.registered_at),
                )
            )
        broadest = rests.broadest
        return tuple(found), None if broadest is None else float(broadest.supporting)

    def _place(self, fusion: Fusion) -> Watched:
        """The subject of a fused rule in the place of a datastream: it has none of its own."""
        asset = fusion.asset
        return Watched(
            datastream=-1,
            property="",
            unit="1",
            device="",
            interval_s=0,
            registered_at=0,
            asset=asset.id if asset else "",
            asset_kind=asset.kind if asset else "",
            asset_en=asset.name_en if asset else fusion.area,
            asset_zh=asset.name_zh if asset else fusion.area,
            network=asset.network if asset else fusion.rule.network,
            area=fusion.area,
            tags=asset.tags if asset else {},
        )

    def _track(self, key: int) -> tuple[int, Track]:
        number, place = divmod(key, self._width)
        return number, self._plan.tracks[number][place]


def _tell(step: Step, rule: Rule, subject: str, wrong: int | None, transitions: Iterable[Transition]) -> None:
    if wrong is None:
        step.transitions += transitions
    else:
        step.rewritings.append(Rewriting(rule=rule, subject=subject, since=wrong, transitions=tuple(transitions)))


def _kept(name: str, subject: str, marks: tuple[Mark, ...], level: Callable[[int], Level]) -> RuleState | None:
    if not marks:
        return None
    last = marks[-1]
    return RuleState(
        rule=name,
        subject=subject,
        level=level(last.rank) if last.rank else None,
        since=(),
        at=last.time,
        marks=tuple(
            KeptMark(time=mark.time, level=level(mark.rank) if mark.rank else None, value=mark.value) for mark in marks
        ),
    )


def _relation(above: object, below: object, absent: object) -> str:
    return "above" if above is not None else "below" if below is not None else "absent" if absent is not None else "is"
