"""The after-action report as one HTML file that needs nothing else: no network, light and dark, in either language."""

from collections.abc import Callable, Iterator
from html import escape
from importlib.resources import files

from rich.console import Console
from rich.text import Text

from commands.drill_report import outcome
from commands.drill_words import Words
from domain.after_action import Detection, Report
from domain.times import MICROS_PER_SECOND
from rules.report_charts import WIDTH, Axis

_STYLE = """
.exercise { position: sticky; top: 0; z-index: 2; background: #8e24aa; color: #fff; font-weight: 700;
  padding: .6rem 1rem; border-radius: 8px; margin-bottom: 1rem; }
td.n, td.met, td.late, td.missed, th { white-space: nowrap; }
td.met { color: var(--good); } td.late { color: var(--orange); font-weight: 600; }
td.missed { color: var(--red); font-weight: 700; }
rect.planned { fill: var(--accent); opacity: .18; }
rect.missed { fill: none; stroke: var(--red); stroke-dasharray: 3 2; }
.incident { stroke: var(--red); stroke-width: 1.4; }
"""
_LEFT, _LANE, _TOP = 310, 38, 24
#: A line of a lane's name: columns of a terminal, of which ideographs take two; two lines at most.
_COLUMNS, _LINES = 46, 2


def page(report: Report, *, language: str, zone: str) -> str:
    """The whole document.

    Args:
        report: What was found.
        language: `en` or `zh`.
        zone: Whose clock its times are written by.
    """
    words = Words(language, zone)
    exercise = report.exercise
    title = f"{words('report')} · {words('exercise')} {exercise.id} · {exercise.title.of(language)}"
    css = (files("rules") / "page" / "report.css").read_text(encoding="utf-8")
    body = "\n".join(_sections(report, words))
    return (
        f'<!doctype html>\n<html lang="{"zh-CN" if language == "zh" else "en"}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{css}{_STYLE}</style>\n</head>\n<body>\n"
        f'<div class="exercise">{escape(words("banner"))}</div>\n<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n'
    )


def _sections(report: Report, words: Words) -> Iterator[str]:
    exercise = report.exercise
    yield f"<p>{escape(exercise.plan.summary.of(words.language))}</p>"
    ended = words("running") if exercise.running else words.moment(exercise.ended_at)
    speed = "" if exercise.pace is None else f"{words('speed')}: {exercise.pace.speed:g}"
    yield (
        f"<p>{words('held_by')}: {escape(exercise.started_by)} · {words('started')}:"
        f" {words.moment(exercise.started_at)} · {words('ended')}: {ended} · {words('incident')}:"
        f" {words.moment(report.incident_at)} · {speed}</p>"
    )
    yield _cards(report, words)
    yield f"<h2>{words('timeline')}</h2>{_timeline(report, words)}"
    yield f"<h2>{words('platform')}</h2>{_platform(report, words)}"
    yield f"<h2>{words('people')}</h2>{_people(report, words)}"
    yield f"<p><small>{words('clocks')}</small></p>"
    if report.others:
        names = [words(name) for name in ("raised", "alert", "rule")]
        others = sorted(report.others, key=lambda one: (one.raised_at, one.id))
        rows = [[(words.clock(one.raised_at), "n"), (words.title(one.title), ""), (one.rule, "")] for one in others]
        yield f"<h2>{words('others')}</h2>{_table(names, rows)}"


def _cards(report: Report, words: Words) -> str:
    cards = [
        (words("met"), report.verdicts.count("met"), "new"),
        (words("late"), report.late, "orange"),
        (words("missed"), report.missed, "lost"),
    ]
    shown = "".join(f'<div class="card {kind}"><b>{count}</b>{escape(name)}</div>' for name, count, kind in cards)
    counts = words("counts", alerts=report.alerts, announced=report.announced)
    return f'<div class="cards">{shown}</div><p><b>{escape(outcome(report, words))}</b> {escape(counts)}</p>'


def _timeline(report: Report, words: Words) -> str:
    """A lane for each expectation: when it was due, when it stood."""
    plan, pace = report.exercise.plan, report.exercise.pace
    if pace is None:
        return f"<p>{words('nothing')}</p>"
    ends = pace.begins + round(plan.duration_s * MICROS_PER_SECOND)
    axis = Axis(pace.begins, ends, _LEFT, words)
    height = _TOP + _LANE * max(len(report.detections), 1) + 24

    def x(seconds: float) -> float:
        within = min(max(seconds, 0.0), plan.duration_s)
        return round(axis.at(pace.begins + round(within * MICROS_PER_SECOND)), 1)

    incident = x(plan.incident_s)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img">',
        axis.drawn(_TOP - 6, height - 20),
        f'<line class="incident" x1="{incident}" x2="{incident}" y1="8" y2="{height - 20}"/>',
    ]
    for lane, one in enumerate(report.detections):
        parts += _lane(one, _TOP + lane * _LANE, pace.begins, plan.duration_s, x, words)
    return "".join(parts) + "</svg>"


def _lane(
    one: Detection, y: int, begins: int, duration_s: float, x: Callable[[float], float], words: Words
) -> list[str]:
    title = words.title(one.title) if one.title else "|".join(one.expected.rules)
    first, last = x(one.expected.since_s), x(one.expected.by_s)
    kind = "planned" if one.alert is not None else "missed"
    parts = [
        *(f'<text x="0" y="{y + 13 + 14 * n}">{escape(line)}</text>' for n, line in enumerate(_lines(title))),
        f'<rect class="{kind}" x="{first}" y="{y}" width="{max(last - first, 2):.1f}" height="{_LANE - 8}"/>',
    ]
    if one.raised_at is not None:
        since = (one.raised_at - begins) / MICROS_PER_SECOND
        until = duration_s if one.clear_s is None else since + one.clear_s
        width = max(x(until) - x(since), 2)
        parts.append(
            f'<rect class="{one.level}" x="{x(since)}" y="{y + 5}" width="{width:.1f}" height="{_LANE - 18}"/>'
        )
    return parts


def _lines(title: str) -> list[str]:
    """A title on as many lines as a lane has; what does not fit is left out for an ellipsis."""
    text = Text(title)
    lines = [line.plain.rstrip() for line in text.wrap(Console(width=_COLUMNS), _COLUMNS)]
    if len(lines) > _LINES:
        lines[_LINES - 1] = f"{lines[_LINES - 1]}…"
    return lines[:_LINES]


def _platform(report: Report, words: Words) -> str:
    names = ("verdict", "expected", "by", "detected", "stored", "notified", "acknowledged", "escalated", "cleared")
    incident = report.exercise.plan.incident_s
    rows = [
        [
            (words(one.verdict), one.verdict),
            (words.title(one.title) if one.title else "|".join(one.expected.rules), ""),
            (words.lasting(one.expected.by_s - incident), "n"),
            (words.lasting(one.detect_s), "n"),
            (words.lasting(one.store_s), "n"),
            (words.lasting(one.notify_s), "n"),
            (_by(words.lasting(one.acknowledge_s), one.acknowledged_by), ""),
            (_by(words.lasting(one.escalate_s), one.escalated_to), ""),
            (words("closed") if one.closed_by_end else words.lasting(one.clear_s), ""),
        ]
        for one in report.detections
    ]
    return _table([words(name) for name in names], rows)


def _people(report: Report, words: Words) -> str:
    rows = [
        [
            (words(one.verdict), one.verdict),
            (f"{words(one.step.name)}: {one.step.text.of(words.language)}", ""),
            (words.lasting(one.step.within_s), "n"),
            (words.lasting(one.seconds), "n"),
            (one.by or words("nothing"), ""),
        ]
        for one in report.steps
    ]
    return _table([words(name) for name in ("verdict", "step", "within", "took", "who")], rows)


def _table(headings: list[str], rows: list[list[tuple[str, str]]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in headings)
    body = "".join(
        "<tr>" + "".join(f'<td class="{kind}">{escape(text)}</td>' for text, kind in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _by(took: str, who: str | None) -> str:
    return f"{took} ({who})" if who else took
