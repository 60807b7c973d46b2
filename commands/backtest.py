"""`lifeline rules backtest`: rules over a period that is over, and how they differ from others."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from commands.rules_words import COLOURS

if TYPE_CHECKING:
    from rules.backtest import Outcome
    from rules.history import Episode
    from rules.load import Catalogue
    from rules.material import Material
    from rules.report import Report
    from runtime.settings import Settings

#: Lines of alerts in the terminal.
_SHOWN = 40
_ZONED = ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"]


def backtest(
    rules: Path | None = typer.Option(
        None, metavar="DIR", help="Folder of the catalogue; default: LIFELINE_RULES_DIR, or the shipped one."
    ),
    against: Path | None = typer.Option(
        None, metavar="DIR", help="A second catalogue, to show the difference from; `shipped` is the shipped one."
    ),
    begin: datetime | None = typer.Option(None, "--from", formats=_ZONED, help="Begin in stored history (with zone)."),
    end: datetime | None = typer.Option(None, "--to", formats=_ZONED, help="End in stored history (with zone)."),
    feed: str | None = typer.Option(
        None, help="A recorded feed instead: its descriptor, or county:1d for a made day of the demo county."
    ),
    data: Path | None = typer.Option(None, help="Folder of the feed's recordings."),
    files: str | None = typer.Option(None, help="Pattern of the feed's files, instead of the descriptor's."),
    rule: str | None = typer.Option(None, "--rule", metavar="ID", help="Show and report only this rule."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
    csv: Path | None = typer.Option(None, metavar="FILE", help="Write the alerts as CSV."),
    html: Path | None = typer.Option(None, metavar="FILE", help="Write a report with charts, one file for a browser."),
    language: str | None = typer.Option(None, help="Language of the report: en or zh; default LIFELINE_LANGUAGE."),
) -> None:
    """Runs rules over stored history or a recorded feed, by the very engine that runs live, and shows what they raise.

    Nothing is stored and nobody is told. The same input and rules give the same output, byte by byte.

    Example: `lifeline rules backtest --rules ./our-rules --against ./in-force --feed county:1d --html report.html`
    """
    from rules.report import as_csv, as_data, make
    from rules.report_page import page
    from runtime.settings import load

    settings = load()
    language = language or settings.language
    with _material(settings, begin, end, feed, data, files) as (material, known, networks):
        folders = [rules] if against is None else [rules, against]
        sets = [_load(folder, settings, known, networks) for folder in folders]
        outcomes = [_only(outcome, rule) for outcome in _run(sets, material, ZoneInfo(settings.zone))]
        report = make(material, *outcomes)
    if csv is not None:
        csv.write_text(as_csv(report), encoding="utf-8", newline="")
    if html is not None:
        html.write_text(page(report, language=language, zone=settings.zone), encoding="utf-8", newline="")
    if as_json:
        typer.echo(json.dumps(as_data(report), ensure_ascii=False, indent=1))
    else:
        _show(Console(), report, language, settings.zone)
    if any(outcome.failures for outcome in outcomes):
        raise typer.Exit(1)


@contextmanager
def _material(
    settings: "Settings",
    begin: datetime | None,
    end: datetime | None,
    feed: str | None,
    data: Path | None,
    files: str | None,
) -> Iterator[tuple["Material", Any, Any]]:
    """What the backtest runs on, with the properties and networks that rules may name (None: the shipped ones)."""
    from domain.errors import ConfigurationError
    from domain.times import from_datetime

    if feed is not None and (begin or end):
        raise ConfigurationError("two sources", ["give --feed, or --from and --to, not both"])
    if feed is not None:
        from commands.county_feed import county_material, is_county
        from commands.feed_material import feed_material, vocabulary

        if is_county(feed):
            yield county_material(feed), None, None
        else:
            descriptor = Path(feed)
            folders = [data] if data else [descriptor.parent, settings.recordings_dir]
            yield feed_material(descriptor, folders, files=files), vocabulary(descriptor), None
        return
    if begin is None or end is None:
        raise ConfigurationError(
            "no period", ["give --from and --to, such as 2026-05-01T00:00:00+08:00, or --feed county:1d"]
        )
    from rules.stored import StoredMaterial
    from storage.database import connect
    from storage.watched import read_watched

    with connect(
        settings.database_url.get_secret_value(), application="backtest", statement_timeout_s=600
    ) as connection:
        registry = read_watched(connection)
        material = StoredMaterial.of(connection, registry, from_datetime(begin), from_datetime(end))
        yield material, registry.properties, registry.networks


def _load(folder: Path | None, settings: "Settings", known: Any, networks: Any) -> "Catalogue":  # noqa: ANN401
    from rules.load import SHIPPED, load_catalogue

    if folder == Path("shipped"):
        folder = SHIPPED
    options = {} if networks is None else {"networks": networks}
    return load_catalogue(folder or settings.rules_dir, known=known, **options)


def _run(sets: "list[Catalogue]", material: "Material", zone: ZoneInfo) -> "list[Outcome]":
    from rules.backtest import backtest as run

    screen = Console(stderr=True)
    found = []
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=screen,
        transient=True,
        disable=not screen.is_terminal,
    ) as bar:
        for number, catalogue in enumerate(sets):
            task = bar.add_task("compared with" if number else "rules", total=1.0)
            found.append(run(catalogue, material, partial(_move, bar, task), zone=zone))
    return found


def _move(bar: Progress, task: TaskID, share: float) -> None:
    bar.update(task, completed=share)


def _only(outcome: "Outcome", rule: str | None) -> "Outcome":
    from dataclasses import replace

    if rule is None:
        return outcome
    return replace(
        outcome,
        episodes=tuple(e for e in outcome.episodes if e.rule == rule),
        held=tuple(e for e in outcome.held if e.rule == rule),
    )


def _show(console: Console, report: "Report", language: str, zone: str) -> None:
    from rules.report import fates
    from rules.report_words import Words

    words = Words(language, zone)
    outcome = report.outcome
    told = list(fates(report))
    interesting = [pair for pair in told if pair[1] != "same"]
    table = Table(words("raised"), words("lasting"), words("level"), words("rule"), words("where"))
    if report.difference is not None:
        table.add_column(words("difference"))
    for episode, fate in interesting[:_SHOWN]:
        table.add_row(*_row(episode, words), *([words(fate)] if fate else []))
    if interesting:
        console.print(table)
    if len(interesting) > _SHOWN:
        console.print(f"… {len(interesting) - _SHOWN} more: --json, --csv or --html has them all.")
    console.print(_kpi_table(report, words))
    for rule, text in outcome.failures:
        console.print(f"[red]{rule} failed: {text}[/]", highlight=False)
    console.print(
        f"{report.title}: {outcome.observations:,} observations, {len(outcome.rules)} rules, "
        f"{len(outcome.episodes):,} alerts, {len(outcome.held):,} held back by a cause."
    )
    if report.difference is not None and report.against is not None:
        found = report.difference
        console.print(
            f"Against {len(report.against.rules)} rules with {len(report.against.episodes):,} alerts: "
            f"{len(found.new):,} new, {len(found.lost):,} lost, {len(found.moved):,} moved, {found.same:,} the same."
        )


def _row(episode: "Episode", words: Any) -> tuple[str, ...]:  # noqa: ANN401
    colour = COLOURS[episode.worst.label]
    lasting = words("still") if episode.cleared_at is None else words.lasting(episode.cleared_at - episode.raised_at)
    return (
        words.moment(episode.raised_at),
        lasting,
        f"[{colour}]{words.level(episode.worst)}[/]",
        episode.rule,
        episode.device or episode.asset or episode.area,
    )


def _kpi_table(report: "Report", words: Any) -> Table:  # noqa: ANN401
    before = {figure.name: figure.value for figure in report.figures_against}
    table = Table(words("figure"), words("value"), box=None, padding=(0, 2))
    if before:
        table.add_column(words("before"))
    table.add_column(words("target"))
    for figure in report.figures:
        colour = {"good": "green", "tolerable": "dark_orange", "bad": "red"}.get(figure.verdict.value, "default")
        old = [_amount(before[figure.name], figure.unit)] if before else []
        table.add_row(
            words(figure.name), f"[{colour}]{_amount(figure.value, figure.unit)}[/]", *old, words.target(figure.target)
        )
    return table


def _amount(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:.4g}{'' if unit == '1' else ' ' + unit}"
