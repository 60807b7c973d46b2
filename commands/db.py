"""`lifeline db`: make the schema, and say what it is."""

import json
from dataclasses import asdict

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(
    add_completion=False, help="The database: migrate it, show its level and schema.", no_args_is_help=True
)


@app.command()
def migrate() -> None:
    """Applies the migrations that the database lacks, in order, under a lock.

    Example: `LIFELINE_DATABASE_URL=postgresql://owner@db/lifeline lifeline db migrate`
    """
    from runtime.settings import load
    from storage.clock import take_clock
    from storage.database import connect
    from storage.migrate import TimeSeriesOptions
    from storage.migrate import migrate as apply

    settings = load()
    options = TimeSeriesOptions(lateness_s=settings.lateness_s, retention_s=settings.retention_s, zone=settings.zone)
    console = Console()
    with connect(settings.database_url.get_secret_value(), application="migrate", statement_timeout_s=600) as link:
        done = apply(link, options)
        take_clock(link, settings.clock)
    for migration in done:
        console.print(f"[green]applied[/] {migration.number:04d} {migration.name}")
    if not done:
        console.print("nothing to apply: the schema is current")


@app.command()
def status(as_json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
    """Shows the server, its level and the schema; exit status 1 if the schema is not the one this program needs.

    Example: `lifeline db status --json`
    """
    from runtime.settings import load
    from storage.database import connect
    from storage.migrate import status as read

    with connect(load().database_url.get_secret_value(), application="status") as link:
        found = read(link)
    if as_json:
        typer.echo(json.dumps({**asdict(found), "current": found.current}))
    else:
        table = Table(show_header=False)
        table.add_row("server", f"PostgreSQL {found.server}")
        table.add_row("TimescaleDB", found.timescaledb or "none")
        table.add_row("level", found.level)
        table.add_row("applied", ", ".join(f"{n:04d}" for n in found.applied) or "nothing")
        missing = [n for n in found.known if n not in found.applied]
        mend = f"[yellow]missing {', '.join(f'{n:04d}' for n in missing)}: run `lifeline db migrate`[/]"
        table.add_row("schema", mend if missing else "[green]current[/]")
        Console().print(table)
    raise typer.Exit(0 if found.current else 1)
