"""`lifeline rules`: run the engine; check, list, show, test and backtest its catalogue."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table

from commands.backtest import backtest
from commands.rules_copy import copy
from commands.rules_jobs import jobs
from commands.rules_show import show
from commands.rules_test import run_tests
from commands.rules_words import COLOURS, condition_of, evidence_of, watched_by
from rules.rule import Rule

if TYPE_CHECKING:
    from rules.load import Catalogue

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="The rules engine: run it; check, list, test and backtest its catalogue.",
)


@app.command()
def run() -> None:
    """Follows the stored observations and raises, moves and clears alerts, until it is stopped.

    Any number of these processes may run: one leads, the others stand by and take over when it dies. Rules come from
    LIFELINE_RULES_DIR, or from the shipped catalogue.

    Example: `LIFELINE_DATABASE_URL=postgresql://lifeline@db/lifeline lifeline rules run`
    """
    from zoneinfo import ZoneInfo

    from commands.rules_jobs import runner_beside
    from rules.engine import Engine, EngineOptions
    from rules.shelf import Folder
    from runtime.health import HealthServer
    from runtime.logs import configure
    from runtime.process import end_with_threads, stop_on_signals
    from runtime.settings import load
    from storage.retention import Retention

    settings = load()
    configure("rules", settings)
    end_with_threads()
    stop = stop_on_signals()
    engine = Engine(
        EngineOptions(
            database_url=settings.database_url.get_secret_value(),
            statement_timeout_s=settings.statement_timeout_s,
            tick_s=settings.rules_tick_ms / 1000,
            poll_s=settings.rules_poll_ms / 1000,
            retention=Retention(
                journal_s=settings.journal_retention_s,
                observations_s=settings.retention_s,
                dead_letters_s=settings.dead_letter_retention_s,
            ),
            zone=ZoneInfo(settings.zone),
            # A day more than ingest takes late data.
            horizon_s=settings.lateness_s + 86_400,
        ),
        Folder(settings.rules_dir),
        stop=stop,
    )
    health = HealthServer(settings.metrics_host, settings.metrics_port, engine.readiness)
    health.start()
    try:
        with runner_beside():
            engine.run()
    finally:
        health.stop()


app.command("test")(run_tests)
app.command()(backtest)
app.command()(show)
app.command()(copy)
app.command(hidden=True)(jobs)

_FOLDER = typer.Argument(None, help="Folder of the catalogue; default: LIFELINE_RULES_DIR, or the shipped one.")


@app.command()
def check(
    folder: Path | None = _FOLDER,
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Checks every file of a catalogue and reports all problems at once, each with its line and what to do.

    Exit status 0 if the catalogue can be used, 2 if it cannot.

    Example: `lifeline rules check ./our-rules`
    """
    from domain.errors import ConfigurationError

    try:
        catalogue = _catalogue(folder)
    except ConfigurationError as exc:
        if not as_json:
            raise
        typer.echo(json.dumps({"rules": 0, "overrides": 0, "problems": exc.problems}, ensure_ascii=False))
        raise typer.Exit(2) from None
    rules, overrides = catalogue.rules, catalogue.overrides
    if as_json:
        typer.echo(json.dumps({"rules": len(rules), "overrides": len(overrides), "problems": []}))
        return
    table = Table("network", "rules", *_KINDS, *_EVIDENCE, show_footer=True)
    for column in table.columns[1:]:
        column.justify = "right"
    rows = [(network, _counts([r for r in rules if r.network == network])) for network in _networks(rules)]
    for network, counts in rows:
        table.add_row(network, *map(str, counts))
    for column, total in zip(table.columns, ["all", *map(str, _counts(rules))], strict=True):
        column.footer = total
    console = Console()
    console.print(table)
    off = sum(not rule.enabled for rule in rules)
    console.print(
        f"{len(rules)} rules can be used ({off} of them not enabled), {len(overrides)} overrides. "
        "The last three columns count the evidence of their limits."
    )


_KINDS = ("safety", "resilience", "equipment")
_EVIDENCE = ("verified", "secondary", "unverified")


def _counts(rules: Sequence[Rule]) -> list[int]:
    evidence = [word for rule in rules for word in evidence_of(rule)]
    kinds = [rule.kind.value for rule in rules]
    return [len(rules), *(kinds.count(kind) for kind in _KINDS), *(evidence.count(word) for word in _EVIDENCE)]


def _networks(rules: Sequence[Rule]) -> list[str]:
    return sorted({rule.network for rule in rules})


@app.command("list")
def list_(
    folder: Path | None = _FOLDER,
    network: str | None = typer.Option(None, help="Only the rules of this network."),
    as_json: bool = typer.Option(False, "--json", help="Print a JSON array."),
) -> None:
    """Lists the rules of a catalogue by network.

    Example: `lifeline rules list --json | jq '.[].id'`
    """
    rules = [rule for rule in _catalogue(folder).rules if network in {None, rule.network}]
    if as_json:
        typer.echo(json.dumps([_as_data(rule) for rule in rules], ensure_ascii=False))
        return
    console = Console()
    widest = max((len(rule.id) for rule in rules), default=0)
    for name in _networks(rules):
        own = [rule for rule in rules if rule.network == name]
        table = Table(title=f"{name}: {len(own)}", title_justify="left", title_style="bold", expand=True)
        table.add_column("rule", min_width=widest, no_wrap=True)
        table.add_column("levels", min_width=7)
        table.add_column("raises when", ratio=1, overflow="fold")
        for rule in own:
            table.add_row(_name_of(rule), _levels(rule), f"{watched_by(rule)}\n[dim]{condition_of(rule)}[/]")
        console.print(table)
    console.print(f"{len(rules)} rules. `lifeline rules show ID` tells everything about one.")


def _name_of(rule: Rule) -> str:
    off = "" if rule.enabled else " [red]off[/]"
    kind = rule.kind.value if rule.class_ == "alarm" else f"{rule.kind.value}, {rule.class_}"
    return f"{rule.id}{off}\n[dim]{kind}[/]"


def _levels(rule: Rule) -> str:
    """The levels as coloured letters, the worst first: four of them stand in four columns."""
    return " ".join(f"[{COLOURS[level.label]}]{level.label[0].upper()}[/]" for level in rule.levels)


def _catalogue(folder: Path | None) -> "Catalogue":
    from rules.load import load_catalogue
    from runtime.settings import load

    return load_catalogue(folder or load().rules_dir)


def _as_data(rule: Rule) -> dict[str, Any]:
    data = rule.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {**data, "levels": [level.label for level in rule.levels]}
