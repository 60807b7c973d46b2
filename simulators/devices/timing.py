"""When a scenario is played: its begin, and whether a database would admit the times. Instants come in as values."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from domain.errors import ConfigurationError
from domain.times import MICROS_PER_SECOND, from_datetime, isoformat, to_datetime
from simulators import alignment
from simulators.alignment import Admission
from simulators.devices.traffic import CLOCK, Traffic
from simulators.scenario import Scenario
from simulators.scenario_times import DAY_S, ZONE, moment
from simulators.town.truth import Span

#: Time that messages may need from here to ingest; added to what is asked of the settings.
_TRAVEL_S = 300
#: What a drill plays of the quiet time before its incident, so that everybody is at work and devices have spoken.
_BEFORE_INCIDENT_S = 900


def skipped(scenario: Scenario, text: str | None) -> int:
    """Seconds of a scenario that are left out if it is played from one of its own times on; whole steps of it.

    Raises:
        ConfigurationError: The text is no time, or none within the scenario.
    """
    if text is None:
        return 0
    try:
        own = moment(text).after(scenario.starts)
    except ValueError as exc:
        raise ConfigurationError("--from", [str(exc)]) from None
    if not 0 <= own < scenario.duration:
        raise ConfigurationError(
            "--from", [f'"{text}" is outside the scenario, which starts at {scenario.starts.text}']
        )
    return own // scenario.sampling * scenario.sampling


def quiet(scenario: Scenario) -> int:
    """Seconds before the incident that people need not sit through: all but the last quarter of an hour."""
    first = min((event.at.after(scenario.starts) for event in scenario.timeline), default=0)
    return max(0, first - _BEFORE_INCIDENT_S) // scenario.sampling * scenario.sampling


def begin(scenario: Scenario, text: str | None, *, now: int, speed: float, skipped_s: int = 0) -> int:
    """When a scenario begins, microseconds since 1970 (UTC).

    Args:
        scenario: Which one.
        text: An instant with zone, or `now`, from which on it is played; `end`: so that it ends now; `clock`: at its
            own time of day, on the last day on which it has ended by now; `own`: at its own day and time. None is
            `now` at speed 1, else `clock`.
        now: This moment.
        speed: Seconds of the scenario in one second.
        skipped_s: Seconds at its begin that are not played.

    Raises:
        ConfigurationError: The text is none of these.
    """
    how = text or ("now" if speed == 1 else "clock")
    if how == "own":
        return scenario.begin()
    if how == "now":
        return scenario.begin(now - skipped_s * MICROS_PER_SECOND)
    if how == "end":
        return scenario.begin(now - scenario.duration * MICROS_PER_SECOND)
    if how == "clock":
        own, length = scenario.begin(), scenario.duration * MICROS_PER_SECOND
        days = (now - length - own) // (DAY_S * MICROS_PER_SECOND)
        return scenario.begin(own + days * DAY_S * MICROS_PER_SECOND)
    try:
        given = datetime.fromisoformat(text or "")
    except ValueError:
        given = None
    if given is None or given.tzinfo is None:
        raise ConfigurationError(
            "--start", [f"{text!r} is no instant: write 2026-06-15T14:00:00+08:00, or now, end, clock or own"]
        )
    return scenario.begin(from_datetime(given) - skipped_s * MICROS_PER_SECOND)


def away_from_its_clock(scenario: Scenario, at: int) -> timedelta:
    """How far a begin lies from the time of day that the scenario is meant for; by day and night it is another town."""
    away = (at - scenario.begin()) // MICROS_PER_SECOND % DAY_S
    return timedelta(seconds=min(away, DAY_S - away))


def local(micros: int) -> str:
    """An instant on the town's clock."""
    return to_datetime(micros).astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S")


@dataclass(frozen=True, kw_only=True, slots=True)
class Play:
    """How a traffic is published: `origin` on its clock falls on `begins` on ours; `shift` is added to its times."""

    origin: int
    begins: int
    speed: float
    shift: int = 0

    def away_s(self, traffic: Traffic) -> tuple[float, float]:
        """How many seconds times lie behind the clock at most when they are published, and how many ahead.

        What a wrong clock writes is left out: that a database refuses it is what is being simulated.
        """
        if not len(traffic.sent):
            return 0.0, 0.0
        passed = np.zeros(len(traffic.sent)) if math.isinf(self.speed) else (traffic.sent - self.origin) / self.speed
        behind = self.begins + np.repeat(passed, traffic.count) - self.shift
        starts = np.repeat(traffic.first - np.cumsum(traffic.count) + traffic.count, traffic.count)
        rows = starts + np.arange(len(starts))
        behind -= traffic.sampled[rows]
        behind = behind[traffic.labels[rows] & CLOCK == 0] / MICROS_PER_SECOND
        return (float(behind.max()), float(-behind.min())) if len(behind) else (0.0, 0.0)


def check(play: Play, traffic: Traffic, admission: Admission) -> None:
    """Raises ConfigurationError if a database would refuse values for their times, with what to do."""
    if len(traffic.sampled):
        _check(*play.away_s(traffic), admission, int(traffic.sampled.min()), int(traffic.sampled.max()), play.shift)


def check_span(play: Play, span: Span, admission: Admission) -> None:
    """The same before anything is computed, as if every value left as soon as it is there."""
    found = alignment.span(span.start, span.end, moved=play.shift, starts=play.begins, speed=play.speed)
    _check(found.late_s, found.ahead_s, admission, span.start, span.end, play.shift)


def _check(late: float, ahead: float, admission: Admission, first: int, last: int, shift: int) -> None:
    problems = []
    needed = math.ceil(late) + _TRAVEL_S
    if needed > admission.lateness_s:
        advice = (
            f"set LIFELINE_LATENESS_S={needed} or more for `lifeline db migrate`, `lifeline ingest` and this command"
            if needed <= admission.lateness_limit_s
            else "no setting admits that: begin later with --start"
        )
        problems.append(
            f"values would be {math.ceil(late)} s old when they are published, LIFELINE_LATENESS_S="
            f"{admission.lateness_s} admits no older ones: {advice}"
        )
    if ahead > admission.skew_s:
        problems.append(
            f"values would be {math.ceil(ahead)} s ahead of the clock when they are published, LIFELINE_SKEW_S="
            f"{admission.skew_s} admits no more: begin earlier with --start, or --speed 1 --start now"
        )
    if problems:
        between = f"{isoformat(first + shift)} to {isoformat(last + shift)}"
        raise ConfigurationError(
            f"the database would refuse times from {between}, so nothing is published",
            problems,
        )
