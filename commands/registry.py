"""`lifeline registry`: import and export what stands in the field."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

if TYPE_CHECKING:
    from domain.registry import Registry

app = typer.Typer(add_completion=False, help="Import and export what stands in the field.", no_args_is_help=True)


@app.command("import")
def import_folder(
    folder: Path = typer.Argument(help="Folder with assets.geojson, devices.csv, datastreams.csv and links.csv."),
    check: bool = typer.Option(False, "--check", help="Check the folder against the database and write nothing."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Checks the whole folder, then adds what is new and changes what differs, all or nothing.

    Every problem is reported at once, with file and line; then nothing is written and the exit status is 1.

    Example: `lifeline registry import county/ --check`
    """
    from domain.errors import ConfigurationError
    from domain.registry_folder import read
    from runtime.settings import load
    from storage.database import connect
    from storage.migrate import check as check_schema
    from storage.registry import import_registry, known

    settings = load()
    errors = Console(stderr=True)
    url = settings.database_url.get_secret_value()
    with connect(url, application="registry import", statement_timeout_s=600) as connection:
        check_schema(connection)
        try:
            registry = read(folder, known(connection))
        except ConfigurationError as exc:
            if as_json:
                typer.echo(json.dumps({"ok": False, "problems": exc.problems}, ensure_ascii=False))
            else:
                errors.print(str(exc), markup=False, highlight=False, soft_wrap=True)
            raise typer.Exit(1) from None
        sizes = {kind: len(getattr(registry, kind)) for kind in ("assets", "devices", "datastreams", "links")}
        if check:
            _say_checked(sizes, as_json=as_json)
            return
        things = sum(sizes.values()) + len(registry.networks) + len(registry.properties)
        with Progress(console=errors, transient=True, disable=not errors.is_terminal) as bar:
            task = bar.add_task("importing", total=things)
            report = import_registry(connection, registry, progress=lambda done: bar.advance(task, done))
    if as_json:
        kinds = {kind: asdict(counts) for kind, counts in report.kinds.items()}
        typer.echo(json.dumps({"ok": True, "version": report.version, **kinds}))
        return
    table = Table("", "added", "changed", "unchanged")
    for kind, counts in report.kinds.items():
        table.add_row(kind, str(counts.added), str(counts.changed), str(counts.unchanged))
    Console().print(table)


def _say_checked(sizes: dict[str, int], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"ok": True, "checked": sizes}))
    else:
        Console().print("[green]in order[/]: " + ", ".join(f"{size} {kind}" for kind, size in sizes.items()))


@app.command("export")
def export_folder(
    folder: Path = typer.Argument(help="Folder to write; made if it is not there."),
    town: str | None = typer.Option(
        None, metavar="SCALE", help="Not what is registered, but the simulated county town: town or test."
    ),
    seed: int = typer.Option(1, min=0, help="Of the simulated town."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Writes everything that is registered as a folder that `registry import` reads; the same registry, the same bytes.

    Example: `lifeline registry export backup/registry`, or `lifeline registry export town/ --town test`
    """
    from domain.registry_folder import write

    registry = _registered() if town is None else _simulated(town, seed)
    write(registry, folder)
    sizes = {kind: len(getattr(registry, kind)) for kind in ("assets", "devices", "datastreams", "links")}
    if as_json:
        typer.echo(json.dumps({"folder": str(folder), **sizes}))
    else:
        Console().print(f"{folder}: " + ", ".join(f"{size} {kind}" for kind, size in sizes.items()))


def _registered() -> "Registry":
    from runtime.settings import load
    from storage.database import connect
    from storage.registry import export_registry

    url = load().database_url.get_secret_value()
    with connect(url, application="registry export", statement_timeout_s=600) as connection:
        return export_registry(connection)


def _simulated(scale: str, seed: int) -> "Registry":
    from commands.simulate_run import scale_of
    from simulators.town.build import build, registry

    return registry(build(scale_of(scale), seed))
