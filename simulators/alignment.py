"""Moves a recording in time, and says beforehand whether a database would admit it. Instants come in as values."""

import math
from dataclasses import dataclass
from typing import Literal

from domain.times import MICROS_PER_SECOND, isoformat

Align = Literal["start", "end", "keep"]
#: Time that messages may need from here to ingest; added to what is asked of the settings.
_TRAVEL_S = 300
_TWO_DAYS_S = 172_800
_MILLI = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Admission:
    """What the database that will receive the replay admits, in seconds."""

    lateness_s: int
    skew_s: int
    retention_s: int
    #: The most that LIFELINE_LATENESS_S may be.
    lateness_limit_s: int


def shift(first: int, last: int, align: Align, at: int) -> int:
    """Microseconds to add to every instant so that the recording starts or ends `at`; whole milliseconds."""
    moved = {"keep": 0, "start": at - first, "end": at - last}[align]
    return moved // _MILLI * _MILLI


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Published instants (microseconds since 1970, UTC), and how far they lie from the clock at that moment."""

    first: int
    last: int
    #: Seconds that a value lies back at most, and ahead at most; negative when none does.
    late_s: float
    ahead_s: float

    def joined(self, other: "Span") -> "Span":
        """Both together."""
        return Span(
            first=min(self.first, other.first),
            last=max(self.last, other.last),
            late_s=max(self.late_s, other.late_s),
            ahead_s=max(self.ahead_s, other.ahead_s),
        )


def span(first: int, last: int, *, moved: int, starts: int, speed: float, delay: tuple[int, int] = (0, 0)) -> Span:
    """How a recording from `first` to `last`, moved and played from the instant `starts`, lies against the clock.

    A value is published (its distance from the first) / speed after the start; how far it lies back then changes evenly
    from the first to the last, so these two are the extremes. `delay` widens them: the least and the greatest time, in
    microseconds, by which messages left later after the first message than their values were taken after the first one.
    """
    least, most = (micros / MICROS_PER_SECOND / speed for micros in (min(delay[0], 0), max(delay[1], 0)))
    late_first = (starts - first - moved) / MICROS_PER_SECOND
    late_last = (starts - last - moved) / MICROS_PER_SECOND + (last - first) / MICROS_PER_SECOND / speed
    return Span(
        first=first + moved,
        last=last + moved,
        late_s=max(late_first, late_last) + most,
        ahead_s=-min(late_first, late_last) - least,
    )


def refusals(whole: Span, *, align: Align, admission: Admission) -> list[str]:
    """Why the database would refuse values, with what to do; empty if it would admit every one."""
    late, ahead = math.ceil(whole.late_s), math.ceil(whole.ahead_s)
    between = f"{isoformat(whole.first)} to {isoformat(whole.last)}"
    found = []
    if late + _TRAVEL_S > admission.lateness_s:
        found.append(_too_late(between, late, align, admission))
    elif late + _TRAVEL_S > admission.retention_s:
        found.append(
            f"{between}: values {late} s old would be dropped at once, LIFELINE_RETENTION_S={admission.retention_s}: "
            f"set LIFELINE_RETENTION_S={late + _TRAVEL_S + _TWO_DAYS_S} or more"
        )
    if ahead > admission.skew_s:
        advice = "replay with --speed 1, or with --align end" if align == "start" else "replay with --align end"
        found.append(
            f"{between}: values would be {ahead} s ahead of the clock when they are published, "
            f"LIFELINE_SKEW_S={admission.skew_s} admits no more than that: {advice}"
        )
    return found


def _too_late(between: str, late: int, align: Align, admission: Admission) -> str:
    needed = late + _TRAVEL_S
    text = (
        f"{between}: values would be {late} s old when they are published, "
        f"LIFELINE_LATENESS_S={admission.lateness_s} admits no older ones: "
    )
    if needed > admission.lateness_limit_s:
        limit = f"no setting admits that (LIFELINE_LATENESS_S may be {admission.lateness_limit_s} at most)"
        return text + limit + (": replay with --align end" if align == "keep" else ": replay a shorter part")
    text += f"set LIFELINE_LATENESS_S={needed} or more for `lifeline db migrate`, `lifeline ingest` and this command"
    if admission.retention_s < needed + _TWO_DAYS_S:
        text += f", and LIFELINE_RETENTION_S={needed + _TWO_DAYS_S} or more"
    return text + (", or replay with --align end" if align == "keep" else "")
