"""Alarm KPIs after ISA-18.2 and IEC 62682: the load that a set of rules puts on people, from a list of alarms.

The functions of the database compute the same figures from recorded alerts; a test holds both to be equal. docs/kpis.md
defines each figure. Times are event time, microseconds since 1970 (UTC); a period is [since, until).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import attrgetter

from domain.alert import Level
from domain.times import MICROS_PER_SECOND

#: KPIs of ISA-18.2 count in fixed pieces of ten minutes, on the clock.
INTERVAL = 600 * MICROS_PER_SECOND
_HOUR = 3600 * MICROS_PER_SECOND
_DAY = 24 * _HOUR
#: Alarms in one interval, from and to; None is no end.
BANDS: tuple[tuple[int, int | None], ...] = ((0, 0), (1, 1), (2, 2), (3, 5), (6, 10), (11, None))
TOP = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Alarm:
    """One alarm or warning that people were told of, from its raise until it cleared."""

    rule: str
    subject: str
    #: As it was raised.
    level: Level
    raised_at: int
    #: None: it stands.
    cleared_at: int | None
    network: str
    area: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Definitions:
    """What the figures count. The defaults are those of the table `kpi_limits`."""

    #: An interval with more alarms than this is a busy one.
    busy_above: int = 10
    #: A flood begins with an interval of more alarms than this, and ends with one of fewer than the next.
    flood_start: int = 10
    flood_end: int = 5
    #: So many raised and cleared within the window.
    chattering_count: int = 3
    chattering_window_s: float = 60
    #: Cleared sooner than this, and no other raise within the quiet time before or after.
    fleeting_duration_s: float = 10
    fleeting_quiet_s: float = 60
    stale_age_s: float = 86_400


@dataclass(frozen=True, kw_only=True, slots=True)
class Flood:
    """Intervals on end, from one with too many alarms to the last before one with few."""

    started_at: int
    ended_at: int
    alarms: int
    peak: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Contribution:
    """How much of the load one rule on one subject is."""

    rule: str
    subject: str
    alarms: int
    share: float


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmKpis:
    """The figures of one period. Shares lie between 0 and 1."""

    alarms: int
    per_hour: float
    #: The most in one day, of days counted from the begin of the period.
    worst_day: int
    #: Alarms of each interval, beginning with the interval of `since`.
    counts: tuple[int, ...]
    #: Intervals in each of BANDS.
    distribution: tuple[int, ...]
    busy_share: float
    peak: int
    floods: tuple[Flood, ...]
    flood_s: float
    flood_share: float
    #: Rule and subject of each that chattered.
    chattering: tuple[tuple[str, str], ...]
    fleeting: int
    #: Stale on the worst day, and at the end of the period.
    stale: int
    stale_at_end: int
    #: Alarms raised on each level, the highest first.
    levels: tuple[tuple[Level, int], ...]
    #: The ten heaviest, heaviest first.
    top: tuple[Contribution, ...]
    top_share: float
    #: Seconds in alarm within the period, summed over the alarms.
    time_in_alarm_s: float


def alarm_kpis(alarms: Iterable[Alarm], since: int, until: int, definitions: Definitions | None = None) -> AlarmKpis:
    """The figures of a period.

    Alarms count that were raised in it; those that were raised before and still stood count as stale and as time in
    alarm only. Raises ValueError when the period is empty.
    """
    if since >= until:
        raise ValueError("the period is empty")
    define = definitions or Definitions()
    known = sorted((a for a in alarms if a.raised_at < until), key=attrgetter("rule", "subject", "raised_at"))
    raised = [a for a in known if a.raised_at >= since]
    counts = _counts(raised, since, until)
    floods = tuple(_floods(counts, _floor(since), define))
    flood_intervals = sum(f.ended_at - f.started_at for f in floods) // INTERVAL
    subjects = [list(group) for _, group in groupby(raised, key=attrgetter("rule", "subject"))]
    top = _top(subjects, len(raised))
    levels = Counter(a.level for a in raised)
    days = Counter((a.raised_at - since) // _DAY for a in raised)
    return AlarmKpis(
        alarms=len(raised),
        per_hour=len(raised) * _HOUR / (until - since),
        worst_day=max(days.values(), default=0),
        counts=tuple(counts),
        distribution=tuple(sum(low <= n and (high is None or n <= high) for n in counts) for low, high in BANDS),
        busy_share=sum(n > define.busy_above for n in counts) / len(counts),
        peak=max(counts),
        floods=floods,
        flood_s=flood_intervals * INTERVAL / MICROS_PER_SECOND,
        flood_share=flood_intervals / len(counts),
        chattering=tuple((s[0].rule, s[0].subject) for s in subjects if _chatters(s, define)),
        fleeting=sum(_fleeting(s, define) for s in subjects),
        stale=_stale_on_the_worst_day(known, since, until, define),
        stale_at_end=sum(
            a.raised_at + _micros(define.stale_age_s) < until and (a.cleared_at is None or a.cleared_at >= until)
            for a in known
        ),
        levels=tuple((level, levels[level]) for level in Level),
        top=top,
        top_share=sum(one.share for one in top),
        time_in_alarm_s=sum(max(0, _end(a, until) - max(a.raised_at, since)) for a in known) / MICROS_PER_SECOND,
    )


def _floor(moment: int) -> int:
    return moment // INTERVAL * INTERVAL


def _micros(seconds: float) -> int:
    return round(seconds * MICROS_PER_SECOND)


def _end(alarm: Alarm, until: int) -> int:
    return until if alarm.cleared_at is None else min(alarm.cleared_at, until)


def _counts(raised: Iterable[Alarm], since: int, until: int) -> list[int]:
    first = since // INTERVAL
    counts = [0] * ((until - 1) // INTERVAL - first + 1)
    for alarm in raised:
        counts[alarm.raised_at // INTERVAL - first] += 1
    return counts


def _floods(counts: Sequence[int], first: int, define: Definitions) -> Iterator[Flood]:
    begun: int | None = None
    for place, count in enumerate([*counts, -1]):
        if begun is None and count > define.flood_start:
            begun = place
        elif begun is not None and count < define.flood_end and count <= define.flood_start:
            within = counts[begun:place]
            yield Flood(
                started_at=first + begun * INTERVAL,
                ended_at=first + place * INTERVAL,
                alarms=sum(within),
                peak=max(within),
            )
            begun = None


def _chatters(alarms: Sequence[Alarm], define: Definitions) -> bool:
    """Whether so many of one rule and subject were raised and cleared within the window; in the order of time."""
    window = _micros(define.chattering_window_s)
    return any(
        last.cleared_at is not None and last.cleared_at - first.raised_at <= window
        for first, last in zip(alarms, alarms[define.chattering_count - 1 :], strict=False)
    )


def _fleeting(alarms: Sequence[Alarm], define: Definitions) -> int:
    """How many of one rule and subject came and went, alone; in the order of time."""
    duration, quiet = _micros(define.fleeting_duration_s), _micros(define.fleeting_quiet_s)
    gaps = [later.raised_at - earlier.raised_at for earlier, later in pairwise(alarms)]
    alone = [gap > quiet for gap in gaps]
    return sum(
        before and after and a.cleared_at is not None and a.cleared_at - a.raised_at < duration
        for a, before, after in zip(alarms, [True, *alone], [*alone, True], strict=True)
    )


def _stale_on_the_worst_day(alarms: Iterable[Alarm], since: int, until: int, define: Definitions) -> int:
    days: defaultdict[int, int] = defaultdict(int)
    for alarm in alarms:
        begin = max(alarm.raised_at + _micros(define.stale_age_s), since)
        end = _end(alarm, until)
        if begin < end:
            for day in range((begin - since) // _DAY, (end - 1 - since) // _DAY + 1):
                days[day] += 1
    return max(days.values(), default=0)


def _top(subjects: Iterable[Sequence[Alarm]], total: int) -> tuple[Contribution, ...]:
    heaviest = sorted(subjects, key=lambda s: (-len(s), s[0].rule, s[0].subject))[:TOP]
    return tuple(
        Contribution(rule=s[0].rule, subject=s[0].subject, alarms=len(s), share=len(s) / total) for s in heaviest
    )
