"""The report on an exercise: what the platform did and what people did, against what was planned. Pure.

Two clocks run. What the incident and the platform's judgement of it take (detect, clear) is counted in event time, the
time of the incident, whatever the speed. What messages and people take (store, notify, acknowledge, escalate) is
counted by the wall clock: nobody acts faster because the incident does. docs/drills.md defines every measure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from domain.alert import AlertEvent, Level
from domain.exercise import Exercise, Expected, Pace, Step, Words
from domain.times import MICROS_PER_SECOND

#: met: in time; late: done, but later than planned; missed: not done at all.
#: What nothing came of is open while the exercise runs, and missed when it has ended.
Verdict = Literal["met", "late", "open", "missed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Happened:
    """One event of an alert. Instants in microseconds since 1970 (UTC)."""

    event: str
    level: str
    time: int
    recorded_at: int
    actor: str | None = None
    comment: str | None = None
    addressee: str | None = None
    #: Whether people were to be told of it.
    told: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """An alert of an exercise with its history."""

    id: int
    rule: str
    asset: str | None
    device: str | None
    area: str
    title: Words
    level: str
    raised_at: int
    recorded_at: int
    cleared_at: int | None
    announced: bool
    #: When the first message about it was taken by its receiver.
    notified_at: int | None
    events: tuple[Happened, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Detection:
    """What became of one expected alert. Seconds are None where it did not happen."""

    expected: Expected
    #: The alert that fulfils it, or would have if it had come in time.
    alert: int | None
    title: Words | None
    level: str | None
    verdict: Verdict
    #: Event time: when the condition came to the level that is asked for.
    raised_at: int | None
    #: Event time from the begin of the incident until then.
    detect_s: float | None
    #: Wall clock from when the deciding reading was due to be published until the alert was on record.
    store_s: float | None
    #: Wall clock from then until the first message was out.
    notify_s: float | None
    #: Wall clock from when it was announced.
    acknowledge_s: float | None
    acknowledged_by: str | None
    escalate_s: float | None
    escalated_by: str | None
    escalated_to: str | None
    #: Event time from the raise until the condition was over; None too where it ended with the exercise.
    clear_s: float | None
    closed_by_end: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class StepResult:
    """What became of one step of people."""

    step: Step
    alert: int | None
    verdict: Verdict
    seconds: float | None
    by: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Everything about one exercise."""

    exercise: Exercise
    #: Event time.
    incident_at: int | None
    detections: tuple[Detection, ...]
    steps: tuple[StepResult, ...]
    #: Alerts that people were told of and that nobody expected.
    others: tuple[Told, ...]
    alerts: int
    announced: int

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Of every expectation, then of every step."""
        return *(one.verdict for one in self.detections), *(one.verdict for one in self.steps)

    @property
    def missed(self) -> int:
        """Expectations and steps that were missed altogether."""
        return self.verdicts.count("missed")

    @property
    def late(self) -> int:
        """Expectations and steps that were met too late."""
        return self.verdicts.count("late")

    @property
    def passed(self) -> bool:
        """Whether everything was met in time."""
        return all(verdict == "met" for verdict in self.verdicts)


def report(exercise: Exercise, told: Sequence[Told], *, closing: str) -> Report:
    """The report on an exercise that has ended, or as it stands now.

    Args:
        exercise: With its plan and its pace.
        told: Its alerts, in the order in which they were written.
        closing: The comment of events that the end of the exercise wrote: nobody did what they say.
    """
    pace = exercise.pace
    if pace is None:
        # Nothing was ever published: everything was missed.
        began = exercise.started_at
        pace = Pace(begins=began, published_from=began, speed=1.0, ends=began)
    incident = pace.begins + _micros(exercise.plan.incident_s)
    nothing: Verdict = "open" if exercise.running else "missed"
    chosen = [_chosen(expected, told, pace) for expected in exercise.plan.expected]
    detections = tuple(
        _detection(expected, own, [one for one in told if _fits(expected, one)], pace, incident, closing, nothing)
        for expected, own in zip(exercise.plan.expected, chosen, strict=True)
    )
    steps = tuple(_step(step, _subjects(step, exercise, told), closing, nothing) for step in exercise.plan.steps)
    fulfilling = {own[0].id for own in chosen if own is not None}
    announced = [one for one in told if one.announced]
    return Report(
        exercise=exercise,
        incident_at=None if exercise.pace is None else incident,
        detections=detections,
        steps=steps,
        others=tuple(
            one
            for one in announced
            if one.id not in fulfilling and not any(_fits(expected, one) for expected in exercise.plan.expected)
        ),
        alerts=len(told),
        announced=len(announced),
    )


def _fits(expected: Expected, alert: Told) -> bool:
    places = {alert.asset, alert.device, f"area:{alert.area}"}
    return alert.rule in expected.rules and (not expected.on or not places.isdisjoint(expected.on))


def _reached(alert: Told, level: str | None) -> int | None:
    """The instant (event time) at which an alert came to a level, or a higher one."""
    least = Level.BLUE if level is None else Level.parse(level)
    raises = (AlertEvent.RAISED, AlertEvent.LEVEL_CHANGED)
    times = [one.time for one in alert.events if one.event in raises and Level.parse(one.level) <= least]
    return min(times, default=None)


def _chosen(expected: Expected, told: Iterable[Told], pace: Pace) -> tuple[Told, int] | None:
    """The first alert that fulfils an expectation, people having been told of it, and when it did."""
    since = pace.begins + _micros(expected.since_s)
    found = [
        (reached, one)
        for one in told
        if one.announced
        and _fits(expected, one)
        and (reached := _reached(one, expected.level)) is not None
        and reached >= since
    ]
    if not found:
        return None
    reached, one = min(found, key=lambda own: (own[0], own[1].id))
    return one, reached


def _detection(
    expected: Expected,
    chosen: tuple[Told, int] | None,
    fitting: Sequence[Told],
    pace: Pace,
    incident: int,
    closing: str,
    nothing: Verdict,
) -> Detection:
    if chosen is None:
        return Detection(
            expected=expected, alert=None, title=None, level=None, verdict=nothing, raised_at=None, detect_s=None,
            store_s=None, notify_s=None, acknowledge_s=None, acknowledged_by=None, escalate_s=None,
            escalated_by=None, escalated_to=None, clear_s=None, closed_by_end=False,
        )  # fmt: skip
    alert, reached = chosen
    announced = _announced(alert)
    # Whoever takes any of the alerts that tell of the same thing has taken it.
    taken = _soonest(fitting, AlertEvent.ACKNOWLEDGED, closing)
    handed = _soonest(fitting, AlertEvent.ESCALATED, closing)
    ended = any(one.event == AlertEvent.CLEARED and one.comment == closing for one in alert.events)
    over = alert.cleared_at is not None and not ended
    return Detection(
        expected=expected,
        alert=alert.id,
        title=alert.title,
        level=min((Level.parse(one.level) for one in alert.events), default=Level.parse(alert.level)).label,
        verdict="met" if reached <= pace.begins + _micros(expected.by_s) else "late",
        raised_at=reached,
        detect_s=_seconds(incident, reached),
        store_s=_seconds(pace.wall_time(alert.raised_at), alert.recorded_at),
        notify_s=_seconds(announced, alert.notified_at),
        acknowledge_s=taken[0] if taken else None,
        acknowledged_by=taken[1].actor if taken else None,
        escalate_s=handed[0] if handed else None,
        escalated_by=handed[1].actor if handed else None,
        escalated_to=handed[1].addressee if handed else None,
        clear_s=_seconds(alert.raised_at, alert.cleared_at) if over else None,
        closed_by_end=ended,
    )


#: The event of an alert that each step of people leaves behind.
_LEAVES = {
    "acknowledge": AlertEvent.ACKNOWLEDGED,
    "escalate": AlertEvent.ESCALATED,
    "comment": AlertEvent.COMMENTED,
    "shelve": AlertEvent.SHELVED,
    "clear": AlertEvent.CLEARED,
}


def _subjects(step: Step, exercise: Exercise, told: Sequence[Told]) -> list[Told]:
    """The alerts that a step may be done on."""
    expected = None if step.expected is None else exercise.plan.expected[step.expected]
    return [one for one in told if one.announced and (expected is None or _fits(expected, one))]


def _soonest(alerts: Sequence[Told], event: AlertEvent, closing: str) -> tuple[float, Happened] | None:
    """What was done first on any of some alerts, and how many seconds after people were to be told of that alert."""
    found = [
        (one.recorded_at, seconds, one)
        for alert in alerts
        if (one := _first(alert, event, closing)) is not None
        and (seconds := _seconds(_announced(alert), one.recorded_at)) is not None
    ]
    if not found:
        return None
    _, seconds, one = min(found, key=lambda own: own[:2])
    return seconds, one


def _step(step: Step, subjects: Sequence[Told], closing: str, nothing: Verdict) -> StepResult:
    done = [found for alert in subjects if (found := _done(step, alert, closing)) is not None]
    if not done:
        return StepResult(step=step, alert=subjects[0].id if subjects else None, verdict=nothing, seconds=None, by=None)
    seconds, alert, by = min(done, key=lambda own: own[:2])
    verdict: Verdict = "met" if seconds <= step.within_s else "late"
    return StepResult(step=step, alert=alert, verdict=verdict, seconds=seconds, by=by)


def _done(step: Step, alert: Told, closing: str) -> tuple[float, int, str | None] | None:
    """After how many seconds a step was done on an alert, and by whom."""
    announced = _announced(alert)
    if step.name == "notice":
        seconds = _seconds(announced, alert.notified_at)
        return None if seconds is None else (seconds, alert.id, None)
    found = _first(alert, _LEAVES[step.name], closing)
    if found is None:
        return None
    if step.name == "clear":
        return (found.time - alert.raised_at) / MICROS_PER_SECOND, alert.id, found.actor
    seconds = _seconds(announced, found.recorded_at)
    return None if seconds is None else (seconds, alert.id, found.actor)


def _first(alert: Told, event: AlertEvent, closing: str) -> Happened | None:
    return next((one for one in alert.events if one.event == event and one.comment != closing), None)


def _announced(alert: Told) -> int | None:
    """When people were first to be told of an alert, by the wall clock."""
    return next((one.recorded_at for one in alert.events if one.told), None)


def _micros(seconds: float) -> int:
    return round(seconds * MICROS_PER_SECOND)


def _seconds(since: int | None, until: int | None) -> float | None:
    if since is None or until is None:
        return None
    return round(max(0, until - since) / MICROS_PER_SECOND, 3)
