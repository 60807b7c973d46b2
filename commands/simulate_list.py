"""`lifeline simulate list`: the scenarios that come with the package."""

import json
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from simulators.scenario import Scenario


def listing(
    language: str | None = typer.Option(None, help="en or zh; default LIFELINE_LANGUAGE."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON: an array."),
) -> None:
    """Lists the scenarios: what each is about, how long it lasts, what it states.

    Example: `lifeline simulate list --json`
    """
    from rich.console import Console
    from rich.table import Column, Table

    from runtime.settings import load as load_settings
    from simulators.scenario import load, shipped

    found = [load(name) for name in shipped()]
    if as_json:
        typer.echo(json.dumps([_row(scenario) for scenario in found], ensure_ascii=False, indent=1))
        return
    language = language or load_settings().language
    zh = language == "zh"
    heads = ("情景", "内容", "开始", "时长", "事件", "必须", "不得") if zh else _HEAD
    table = Table(*(Column(head, overflow="fold") for head in heads))
    for one in found:
        table.add_row(
            f"[bold]{one.id}[/]",
            one.title.of(language),
            one.starts.text,
            in_hours(one.duration),
            str(len(one.timeline)),
            f"[green]{len(one.expect)}[/]",
            f"[red]{len(one.must_not)}[/]",
        )
    console = Console()
    console.print(table)
    states = sum(len(one.statements) for one in found)
    console.print(f"{len(found)}个情景，{states}条判定" if zh else f"{len(found)} scenarios, {states} statements.")


_HEAD = ("scenario", "what happens", "begins", "lasts", "events", "must rise", "must not")


def in_hours(seconds: int) -> str:
    """A length of time such as 6 h or 14 d."""
    return f"{seconds // 86_400} d" if seconds % 86_400 == 0 else f"{seconds / 3600:g} h"


def _row(scenario: "Scenario") -> dict[str, object]:
    return {
        "id": scenario.id,
        "title": scenario.title.model_dump(),
        "summary": scenario.summary.model_dump(),
        "starts": scenario.starts.text,
        "duration_s": scenario.duration,
        "sampling_s": scenario.sampling,
        "networks": list(scenario.networks),
        "events": len(scenario.timeline),
        "must_rise": len(scenario.expect),
        "must_not_rise": len(scenario.must_not),
        "drill": bool(scenario.drill),
    }
