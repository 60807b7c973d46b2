"""Times in scenarios: a local clock ("14:20"), of a later day ("+1d 03:00"), or after the begin ("+00:10:30")."""

import re
from datetime import date, datetime, timedelta, timezone
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator

from domain.times import MICROS_PER_SECOND, from_datetime

#: The clock of the town: China has one, without summer time.
ZONE = timezone(timedelta(hours=8))
#: Seconds of a day.
DAY_S = 86_400
_CLOCK = re.compile(r"(?:\+(\d{1,3})d )?([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")
_AFTER = re.compile(r"\+(\d{2,4}):([0-5]\d)(?::([0-5]\d))?")
_LENGTH = re.compile(r"(\d+)(s|m|h|d)")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": DAY_S}


class Moment(NamedTuple):
    """An instant of a scenario.

    Attributes:
        text: As it was written.
        seconds: After the begin, or after local midnight of the first day.
        relative: Whether it counts from the begin.
    """

    text: str
    seconds: int
    relative: bool = False

    @property
    def lasts(self) -> int:
        """Seconds for which it is this time: a clock that shows 14:31 shows it for a minute."""
        return 1 if self.relative or self.text.count(":") > 1 else 60

    def after(self, starts: "Moment") -> int:
        """Seconds after the begin of a scenario that starts at some time of day; negative: before it."""
        return self.seconds if self.relative else self.seconds - starts.seconds


def moment(given: object) -> Moment:
    """What a person wrote as a time; ValueError says how to write it."""
    if isinstance(given, Moment):
        return given
    if isinstance(given, str):
        if found := _AFTER.fullmatch(given):
            hours, minutes, seconds = (int(part or 0) for part in found.groups())
            return Moment(given, hours * 3600 + minutes * 60 + seconds, relative=True)
        if found := _CLOCK.fullmatch(given):
            days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
            return Moment(given, days * DAY_S + hours * 3600 + minutes * 60 + seconds)
    raise ValueError(
        f'{given!r} is no time: write "14:20" in quotes (local clock), "+1d 03:00" (the next day) or "+00:10:30" '
        "(after the begin)"
    )


def length(given: object) -> int:
    """Seconds of a text such as 90s, 15m, 8h or 3d; ValueError says how to write it."""
    if isinstance(given, int) and not isinstance(given, bool) and given > 0:
        return given
    found = _LENGTH.fullmatch(given) if isinstance(given, str) else None
    if found is None or int(found[1]) == 0:
        raise ValueError(f"{given!r} is no length of time: write 90s, 15m, 8h or 3d")
    return int(found[1]) * _UNITS[found[2]]


def instant(day: date, of_day: Moment) -> int:
    """Microseconds since 1970 (UTC) of a local time of a day."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZONE)
    return from_datetime(midnight) + of_day.seconds * MICROS_PER_SECOND


def clock(micros: int) -> str:
    """Local clock of an instant, such as 14:31."""
    local = datetime.fromtimestamp(micros / MICROS_PER_SECOND, tz=ZONE)
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"


Time = Annotated[Moment, BeforeValidator(moment)]
Length = Annotated[int, BeforeValidator(length)]
