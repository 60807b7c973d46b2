"""`lifeline settings`: every setting, its value and where it comes from."""

import json
import os

import typer
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table


def settings(as_json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
    """Lists every setting with its value and its meaning; secrets are masked.

    Example: `LIFELINE_LINGER_MS=50 lifeline settings`
    """
    from runtime.settings import PREFIX, Settings, load, running

    current = load()
    origins = {name: _origin(f"{PREFIX}{name.upper()}") for name in Settings.model_fields}
    found = running(current, {name for name, origin in origins.items() if origin != "default"})
    origins |= dict.fromkeys(found, str(current.data_dir))
    rows = []
    for name, field in Settings.model_fields.items():
        value = getattr(current, name)
        shown = "******" if isinstance(value, SecretStr) else "" if value is None else str(value)
        help_text = field.description or ""
        rows.append({"name": f"{PREFIX}{name.upper()}", "value": shown, "from": origins[name], "help": help_text})
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    table = Table("setting", "value", "from", "meaning")
    for row in rows:
        table.add_row(row["name"], row["value"], row["from"], row["help"])
    Console().print(table)


def _origin(variable: str) -> str:
    if variable in os.environ:
        return "environment"
    return "file" if f"{variable}_FILE" in os.environ else "default"
