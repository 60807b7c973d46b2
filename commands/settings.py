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
    from runtime.settings import PREFIX, Settings, load

    current = load()
    rows = []
    for name, field in Settings.model_fields.items():
        value = getattr(current, name)
        variable = f"{PREFIX}{name.upper()}"
        origin = "default"
        if variable in os.environ:
            origin = "environment"
        elif f"{variable}_FILE" in os.environ:
            origin = "file"
        shown = "******" if isinstance(value, SecretStr) else "" if value is None else str(value)
        rows.append({"name": variable, "value": shown, "from": origin, "help": field.description or ""})
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    table = Table("setting", "value", "from", "meaning")
    for row in rows:
        table.add_row(row["name"], row["value"], row["from"], row["help"])
    Console().print(table)
