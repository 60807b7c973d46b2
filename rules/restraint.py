"""What holds alerts back: common causes that are active at the right place. Pure bookkeeping over active conditions."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from domain.exercise_mark import exercise_of
from domain.subject import asset_subject, datastream_subject, device_subject
from domain.transition import Restraint, RuleState
from rules.fused import Where
from rules.plan import Plan
from rules.rule import Cause
from rules.step import Key, Step

How = Literal["inhibited", "suppressed"]
_POWER = Where(linked=("powered_by",), direction="to")


class Place(NamedTuple):
    """What a subject belongs to; empty where it belongs to none."""

    subject: str
    device: str
    asset: str
    area: str


class Restraints:
    """Which active alerts are held back, and by which active condition.

    Args:
        plan: Rules with their causes, and the places of their subjects.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._causes: dict[str, list[tuple[How, Cause]]] = {}
        for rule in plan.rules.values():
            own: list[tuple[How, Cause]] = [("inhibited", cause) for cause in rule.inhibited_by]
            own += [("suppressed", cause) for cause in rule.suppressed_while]
            if own:
                self._causes[rule.id] = own
        self._dependent: dict[str, set[str]] = {}
        for name, own in self._causes.items():
            for _, cause in own:
                self._dependent.setdefault(cause.rule, set()).add(name)
        self._places: dict[str, Place] = {}
        for item in plan.watched:
            place = Place("", item.device, item.asset, item.area)
            self._places[datastream_subject(item.datastream)] = place
            self._places.setdefault(device_subject(item.device), place)
            self._places.setdefault(asset_subject(item.asset), Place("", "", item.asset, item.area))
        for fusion in plan.fusions:
            asset = fusion.asset.id if fusion.asset else ""
            self._places.setdefault(fusion.subject, Place("", "", asset, fusion.area))
        #: Subjects on which a cause is active, by rule, kind of place and place.
        self._active: dict[tuple[str, str, str], set[str]] = {}
        #: Active alerts that have causes, by rule, and what holds each back.
        self._held: dict[str, dict[str, tuple[How, Key] | None]] = {}
        self._unsure = False

    def restore(self, standings: Iterable[RuleState]) -> None:
        """Takes over what is active; what is held back is told with the next step, whatever was told before."""
        for kept in standings:
            self._note((kept.rule, kept.subject), active=kept.level is not None)
        self._unsure = True

    def judge(self, step: Step, now: int) -> None:
        """Adds to the step what holds alerts back after it, where that differs from before; remembers nothing."""
        involved = [key for key in step.noted if key[0] in self._causes or key[0] in self._dependent]
        if not involved and not self._unsure:
            return
        before = {key: self._is_active(key) for key in involved}
        held: dict[Key, tuple[How, Key] | None] = {key: self._held.get(key[0], {}).get(key[1]) for key in involved}
        for key in involved:
            self._note(key, active=_active_in(step, key))
        for name, subject in sorted(self._affected(step, before)):
            key = (name, subject)
            own = self._held.get(name, {})
            was = held[key] if key in held else own.get(subject)
            cause = self._cause(name, subject, was) if subject in own else None
            if cause != was or self._unsure:
                step.held[key] = cause
                how = cause[0] if cause else was[0] if was else "inhibited"
                step.restraints.append(
                    Restraint(rule=name, subject=subject, how=how, cause=cause[1] if cause else None, time=now)
                )
        for key in involved:
            self._note(key, active=before[key])
            if before[key] and key[0] in self._causes:
                self._held[key[0]][key[1]] = held[key]

    def adopt(self, step: Step) -> None:
        """Remembers a step."""
        for key in step.noted:
            if key[0] in self._causes or key[0] in self._dependent:
                self._note(key, active=_active_in(step, key))
        for (name, subject), cause in step.held.items():
            if subject in self._held.get(name, {}):
                self._held[name][subject] = cause
        self._unsure = False

    def _affected(self, step: Step, before: dict[Key, bool]) -> set[Key]:
        """Alerts that moved themselves, and active ones that depend on a cause that moved."""
        if self._unsure:
            return {(name, subject) for name, own in self._held.items() for subject in own}
        moved = [key for key, active in before.items() if active != _active_in(step, key)]
        names = {name for key in moved for name in self._dependent.get(key[0], ())}
        found = {(name, subject) for name in names for subject in self._held.get(name, ())}
        return found | {key for key in moved if key[0] in self._causes}

    def _cause(self, name: str, subject: str, was: tuple[How, Key] | None) -> tuple[How, Key] | None:
        """What holds an alert back: what did so before, as long as it is active, or else the first that is found."""
        place = self._places.get(subject, Place("", "", "", ""))._replace(subject=subject)
        chosen: tuple[How, Key] | None = None
        for how, cause in self._causes[name]:
            for kind, value in self._where(cause.on, place):
                found = self._active.get((cause.rule, kind, value))
                if not found:
                    continue
                if was is not None and was[0] == how and was[1][0] == cause.rule and was[1][1] in found:
                    return was
                if chosen is None:
                    chosen = how, (cause.rule, min(found))
        return chosen

    def _where(self, on: str, place: Place) -> Iterable[tuple[str, str]]:
        if on in {"powered_by", "upstream"}:
            if not place.asset:
                return ()
            around = self._plan.surroundings
            assets = around.around(place.asset, _POWER) if on == "powered_by" else around.upstream(place.asset)
            return tuple(("asset", asset) for asset in assets)
        value = {"datastream": place.subject, "anywhere": _anywhere(place)}.get(on) or getattr(place, on, "")
        return (((on), value),) if value else ()

    def _note(self, key: Key, *, active: bool) -> None:
        name, subject = key
        if name in self._dependent:
            place = self._places.get(subject, Place("", "", "", ""))
            kinds = {"datastream": subject, "anywhere": _anywhere(place), **place._asdict()}
            kinds.pop("subject")
            for kind, value in kinds.items():
                if not value:
                    continue
                found = self._active.setdefault((name, kind, value), set())
                found.add(subject) if active else found.discard(subject)
        if name in self._causes:
            own = self._held.setdefault(name, {})
            if active:
                own.setdefault(subject, None)
            else:
                own.pop(subject, None)

    def _is_active(self, key: Key) -> bool:
        name, subject = key
        if name in self._causes:
            return subject in self._held.get(name, {})
        return subject in self._active.get((name, "datastream", subject), ())


def _anywhere(place: Place) -> str:
    """All that a subject may have to do with: what is real, or what is of its exercise."""
    return f"*{exercise_of(place.area) or ''}"


def _active_in(step: Step, key: Key) -> bool:
    return step.noted[key].level is not None
