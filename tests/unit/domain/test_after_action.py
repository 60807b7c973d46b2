"""The after-action report: what counts as met, late and missed, and by which clock."""

from dataclasses import replace

import pytest

from domain.after_action import Happened, Report, Told, report
from domain.exercise import Exercise, Expected, Pace, Plan, Step, StepName, Words

SECOND = 1_000_000
T0 = 1_777_593_600 * SECOND
#: Published ten times as fast, an hour after it happened.
PACE = Pace(begins=T0, published_from=T0 + 3600 * SECOND, speed=10.0, ends=T0 + 3600 * SECOND)
CLOSING = "the exercise has ended"
TITLE = Words(en="EXERCISE – open", zh="【演练】柜门打开")
OPENED = Expected(rules=("light-cabinet-open",), on=("exercise-1-cabinet-001",), since_s=600, by_s=900, level="yellow")


def wall(event_s: float, later_s: float = 0.0) -> int:
    """When an instant of the incident is published, and some seconds later."""
    return PACE.wall_time(T0 + round(event_s * SECOND)) + round(later_s * SECOND)


def alert(raised_s: float = 700, *more: Happened, **fields: object) -> Told:
    raised = Happened(
        event="raised", level="yellow", time=T0 + round(raised_s * SECOND), recorded_at=wall(raised_s, 0.5), told=True
    )
    own = Told(
        id=7, rule="light-cabinet-open", asset="exercise-1-cabinet-001", device="d", area="990000001001", title=TITLE,
        level="yellow", raised_at=raised.time, recorded_at=raised.recorded_at, cleared_at=None, announced=True,
        notified_at=wall(raised_s, 1.5), events=(raised, *more),
    )  # fmt: skip
    return replace(own, **fields)  # type: ignore[arg-type]


def done(event: str, later_s: float, **fields: object) -> Happened:
    at = wall(700, 0.5 + later_s)
    own = Happened(event=event, level="yellow", time=at, recorded_at=at, actor="Wang")
    return replace(own, **fields)  # type: ignore[arg-type]


def judged(*told: Told, steps: tuple[tuple[StepName, float], ...] = (), expected: Expected = OPENED) -> Report:
    plan = Plan(
        duration_s=3600, incident_s=600, summary=TITLE, expected=(expected,),
        steps=tuple(Step(name=name, expected=0, within_s=within, text=TITLE) for name, within in steps),
    )  # fmt: skip
    exercise = Exercise(
        id=1, title=TITLE, scenario="s", scale="test", seed=1, started_by="Wang", started_at=T0, pace=PACE,
        ended_at=T0 + 7200 * SECOND, ended_by="Wang", plan=plan,
    )  # fmt: skip
    return report(exercise, told, closing=CLOSING)


def test_what_nothing_came_of_is_open_while_the_exercise_runs_and_missed_when_it_has_ended() -> None:
    ended = judged(steps=(("acknowledge", 60),))
    running = report(replace(ended.exercise, ended_at=None), [], closing=CLOSING)
    assert (ended.verdicts, running.verdicts) == (("missed", "missed"), ("open", "open"))
    assert (running.missed, running.passed, ended.missed) == (0, False, 2)


def test_each_measure_counts_by_its_own_clock() -> None:
    told = alert(
        700,
        done("acknowledged", 30),
        done("escalated", 60, addressee="Li"),
        done("cleared", 5, time=T0 + 1900 * SECOND, actor=None),
        cleared_at=T0 + 1900 * SECOND,
    )
    found = judged(told)
    (one,) = found.detections
    assert found.passed
    assert (one.verdict, one.alert, one.level) == ("met", 7, "yellow")
    # Event time, though it was published ten times as fast.
    assert (one.detect_s, one.clear_s) == (100.0, 1200.0)
    # The wall clock.
    assert (one.store_s, one.notify_s, one.acknowledge_s, one.escalate_s) == (0.5, 1.0, 30.0, 60.0)
    assert (one.acknowledged_by, one.escalated_by, one.escalated_to) == ("Wang", "Wang", "Li")


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        (alert(899), "met"),
        (alert(901), "late"),
        # Before the incident: it tells of something else.
        (alert(500), "missed"),
        (alert(700, announced=False), "missed"),
        (alert(700, rule="other"), "missed"),
        (alert(700, asset="exercise-1-cabinet-002", device="e"), "missed"),
        # What is real fulfils nothing, should it ever get here.
        (alert(700, asset="cabinet-001"), "missed"),
    ],
)
def test_an_expectation_is_met_in_time_at_its_place_by_what_people_were_told(told: Told, verdict: str) -> None:
    assert judged(told).detections[0].verdict == verdict


def test_a_level_counts_from_when_it_was_reached() -> None:
    worse = done("level_changed", 1, level="red", time=T0 + 1000 * SECOND)
    found = judged(alert(700, worse), expected=replace(OPENED, level="orange"))
    assert (found.detections[0].verdict, found.detections[0].detect_s) == ("late", 400.0)
    assert judged(alert(700), expected=replace(OPENED, level="orange")).detections[0].verdict == "missed"


def test_places_may_be_areas_and_devices_or_anything() -> None:
    for places in (("area:990000001001",), ("d",), ()):
        assert judged(alert(700), expected=replace(OPENED, on=places)).detections[0].verdict == "met"
    assert judged(alert(700), expected=replace(OPENED, on=("area:990000001002",))).detections[0].verdict == "missed"


@pytest.mark.parametrize(
    ("name", "happened"),
    [
        ("acknowledge", done("acknowledged", 30)),
        ("escalate", done("escalated", 30, addressee="Li")),
        ("comment", done("commented", 30)),
        ("shelve", done("shelved", 30)),
    ],
)
def test_a_step_is_met_late_or_missed(name: StepName, happened: Happened) -> None:
    def verdict(within: float, *events: Happened) -> str:
        return judged(alert(700, *events), steps=((name, within),)).steps[0].verdict

    assert verdict(30, happened) == "met"
    assert verdict(29, happened) == "late"
    assert verdict(30) == "missed"
    # What the end of the exercise wrote, nobody did.
    assert verdict(30, replace(happened, comment=CLOSING)) == "missed"


def test_a_step_about_an_alert_that_never_came_is_missed() -> None:
    found = judged(steps=(("acknowledge", 60),))
    assert (found.steps[0].verdict, found.steps[0].alert) == ("missed", None)
    assert (found.missed, found.late, found.passed) == (2, 0, False)


def test_a_step_may_be_done_on_any_alert_that_tells_of_the_same_thing() -> None:
    later = alert(750, done("acknowledged", 30), id=8)
    found = judged(alert(700), later, steps=(("acknowledge", 60),))
    assert (found.steps[0].verdict, found.steps[0].alert) == ("met", 8)
    assert found.detections[0].acknowledged_by == "Wang"
    assert found.detections[0].alert == 7


def test_what_ended_with_the_exercise_was_never_cleared() -> None:
    closed = done("cleared", 99, comment=CLOSING, time=T0 + 3600 * SECOND)
    found = judged(alert(700, closed, cleared_at=T0 + 3600 * SECOND), steps=(("clear", 1e6),))
    assert (found.detections[0].clear_s, found.detections[0].closed_by_end) == (None, True)
    assert found.steps[0].verdict == "missed"


def test_notice_is_when_the_first_message_was_out() -> None:
    assert judged(alert(700), steps=(("notice", 1),)).steps[0].verdict == "met"
    assert judged(alert(700, notified_at=None), steps=(("notice", 1),)).steps[0].verdict == "missed"


def test_alerts_that_nobody_expected_are_named() -> None:
    found = judged(alert(700), alert(800, id=9, rule="other"), alert(800, id=10, rule="quiet", announced=False))
    assert ([one.id for one in found.others], found.alerts, found.announced) == ([9], 3, 2)


def test_the_time_of_an_incident_stands_still_at_its_end() -> None:
    assert PACE.event_time(wall(1800)) == T0 + 1800 * SECOND
    assert PACE.event_time(wall(3600, 500)) == PACE.ends
    assert Plan.of(judged().exercise.plan.as_json()) == judged().exercise.plan
