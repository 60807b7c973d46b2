"""`lifeline simulate score`: scenarios through the rules, and whether what they state held."""

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from commands.scenario_score import Score
    from simulators.scenario_verdicts import Alarm, Verdict

#: The least share of statements that must hold.
LEAST_HELD = 0.95
_WORDS = {
    "scenario": ("scenario", "情景"),
    "rule": ("statement", "判定"),
    "verdict": ("", ""),
    "delay": ("delay", "延时"),
    "detected": ("detected", "已告警"),
    "quiet": ("quiet", "未误报"),
    "missed": ("missed", "漏判"),
    "false": ("false alarms", "误报"),
    "explained": ("explained", "已说明"),
}


def score(
    scenarios: list[str] | None = typer.Argument(
        None, metavar="[SCENARIO]...", help="Shipped scenarios, or YAML files."
    ),
    every: bool = typer.Option(False, "--all", help="All scenarios that come with the package."),
    scale: str = typer.Option("test", help="test (about 50 assets) or town (about 400)."),
    seed: int = typer.Option(1, min=0, help="Of the town and of all randomness."),
    rules: Path | None = typer.Option(
        None, metavar="DIR", help="Folder of the catalogue; default: the one in force here."
    ),
    workers: int = typer.Option(2, min=1, help="Processes at the same time."),
    language: str | None = typer.Option(None, help="en or zh; default LIFELINE_LANGUAGE."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON: statements, held, misses, and every scenario."),
    markdown: Path | None = typer.Option(
        None, metavar="PAGE", help="Write the tables into this page, docs/scenarios.md."
    ),
) -> None:
    """Runs scenarios through the rules that run live: was everything told in time, and did anything rise that must not.

    Exit status: 0 if at least 95 % of the statements held and the scenario explains every miss; else 1.

    Example: `lifeline simulate score cloudburst-power-loss`, or `lifeline simulate score --all --json`
    """
    from commands.scenario_score import Setting
    from domain.errors import ConfigurationError
    from runtime.settings import load as load_settings
    from simulators.scenario import shipped

    settings = load_settings()
    if every == bool(scenarios):
        raise ConfigurationError("what to score", ["name scenarios, or say --all; `lifeline simulate list` shows them"])
    if scale not in ("test", "town"):
        raise ConfigurationError(f"scale {scale!r}", ["write test or town"])
    setting = Setting(scale="town" if scale == "town" else "test", seed=seed, rules=rules or settings.rules_dir)
    found = _run(list(shipped()) if every else list(dict.fromkeys(scenarios or ())), setting, workers)
    if as_json:
        typer.echo(json.dumps(as_data(found, scale=scale, seed=seed), ensure_ascii=False, indent=1))
    else:
        _print(found, language or settings.language)
    if markdown is not None:
        from commands.scenario_page import write

        write(markdown, found)
    if not passed(found):
        raise typer.Exit(1)


def passed(found: "list[Score]") -> bool:
    """Whether enough held, every miss is explained, and no rule failed."""
    verdicts = [one for own in found for one in own.judgement.verdicts]
    held = sum(one.held for one in verdicts)
    explained = all(one.held or one.explained for one in verdicts)
    return held >= LEAST_HELD * len(verdicts) and explained and not any(own.failures for own in found)


def as_data(found: "list[Score]", *, scale: str, seed: int) -> dict[str, Any]:
    """Everything for programs."""
    verdicts = [one for own in found for one in own.judgement.verdicts]
    return {
        "scale": scale,
        "seed": seed,
        "statements": len(verdicts),
        "held": sum(one.held for one in verdicts),
        "misses": [
            {
                "scenario": own.scenario.id,
                "statement": _statement(one),
                "reason": reason_of(one),
                "explanation": one.statement.miss.model_dump() if one.statement.miss else None,
            }
            for own in found
            for one in own.judgement.misses
        ],
        "false_alarms": sum(len(own.judgement.false_alarms) for own in found),
        "scenarios": [_scenario(own) for own in found],
    }


def reason_of(own: "Verdict") -> str:
    """Why a statement is missed, in a few words."""
    from simulators.scenario_parts import Expectation
    from simulators.scenario_times import clock

    if not isinstance(own.statement, Expectation):
        kinds = Counter(f"{a.rule} at {_where(a)}" for a in own.alarms)
        names = [f"{name}{f' ({count} times)' if count > 1 else ''}" for name, count in kinds.most_common(3)]
        first = min(a.told_at or a.raised_at for a in own.alarms)
        return f"{len(own.alarms)} announced from {clock(first)}: {', '.join(names)}{', …' if len(kinds) > 3 else ''}"
    if own.told_at is not None:
        return f"announced too late, at {clock(own.told_at)}"
    back = [a for a in own.alarms if a.told_at is None]
    if own.alarms and len(back) == len(own.alarms):
        return f"held back by {back[0].held_by}"
    return "announced before its time or not at this level" if own.alarms else "never raised"


def _where(alarm: "Alarm") -> str:
    return alarm.device or alarm.asset or alarm.area


def _statement(own: "Verdict") -> dict[str, str]:
    from simulators.scenario_words import statement_in_words

    return {language: statement_in_words(own.statement, language) for language in ("en", "zh")}


def _scenario(own: "Score") -> dict[str, Any]:
    from domain.times import isoformat
    from simulators.scenario_parts import Expectation

    judged = own.judgement
    return {
        "id": own.scenario.id,
        "begin": isoformat(own.begin),
        "statements": [
            {
                "must": isinstance(one.statement, Expectation),
                **_statement(one),
                "held": one.held,
                "told_at": None if one.told_at is None else isoformat(one.told_at),
                "delay_s": one.delay_s,
            }
            for one in judged.verdicts
        ],
        "false_alarms": [_alarm(a) for a in judged.false_alarms],
        "further": [_alarm(a) for a in judged.further],
        "announced": len(judged.told),
        "held_back": len(judged.held_back),
        "stored": own.stored,
        "duplicates": own.duplicates,
        "refused": own.refused,
        "lost": own.lost,
        "failures": list(own.failures),
        "seconds": round(own.seconds, 2),
    }


def _alarm(own: "Alarm") -> dict[str, Any]:
    from domain.times import isoformat

    return {
        "rule": own.rule,
        "where": _where(own),
        "level": min(level for _, level in own.levels).label,
        "raised_at": isoformat(own.raised_at),
        "told_at": None if own.told_at is None else isoformat(own.told_at),
        "withdrawn": own.withdrawn,
        "title": {"en": own.title_en, "zh": own.title_zh},
    }


def _run(names: list[str], setting: Any, workers: int) -> "list[Score]":  # noqa: ANN401 - imported late
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from commands.scenario_score import score as run

    screen = Console(stderr=True)
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task("scenarios", total=len(names))

        def ended(own: "Score") -> None:
            bar.update(task, advance=1, description=own.scenario.id)

        return run(names, setting, workers=min(workers, len(names)), progress=ended)


def _print(found: "list[Score]", language: str) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Column, Table

    from commands.scenario_page import in_minutes
    from simulators.scenario_words import statement_in_words

    def word(name: str) -> str:
        return _WORDS[name][language == "zh"]

    console = Console()
    table = Table(
        Column(word("scenario"), overflow="fold"),
        Column(word("rule"), overflow="fold", ratio=1),
        Column("", no_wrap=True),
        Column(word("delay"), justify="right", no_wrap=True),
    )
    for own in found:
        judged = own.judgement
        for place, one in enumerate(judged.verdicts):
            text = escape(statement_in_words(one.statement, language))
            if not one.held:
                text += f"\n[yellow]{escape(reason_of(one))}[/]"
            if not one.held and one.statement.miss:
                text += f"\n[dim]{word('explained')}: {escape(one.statement.miss.of(language))}[/]"
            delay = "" if one.delay_s is None else in_minutes(one.delay_s)
            table.add_row(own.scenario.id if place == 0 else "", text, _mark(one, word), delay)
        table.add_section()
    console.print(table)
    for own in found:
        for failure in own.failures:
            console.print(f"[red]{own.scenario.id}: {escape(failure)}[/]")
    verdicts = [one for own in found for one in own.judgement.verdicts]
    held, false = sum(one.held for one in verdicts), sum(len(own.judgement.false_alarms) for own in found)
    share = 100 * held / max(1, len(verdicts))
    colour = "green" if passed(found) else "red"
    if language == "zh":
        summary = f"{len(found)}个情景：{len(verdicts)}条判定中{held}条成立（{share:.1f}%），误报{false}条。"
    else:
        summary = (
            f"{len(found)} scenarios: {held} of {len(verdicts)} statements held ({share:.1f} %), {false} false alarms."
        )
    console.print(f"[{colour}]{summary}[/]", highlight=False)


def _mark(own: "Verdict", word: Any) -> str:  # noqa: ANN401 - a function of this module
    from simulators.scenario_parts import Expectation

    must = isinstance(own.statement, Expectation)
    if own.held:
        return f"[green]✓ {word('detected' if must else 'quiet')}[/]"
    return f"[red]✗ {word('missed') if must else str(len(own.alarms)) + ' ' + word('false')}[/]"
