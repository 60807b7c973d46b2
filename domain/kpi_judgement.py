"""KPIs against what is asked of them: each figure with its target and a verdict. Pure; docs/kpis.md explains them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain.alert import Level

#: What is asked where no database says otherwise: the values that the table `kpi_limits` is delivered with.
PRESETS: Mapping[str, float] = {
    "rate.acceptable": 6,
    "rate.maximum": 12,
    "peak.alarms": 10,
    "peak.share": 1,
    "flood.share": 1,
    "top_ten.share": 5,
    "chattering.subjects": 0,
    "fleeting.alarms": 0,
    "stale.alarms": 5,
    "level_mix.red": 1,
    "level_mix.orange": 5,
    "level_mix.yellow": 15,
    "level_mix.blue": 80,
    "daily.alarms": 144,
    "window.days": 30,
    "detect.p90": 60,
    "acknowledge.p90": 600,
    "restore.p90": 14_400,
    "availability.share": 95,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmFigures:
    """What `kpi_alarm_figures` and `kpi_unheard` say of one period. Shares lie between 0 and 1, times are seconds."""

    alarms: int
    per_hour: float
    worst_day: int
    peak: int
    busy_share: float
    floods: int
    flood_s: float
    flood_share: float
    flood_peak: int
    chattering: int
    fleeting: int
    stale: int
    stale_at_end: int
    top_share: float
    red: int
    orange: int
    yellow: int
    blue: int
    acknowledged: int
    acknowledge_median_s: float | None
    acknowledge_p90_s: float | None
    acknowledge_max_s: float | None
    cleared: int
    clear_median_s: float | None
    clear_p90_s: float | None
    clear_max_s: float | None
    time_in_alarm_s: float
    held_back: int
    withdrawn: int
    unacknowledged: int


@dataclass(frozen=True, kw_only=True, slots=True)
class IncidentFigures:
    """What `kpi_incident_figures` says of one period, in seconds."""

    incidents: int
    acknowledged: int
    restored: int
    detect_median_s: float | None
    detect_p90_s: float | None
    detect_max_s: float | None
    acknowledge_median_s: float | None
    acknowledge_p90_s: float | None
    acknowledge_max_s: float | None
    restore_median_s: float | None
    restore_p90_s: float | None
    restore_max_s: float | None


class Verdict(StrEnum):
    """How a figure stands to what is asked."""

    GOOD = "good"
    #: Above what is acceptable, below what can be managed.
    TOLERABLE = "tolerable"
    BAD = "bad"
    #: Nothing is asked, or there is nothing to judge.
    NONE = "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One KPI as people read it. Shares are in percent."""

    #: One of domain.kpi_names.
    name: str
    value: float | None
    #: UCUM.
    unit: str
    #: What is asked, such as `<= 6`; empty when nothing is.
    target: str
    verdict: Verdict


#: The share of each level of which more is too much; of blue, less is too little.
_MIX = {Level.RED: "<=", Level.ORANGE: "<=", Level.YELLOW: "<=", Level.BLUE: ">="}


def rate(per_hour: float, limits: Mapping[str, float]) -> Figure:
    """The load of one operator position, which has two limits: what is acceptable and what can be managed."""
    acceptable, maximum = limits["rate.acceptable"], limits["rate.maximum"]
    verdict = Verdict.BAD
    if per_hour <= acceptable:
        verdict = Verdict.GOOD
    elif per_hour <= maximum:
        verdict = Verdict.TOLERABLE
    return Figure(
        name="rate", value=per_hour, unit="1/h", target=f"<= {acceptable:g}, at most {maximum:g}", verdict=verdict
    )


def alarm_figures(found: AlarmFigures, limits: Mapping[str, float], *, days: float) -> tuple[Figure, ...]:
    """Every alarm KPI of a period of so many days."""
    return tuple(_alarms(found, limits, days))


def _alarms(found: AlarmFigures, limits: Mapping[str, float], days: float) -> Iterator[Figure]:
    yield _asked("window", days, "d", ">=", limits["window.days"])
    yield _plain("alarms", found.alarms, "1")
    yield rate(found.per_hour, limits)
    yield _asked("daily", found.worst_day, "1", "<=", limits["daily.alarms"])
    yield _asked("peak", found.peak, "1", "<=", limits["peak.alarms"])
    yield _asked("busy_intervals", 100 * found.busy_share, "%", "<=", limits["peak.share"])
    yield _plain("floods", found.floods, "1")
    yield _plain("flood_duration", found.flood_s, "s")
    yield _plain("flood_peak", found.flood_peak, "1")
    yield _asked("time_in_flood", 100 * found.flood_share, "%", "<=", limits["flood.share"])
    yield _asked("top_ten", 100 * found.top_share, "%", "<=", limits["top_ten.share"], judged=found.alarms > 0)
    yield _asked("chattering", found.chattering, "1", "<=", limits["chattering.subjects"])
    yield _asked("fleeting", found.fleeting, "1", "<=", limits["fleeting.alarms"])
    yield _asked("stale", found.stale, "1", "<", limits["stale.alarms"])
    yield _plain("stale_at_end", found.stale_at_end, "1")
    for level, relation in _MIX.items():
        share = 100 * int(getattr(found, level.label)) / max(1, found.alarms)
        limit = limits[f"level_mix.{level.label}"]
        yield _asked(f"level_{level.label}", share, "%", relation, limit, judged=found.alarms > 0)
    yield _plain("acknowledge_median", found.acknowledge_median_s, "s")
    yield _asked("acknowledge_p90", found.acknowledge_p90_s, "s", "<=", limits["acknowledge.p90"])
    yield _plain("acknowledge_longest", found.acknowledge_max_s, "s")
    yield _plain("clear_median", found.clear_median_s, "s")
    yield _plain("clear_p90", found.clear_p90_s, "s")
    yield _plain("clear_longest", found.clear_max_s, "s")
    yield _plain("time_in_alarm", found.time_in_alarm_s, "s")
    yield _plain("unacknowledged", found.unacknowledged, "1")
    yield _plain("held_back", found.held_back, "1")
    yield _plain("withdrawn", found.withdrawn, "1")


def incident_figures(found: IncidentFigures, limits: Mapping[str, float]) -> tuple[Figure, ...]:
    """Every KPI of the incidents of a period."""
    return (
        _plain("incidents", found.incidents, "1"),
        _plain("detect_median", found.detect_median_s, "s"),
        _asked("detect_p90", found.detect_p90_s, "s", "<=", limits["detect.p90"]),
        _plain("detect_longest", found.detect_max_s, "s"),
        _plain("acknowledge_median", found.acknowledge_median_s, "s"),
        _asked("acknowledge_p90", found.acknowledge_p90_s, "s", "<=", limits["acknowledge.p90"]),
        _plain("acknowledge_longest", found.acknowledge_max_s, "s"),
        _plain("restore_median", found.restore_median_s, "s"),
        _asked("restore_p90", found.restore_p90_s, "s", "<=", limits["restore.p90"]),
        _plain("restore_longest", found.restore_max_s, "s"),
        _plain("not_acknowledged", found.incidents - found.acknowledged, "1"),
        _plain("not_restored", found.incidents - found.restored, "1"),
    )


def availability(share: float, limits: Mapping[str, float]) -> Figure:
    """The availability of one district, from a share between 0 and 1."""
    return _asked("availability", 100 * share, "%", ">=", limits["availability.share"])


def _plain(name: str, value: float | None, unit: str) -> Figure:
    return Figure(name=name, value=value, unit=unit, target="", verdict=Verdict.NONE)


def _asked(name: str, value: float | None, unit: str, relation: str, limit: float, *, judged: bool = True) -> Figure:
    verdict = Verdict.NONE
    if value is not None and judged:
        met = {"<=": value <= limit, "<": value < limit, ">=": value >= limit}[relation]
        verdict = Verdict.GOOD if met else Verdict.BAD
    return Figure(name=name, value=value, unit=unit, target=f"{relation} {limit:g}", verdict=verdict)
