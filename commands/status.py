"""`lifeline status`: how everything is, as a table and as JSON."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from domain.condition import LAG_LIMIT_S, OUTBOX_LIMIT_S, Condition, RunningExercise, problems

_LEVEL_STYLES = {"red": "bold white on red", "orange": "black on dark_orange", "yellow": "black on yellow"}
_LEVEL_STYLES["blue"] = "white on blue"


def status(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Shows counters, lag, alerts, notifications and devices.

    Exit status 1 when something of the platform is wrong (ingest not connected or behind, counters that do not balance,
    a follower behind, people not told), 2 when the database cannot be read. Alerts are not wrong: they are its work.

    Example: `lifeline status --json`
    """
    from domain.errors import LifelineError
    from runtime.settings import load
    from storage.database import connect
    from storage.status import condition

    settings = load()
    try:
        with connect(settings.database_url.get_secret_value(), application="status") as connection:
            found = condition(connection)
    except LifelineError as exc:
        typer.echo(f"lifeline status: {exc}", err=True)
        raise typer.Exit(2) from None
    wrong = problems(found)
    if as_json:
        typer.echo(json.dumps(_json(found, wrong), ensure_ascii=False))
    else:
        Console().print(rendered(found, wrong))
    raise typer.Exit(1 if wrong else 0)


def _json(found: Condition, wrong: list[str]) -> dict[str, object]:
    document = asdict(found)
    for entry, partition in zip(document["partitions"], found.partitions, strict=True):
        entry["balanced"] = partition.balanced
    return {"ok": not wrong, "problems": wrong, **document}


def rendered(found: Condition, wrong: list[str]) -> RenderableType:
    """The condition as tables, what is wrong in red at the end."""
    parts: list[RenderableType] = [_database(found)]
    if found.schema_current:
        parts += [_partitions(found), _followers(found), _catalogue(found)]
        parts += [_alerts(found), _deliveries(found), _devices(found)]
        parts += [_exercise(one) for one in found.exercises]
    parts += [Text(f"✗ {line}", style="bold red") for line in wrong]
    if not wrong:
        parts.append(Text("✓ all is well", style="bold green"))
    return Group(*parts)


def _seconds(value: float | None, limit: float) -> Text:
    if value is None:
        return Text("never", style="red")
    return Text(f"{value:.1f} s", style="red" if value > limit else "green")


def _yes(value: bool) -> Text:
    return Text("yes", style="green") if value else Text("no", style="bold red")


def _database(found: Condition) -> Table:
    table = Table("server", "level", "schema", title="Database", title_justify="left")
    schema = Text("current", style="green") if found.schema_current else Text("migrations missing", style="bold red")
    table.add_row(f"PostgreSQL {found.server}", found.level, schema)
    return table


def _partitions(found: Condition) -> Table:
    table = Table(
        "partition", "connected", "lag", "received", "stored", "duplicates", "conflicts", "rejected", "balance",
        title="Ingest", title_justify="left",
    )  # fmt: skip
    for p in found.partitions:
        alive = p.connected and p.heartbeat_age_s <= LAG_LIMIT_S
        counts = (f"{n:,}" for n in (p.received, p.stored, p.duplicates, p.conflicts, p.rejected))
        table.add_row(p.partition, _yes(alive), _seconds(p.lag_s, LAG_LIMIT_S), *counts, _yes(p.balanced))
    return table


def _followers(found: Condition) -> Table:
    table = Table("follower", "partition", "batches behind", "lag", title="Journal", title_justify="left")
    for f in found.followers:
        table.add_row(f.follower, f.partition, f"{f.behind:,}", _seconds(f.lag_s, LAG_LIMIT_S))
    return table


def _catalogue(found: Condition) -> Table:
    table = Table("rules", "digest", "newest", title="Catalogue of rules", title_justify="left")
    held = found.catalogue
    if held is not None:
        refused = held.refused_digest is not None
        state = Text("refused", style="bold red") if refused else Text("in force", style="green")
        table.add_row(str(held.rules), (held.digest or "never loaded")[:12], state)
    return table


def _alerts(found: Condition) -> Table:
    table = Table("level", "network", "active", "unacknowledged", title="Open alerts", title_justify="left")
    for a in found.alerts:
        table.add_row(
            Text(f" {a.level} ", style=_LEVEL_STYLES[a.level]), a.network, str(a.active), str(a.unacknowledged)
        )
    return table


def _exercise(found: RunningExercise) -> Text:
    """An exercise that runs: none of its alerts and devices is counted above."""
    text = f" EXERCISE {found.id} runs: {found.title_en} / 【演练】{found.title_zh}, {found.open} open alert(s) "
    return Text(text, style="bold white on magenta")


def _deliveries(found: Condition) -> Table:
    told = found.deliveries
    table = Table("", "waiting", "oldest", title="Notifications", title_justify="left")
    table.add_row("events to address", str(told.outbox), _seconds(told.outbox_age_s, OUTBOX_LIMIT_S))
    table.add_row("messages to send", str(told.pending), _seconds(told.pending_age_s, OUTBOX_LIMIT_S))
    table.add_row("failed within a day", Text(str(told.failed), style="red" if told.failed else "green"), "")
    return table


def _devices(found: Condition) -> Table:
    table = Table("network", "reporting", "silent", title="Devices", title_justify="left")
    for d in found.devices:
        table.add_row(d.network, str(d.reporting), Text(str(d.silent), style="yellow" if d.silent else "green"))
    return table
