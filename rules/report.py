"""What a backtest found, put together for people and programs: figures, difference, readings around alerts; JSON, CSV.

Nothing in it depends on when or where it was made: the same input and rules give the same bytes.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from domain.alert import Level
from domain.kpi import Alarm, AlarmKpis, alarm_kpis
from domain.kpi_judgement import PRESETS, AlarmFigures, Figure, alarm_figures
from domain.subject import Watched
from domain.times import MICROS_PER_SECOND, isoformat
from rules.backtest import Outcome
from rules.condition import Threshold
from rules.difference import Difference, difference
from rules.grounds import Limit, number_on
from rules.history import Episode
from rules.material import Material, Readings

#: Figures that a backtest can know: nobody acknowledges in it.
FIGURES = frozenset(
    {
        "alarms", "rate", "daily", "peak", "busy_intervals", "floods", "time_in_flood", "top_ten", "chattering",
        "fleeting", "held_back", "stale", "level_red", "level_orange", "level_yellow", "level_blue", "time_in_alarm",
    }
)  # fmt: skip
#: Charts of readings in one report.
CHARTS = 40
_POINTS = 240
_AROUND = 600 * MICROS_PER_SECOND
_DAY = 86_400 * MICROS_PER_SECOND


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """The readings of one datastream around one alert."""

    #: Its place among the episodes of the outcome.
    episode: int
    watched: Watched
    since: int
    until: int
    readings: Readings
    limits: tuple[tuple[Level, float], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Everything about one backtest."""

    title: str
    outcome: Outcome
    figures: tuple[Figure, ...]
    kpis: AlarmKpis
    charts: tuple[Chart, ...]
    against: Outcome | None = None
    figures_against: tuple[Figure, ...] = ()
    difference: Difference | None = None


def make(material: Material, outcome: Outcome, against: Outcome | None = None) -> Report:
    """Puts a report together; the readings of the charts are read from the material.

    Args:
        material: What the outcome was found on.
        outcome: Of the rules in question.
        against: Of the rules with which they are compared.
    """
    kpis = kpis_of(outcome)
    return Report(
        title=material.title,
        outcome=outcome,
        figures=_figures(kpis, outcome),
        kpis=kpis,
        charts=tuple(_charts(material, outcome)),
        against=against,
        figures_against=() if against is None else _figures(kpis_of(against), against),
        difference=None if against is None else difference(against.episodes, outcome.episodes),
    )


def kpis_of(outcome: Outcome) -> AlarmKpis:
    """The load that a set of rules would have put on people."""
    alarms = [
        Alarm(
            rule=e.rule,
            subject=e.subject,
            level=e.levels[0][1],
            # The load begins when people are told.
            raised_at=e.raised_at if e.told_at is None else e.told_at,
            cleared_at=e.cleared_at,
            network=e.network,
            area=e.area,
        )
        for e in outcome.episodes
    ]
    return alarm_kpis(alarms, outcome.since, outcome.until)


def _figures(kpis: AlarmKpis, outcome: Outcome) -> tuple[Figure, ...]:
    levels = {level.label: count for level, count in kpis.levels}
    found = AlarmFigures(
        alarms=kpis.alarms,
        per_hour=kpis.per_hour,
        worst_day=kpis.worst_day,
        peak=kpis.peak,
        busy_share=kpis.busy_share,
        floods=len(kpis.floods),
        flood_s=kpis.flood_s,
        flood_share=kpis.flood_share,
        flood_peak=max((flood.peak for flood in kpis.floods), default=0),
        chattering=len(kpis.chattering),
        fleeting=kpis.fleeting,
        stale=kpis.stale,
        stale_at_end=kpis.stale_at_end,
        top_share=kpis.top_share,
        red=levels["red"],
        orange=levels["orange"],
        yellow=levels["yellow"],
        blue=levels["blue"],
        acknowledged=0,
        acknowledge_median_s=None,
        acknowledge_p90_s=None,
        acknowledge_max_s=None,
        cleared=0,
        clear_median_s=None,
        clear_p90_s=None,
        clear_max_s=None,
        time_in_alarm_s=kpis.time_in_alarm_s,
        held_back=len(outcome.held),
        withdrawn=0,
        unacknowledged=0,
    )
    days = (outcome.until - outcome.since) / _DAY
    return tuple(figure for figure in alarm_figures(found, PRESETS, days=days) if figure.name in FIGURES)


def _charts(material: Material, outcome: Outcome) -> Iterator[Chart]:
    """Of the gravest alerts, the earlier first."""
    by_number = {item.datastream: item for item in material.site.watched}
    rules = {rule.id: rule for rule in outcome.rules}
    order = sorted(range(len(outcome.episodes)), key=lambda at: (outcome.episodes[at].worst, at))
    shown = 0
    for at in order:
        if shown == CHARTS:
            return
        episode = outcome.episodes[at]
        watched = _rests_on(episode, by_number)
        if watched is None:
            continue
        end = outcome.until if episode.cleared_at is None else episode.cleared_at
        around = max(_AROUND, min(end - episode.raised_at, _DAY) // 2)
        since, until = max(outcome.since, episode.raised_at - around), min(outcome.until, end + around)
        shown += 1
        yield Chart(
            episode=at,
            watched=watched,
            since=since,
            until=until,
            readings=thinned(material.readings(watched.datastream, since, until)),
            limits=limits_of(rules[episode.rule].condition, watched),
        )


def _rests_on(episode: Episode, by_number: Mapping[int, Watched]) -> Watched | None:
    kind, _, identifier = episode.subject.partition(":")
    if kind == "datastream":
        return by_number.get(int(identifier))
    known = (fact.datastream for fact in episode.facts if fact.datastream is not None)
    return next((by_number[number] for number in known if number in by_number), None)


def limits_of(condition: object, watched: Watched) -> tuple[tuple[Level, float], ...]:
    """The limits that can be drawn over the readings: none where a measure of them is compared, not they themselves."""
    if not isinstance(condition, Threshold) or condition.measure is not None:
        return ()
    found = []
    for level, limit in condition.ranked:
        numbers = (limit.limit,) if isinstance(limit, Limit) else (limit.low, limit.high)
        found += [(level, known) for number in numbers if (known := number_on(number, watched.tags)) is not None]
    return tuple(found)


def thinned(readings: Readings) -> Readings:
    """At most about 2 * _POINTS readings: of each piece of time the lowest and the highest, so that no peak is lost."""
    size = len(readings.times)
    if size <= 2 * _POINTS:
        return readings
    edges = np.linspace(0, size, _POINTS + 1).astype(np.int64)
    chosen = sorted(
        {
            int(begin + place(readings.values[begin:end]))
            for begin, end in pairwise(edges.tolist())
            for place in (np.argmin, np.argmax)
        }
    )
    return Readings(readings.times[chosen], readings.values[chosen], readings.qualities[chosen])


# For programs.


def as_data(report: Report) -> dict[str, Any]:
    """The report as JSON has it; instants are RFC 3339 in UTC."""
    outcome = report.outcome
    data: dict[str, Any] = {
        "title": report.title,
        "from": isoformat(outcome.since),
        "to": isoformat(outcome.until),
        "observations": outcome.observations,
        "rules": len(outcome.rules),
        "failures": dict(outcome.failures),
        "kpis": {figure.name: figure.value for figure in report.figures},
        "alerts": [episode_data(episode) for episode in outcome.episodes],
        "held_back": [episode_data(episode) for episode in outcome.held],
    }
    if report.against is not None and report.difference is not None:
        data["against"] = {
            "rules": len(report.against.rules),
            "alerts": len(report.against.episodes),
            "failures": dict(report.against.failures),
            "kpis": {figure.name: figure.value for figure in report.figures_against},
        }
        data["difference"] = {
            "same": report.difference.same,
            "new": [episode_data(episode) for episode in report.difference.new],
            "lost": [episode_data(episode) for episode in report.difference.lost],
            "moved": [
                {"before": episode_data(move.before), "after": episode_data(move.after)}
                for move in report.difference.moved
            ],
        }
    return data


def episode_data(episode: Episode) -> dict[str, Any]:
    """One alert as JSON has it."""
    return {
        "rule": episode.rule,
        "subject": episode.subject,
        "kind": episode.kind.value,
        "class": episode.class_,
        "network": episode.network,
        "area": episode.area,
        "asset": episode.asset,
        "device": episode.device,
        "property": episode.observed,
        "raised_at": isoformat(episode.raised_at),
        "cleared_at": None if episode.cleared_at is None else isoformat(episode.cleared_at),
        "told_at": None if episode.told_at is None else isoformat(episode.told_at),
        "held_back_by": None
        if episode.held_by is None
        else {"rule": episode.held_by[0], "subject": episode.held_by[1]},
        "worst": episode.worst.label,
        "levels": [{"at": isoformat(at), "level": level.label} for at, level in episode.levels],
        "value": episode.value,
        "threshold": episode.threshold,
        "title_en": episode.title_en,
        "title_zh": episode.title_zh,
    }


_COLUMNS = (
    "rule", "subject", "network", "area", "asset", "device", "property", "raised_at", "cleared_at", "worst", "value",
    "threshold", "title_en", "title_zh",
)  # fmt: skip


def as_csv(report: Report) -> str:
    """The alerts, one a row; with a second set of rules, those that were lost too, and what became of each."""
    found = io.StringIO()
    writer = csv.writer(found, lineterminator="\n")
    writer.writerow((*_COLUMNS, "difference"))
    for episode, fate in fates(report):
        data = episode_data(episode)
        writer.writerow((*("" if data[name] is None else data[name] for name in _COLUMNS), fate))
    return found.getvalue()


def fates(report: Report) -> Iterable[tuple[Episode, str]]:
    """Every alert, and those that were lost, with what became of it: new, lost, moved, same; empty without a second."""
    if report.difference is None:
        return [(episode, "") for episode in report.outcome.episodes]
    new = {id(episode) for episode in report.difference.new}
    moved = {id(move.after) for move in report.difference.moved}
    found = [
        (episode, "new" if id(episode) in new else "moved" if id(episode) in moved else "same")
        for episode in report.outcome.episodes
    ]
    found += [(episode, "lost") for episode in report.difference.lost]
    return sorted(found, key=lambda pair: (pair[0].raised_at, pair[0].rule, pair[0].subject, pair[1]))
