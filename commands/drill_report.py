"""The after-action report on a terminal, and as JSON."""

from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from commands.drill_words import Words
from domain.after_action import Detection, Report, StepResult, Verdict
from domain.times import isoformat

_STYLES: dict[Verdict, str] = {"met": "green", "late": "yellow", "open": "dim", "missed": "bold red"}


def document(report: Report) -> dict[str, Any]:
    """The report as JSON takes it; instants are RFC 3339."""
    exercise = report.exercise
    return {
        "exercise": exercise.id,
        "title": asdict(exercise.title),
        "scenario": exercise.scenario,
        "scale": exercise.scale,
        "seed": exercise.seed,
        "speed": None if exercise.pace is None else exercise.pace.speed,
        "started_by": exercise.started_by,
        "started_at": isoformat(exercise.started_at),
        "ended_at": _instant(exercise.ended_at),
        "incident_at": _instant(report.incident_at),
        "passed": report.passed,
        "missed": report.missed,
        "late": report.late,
        "detections": [_detection(one, exercise.plan.incident_s) for one in report.detections],
        "steps": [_step(one) for one in report.steps],
        "alerts": report.alerts,
        "announced": report.announced,
        "unexpected": [{"alert": one.id, "rule": one.rule, "title": asdict(one.title)} for one in report.others],
    }


def _detection(one: Detection, incident_s: float) -> dict[str, Any]:
    shown = asdict(one)
    expected = shown.pop("expected")
    return {
        "rules": list(expected["rules"]),
        "on": list(expected["on"]),
        "expected_level": expected["level"],
        "expected_by_s": expected["by_s"] - incident_s,
        **shown,
        "raised_at": _instant(one.raised_at),
    }


def _step(one: StepResult) -> dict[str, Any]:
    return {
        "step": one.step.name,
        "text": asdict(one.step.text),
        "within_s": one.step.within_s,
        "verdict": one.verdict,
        "alert": one.alert,
        "seconds": one.seconds,
        "by": one.by,
    }


def _instant(micros: int | None) -> str | None:
    return None if micros is None else isoformat(micros)


def rendered(report: Report, language: str, zone: str = "Asia/Shanghai") -> RenderableType:
    """The report for a terminal."""
    words = Words(language, zone)
    exercise = report.exercise
    verdict = outcome(report, words)
    parts: list[RenderableType] = [
        Panel(Text(words("banner"), style="bold white on magenta"), style="magenta", expand=False),
        Text(f"{words('report')} · {words('exercise')} {exercise.id} · {exercise.title.of(language)}", style="bold"),
        Text(
            f"{words('held_by')} {exercise.started_by}, {words.moment(exercise.started_at)} – "
            f"{words('running') if exercise.running else words.moment(exercise.ended_at)}"
        ),
        detections(report, words),
        steps(report, words),
        Text(words("clocks"), style="dim"),
        Text(words("counts", alerts=report.alerts, announced=report.announced)),
    ]
    if report.others:
        names = sorted({words.title(one.title) for one in report.others})
        parts.append(Text(f"{words('others')}: {'; '.join(names)}", style="dim"))
    parts.append(Text(verdict, style="bold green" if report.passed else "bold red"))
    return Group(*parts)


def detections(report: Report, words: Words) -> Table:
    """What the platform did."""
    table = Table(title=words("platform"), title_justify="left")
    for name in ("verdict", "expected", "by", "detected", "stored", "notified", "cleared"):
        table.add_column(words(name), no_wrap=name != "expected")
    for one in report.detections:
        title = words.title(one.title) if one.title else "|".join(one.expected.rules)
        table.add_row(
            verdict(one.verdict, words),
            "\n".join((title, *_people(one, words))),
            words.lasting(one.expected.by_s - report.exercise.plan.incident_s),
            words.lasting(one.detect_s),
            words.lasting(one.store_s),
            words.lasting(one.notify_s),
            words("closed") if one.closed_by_end else words.lasting(one.clear_s),
        )
    return table


def steps(report: Report, words: Words) -> Table:
    """What people did."""
    table = Table(title=words("people"), title_justify="left")
    for name in ("verdict", "step", "within", "took", "who"):
        table.add_column(words(name))
    for one in report.steps:
        table.add_row(
            verdict(one.verdict, words),
            f"{words(one.step.name)}: {one.step.text.of(words.language)}",
            words.lasting(one.step.within_s),
            words.lasting(one.seconds),
            one.by or words("nothing"),
        )
    return table


def outcome(report: Report, words: Words) -> str:
    """The report in one sentence."""
    if report.exercise.running:
        return words("so_far", open=report.verdicts.count("open"))
    return words("passed") if report.passed else words("failed", missed=report.missed, late=report.late)


def verdict(found: Verdict, words: Words) -> Text:
    """A verdict in its colour."""
    return Text(words(found), style=_STYLES[found])


def _people(one: Detection, words: Words) -> list[str]:
    """Who took it and who was told above, if anybody."""
    done = (("acknowledged", one.acknowledge_s, one.acknowledged_by), ("escalated", one.escalate_s, one.escalated_to))
    return [f"{words(name)}: {words.lasting(took)} ({who})" for name, took, who in done if took is not None]
