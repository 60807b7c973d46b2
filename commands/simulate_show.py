"""`lifeline simulate show`: what happens in a scenario, and what it states."""

import json
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from simulators.scenario import Scenario

_WORDS = {
    "when": ("when", "时间"),
    "until": ("until", "至"),
    "happens": ("what happens", "发生"),
    "must": ("must rise", "必须告警"),
    "must_not": ("must not rise", "不得告警"),
    "states": ("what it states", "判定"),
    "timeline": ("Timeline", "时间线"),
    "miss": ("known to be missed: ", "已知漏判："),
    "nothing": ("Nothing happens.", "没有任何事件。"),
    "drill": ("Drill", "演练"),
    "within": ("within", "时限"),
}


def show(
    scenario: str = typer.Argument(metavar="SCENARIO", help="A shipped scenario, or a YAML file."),
    language: str | None = typer.Option(None, help="en or zh; default LIFELINE_LANGUAGE."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Shows one scenario: its timeline, what must rise by when, what must not, and what people do in its drill.

    Example: `lifeline simulate show cloudburst-power-loss --language zh`
    """
    from rich.console import Console

    from runtime.settings import load as load_settings
    from simulators.scenario import load

    found = load(scenario)
    if as_json:
        typer.echo(json.dumps(_data(found), ensure_ascii=False, indent=1))
    else:
        _print(Console(), found, language or load_settings().language)


def _print(console: Any, found: "Scenario", language: str) -> None:  # noqa: ANN401 - rich is imported late
    from rich.markup import escape
    from rich.table import Column, Table

    from commands.simulate_list import in_hours
    from simulators.scenario_parts import Expectation
    from simulators.scenario_words import event_in_words, statement_in_words

    def word(name: str) -> str:
        return _WORDS[name][language == "zh"]

    console.print(f"[bold]{found.title.of(language)}[/]  [dim]{found.id}[/]")
    console.print(found.summary.of(language))
    console.print(f"[dim]{found.day} {found.starts.text}, {in_hours(found.duration)}[/]\n")
    if found.timeline:
        table = Table(
            word("when"),
            word("until"),
            Column(word("happens"), overflow="fold"),
            title=word("timeline"),
            title_justify="left",
        )
        for event in found.timeline:
            until = event.until.text if event.until else ""
            table.add_row(f"[cyan]{event.at.text}[/]", until, escape(event_in_words(event, language)))
        console.print(table)
    else:
        console.print(word("nothing"))
    table = Table("", Column(word("states"), overflow="fold"))
    for one in found.statements:
        must = isinstance(one, Expectation)
        text = escape(statement_in_words(one, language))
        if one.miss:
            text += f"\n[yellow]{word('miss')}{escape(one.miss.of(language))}[/]"
        table.add_row(f"[green]{word('must')}[/]" if must else f"[red]{word('must_not')}[/]", text)
    console.print(table)
    if found.drill:
        table = Table(word("within"), "", word("drill"))
        for step in found.drill:
            table.add_row(f"{step.within / 60:g} min", step.step, escape(step.text.of(language)))
        console.print(table)


def _data(found: "Scenario") -> dict[str, object]:
    from simulators.scenario_parts import Expectation
    from simulators.scenario_words import statement_in_words

    begin = found.begin()
    return {
        "id": found.id,
        "title": found.title.model_dump(),
        "summary": found.summary.model_dump(),
        "begins": begin,
        "duration_s": found.duration,
        "sampling_s": found.sampling,
        "networks": list(found.networks),
        "timeline": [
            {
                "event": one.kind,
                "target": one.target,
                "observed": one.observed,
                "begins_s": (one.since - begin) / 1e6,
                "ends_s": None if one.until is None else (one.until - begin) / 1e6,
                **one.parameters,
            }
            for one in found.happenings(begin)
        ],
        "statements": [
            {
                "must": isinstance(one, Expectation),
                "en": statement_in_words(one, "en"),
                "zh": statement_in_words(one, "zh"),
                "miss": one.miss.model_dump() if one.miss else None,
            }
            for one in found.statements
        ],
        "drill": [one.model_dump() for one in found.drill],
    }
