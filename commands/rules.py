"""`lifeline rules`: run the engine, check and list its catalogue."""

import json
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from commands.backtest import backtest
from commands.rules_test import run_tests
from commands.rules_words import COLOURS, condition_of, evidence_of, watched_by
from rules.rule import Rule

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="The rules engine: run it, check and list its catalogue.",
)


@app.command()
def run() -> None:
    """Follows the stored observations and raises, moves and clears alerts, until it is stopped.

    Any number of these processes may run: one leads, the others stand by and take over when it dies. Rules come from
    LIFELINE_RULES_DIR, or from the shipped catalogue.

    Example: `LIFELINE_DATABASE_URL=postgresql://lifeline@db/lifeline lifeline rules run`
    """
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
        ),
        Folder(settings.rules_dir),
        stop=stop,
    )
    health = HealthServer(settings.metrics_host, settings.metrics_port, engine.readiness)
    health.start()
    try:
        engine.run()
    finally:
        health.stop()


app.command("test")(run_tests)
app.command()(backtest)

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
        rules = _rules(folder)
    except ConfigurationError as exc:
        if not as_json:
            raise
        typer.echo(json.dumps({"rules": 0, "problems": exc.problems}, ensure_ascii=False))
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(json.dumps({"rules": len(rules), "problems": []}))
        return
    networks = sorted({rule.network for rule in rules})
    table = Table("network", "rules", "verified", "secondary", "unverified")
    for network in networks:
        evidence = [word for rule in rules if rule.network == network for word in evidence_of(rule)]
        table.add_row(
            network,
            str(sum(1 for rule in rules if rule.network == network)),
            *(str(evidence.count(word)) for word in ("verified", "secondary", "unverified")),
        )
    console = Console()
    console.print(table)
    console.print(f"{len(rules)} rules can be used; the last three columns count the evidence of their limits.")


@app.command("list")
def list_(
    folder: Path | None = _FOLDER,
    as_json: bool = typer.Option(False, "--json", help="Print a JSON array."),
) -> None:
    """Lists the rules of a catalogue.

    Example: `lifeline rules list --json | jq '.[].id'`
    """
    rules = _rules(folder)
    if as_json:
        typer.echo(json.dumps([_as_data(rule) for rule in rules], ensure_ascii=False))
        return
    table = Table("rule", "network", "kind", "levels", "watches", "when")
    for column in table.columns:
        column.overflow = "fold"
    for rule in rules:
        levels = " ".join(f"[{COLOURS[level.label]}]{level.label}[/]" for level in rule.levels)
        table.add_row(rule.id, rule.network, rule.kind.value, levels, watched_by(rule), condition_of(rule))
    Console().print(table)


def _rules(folder: Path | None) -> tuple[Rule, ...]:
    from rules.load import load as load_rules
    from runtime.settings import load

    return load_rules(folder or load().rules_dir)


def _as_data(rule: Rule) -> dict[str, Any]:
    data = rule.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {**data, "levels": [level.label for level in rule.levels]}
