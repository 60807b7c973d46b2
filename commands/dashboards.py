"""`lifeline dashboards`: write the Grafana dashboards, and send them to a Grafana."""

import json
from dataclasses import asdict
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(add_completion=False, help="Grafana dashboards: build and push.", no_args_is_help=True)


@app.command()
def build(
    check: bool = typer.Option(False, "--check", help="Write nothing; exit 1 if a file is stale."),
    output: Path | None = typer.Option(None, help="Folder to write to; default: the one of this installation."),
    tiles: str | None = typer.Option(None, help="Map tiles, https://host/{z}/{x}/{y}.png; default: no base map."),
) -> None:
    """Writes the dashboards as JSON, in English and in Chinese; changes only what differs.

    Example: `lifeline dashboards build --output /srv/grafana --tiles https://tiles.example/{z}/{x}/{y}.png`
    """
    from dashboards.build import GENERATED, stale, write

    folder = output or GENERATED
    if check:
        outdated = stale(folder, tiles=tiles)
        for name in outdated:
            typer.echo(f"stale: {folder / name}")
        if outdated:
            typer.echo("run `lifeline dashboards build`")
            raise typer.Exit(1)
        typer.echo("every dashboard is current")
        return
    changed = write(folder, tiles=tiles)
    for path in changed:
        typer.echo(f"wrote {path}" if path.exists() else f"removed {path}")
    if not changed:
        typer.echo("nothing to write: every dashboard is current")


@app.command()
def push(
    url: str | None = typer.Option(None, help="Address of Grafana; default: LIFELINE_GRAFANA_URL."),
    token_file: Path | None = typer.Option(None, help="File with a service account token (role Editor)."),
    language: str | None = typer.Option(None, help="en, zh or all; default: LIFELINE_LANGUAGE."),
    folder: Path | None = typer.Option(None, help="Folder of built dashboards; default: the one of this installation."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Sends the dashboards to Grafana, into a folder of their own; a second time changes nothing.

    Grafana needs a PostgreSQL data source with uid `lifeline`, logging in as a member of lifeline_reader.

    Example: `lifeline dashboards push --url https://grafana.example --token-file secrets/grafana_token`
    """
    from dashboards.build import GENERATED, LANGUAGES
    from dashboards.push import Grafana
    from domain.errors import ConfigurationError
    from runtime.settings import load

    settings = load()
    chosen = language or settings.language
    languages = [item for item in LANGUAGES if chosen in {item, "all"}]
    if not languages:
        raise ConfigurationError("dashboards cannot be sent", [f"--language {chosen!r}: choose en, zh or all"])
    if token_file is not None:
        try:
            token = token_file.read_text(encoding="utf-8").strip()
        except OSError as exc:
            raise ConfigurationError(
                "dashboards cannot be sent", [f"--token-file {token_file}: {exc.strerror}"]
            ) from exc
    elif settings.grafana_token is not None:
        token = settings.grafana_token.get_secret_value()
    else:
        raise ConfigurationError(
            "dashboards cannot be sent", ["no token: give --token-file, or set LIFELINE_GRAFANA_TOKEN_FILE"]
        )
    with Grafana(url or settings.grafana_url, token) as grafana:
        pushed = [item for one in languages for item in grafana.push(one, folder or GENERATED)]
    if as_json:
        typer.echo(json.dumps([asdict(item) for item in pushed], ensure_ascii=False))
        return
    table = Table("Dashboard", "uid", "version", "path")
    for item in pushed:
        table.add_row(item.title, item.uid, str(item.version), item.url)
    Console().print(table)
