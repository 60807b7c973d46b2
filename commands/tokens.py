"""`lifeline tokens`: access to the API."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from domain.access import Role
from domain.topics import IDENTIFIER

app = typer.Typer(add_completion=False, help="Access to the API: add, list, revoke.", no_args_is_help=True)

_DAY_S = 86_400.0
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(help="Whose token it is; a name is never used twice.")]


@contextmanager
def _database() -> Iterator[Any]:
    from runtime.settings import load
    from storage import migrate
    from storage.database import connect

    with connect(load().database_url.get_secret_value(), application="tokens") as connection:
        migrate.check(connection)
        yield connection


@app.command()
def add(
    name: Name,
    role: Annotated[
        Role, typer.Option(help="viewer reads; operator also acts on alerts; admin may do all.")
    ] = Role.VIEWER,
    days: Annotated[float | None, typer.Option(help="Days until it expires; without, never.", min=0.001)] = None,
    as_json: Json = False,
) -> None:
    """Makes a token and shows it, this once: only a digest is kept.

    From the first token on, the API needs one from everybody, on loopback too.

    Example: `lifeline tokens add duty-room --role operator --days 365`
    """
    from storage import tokens

    if not IDENTIFIER.fullmatch(name):
        raise typer.BadParameter("a name is 1 to 128 letters, digits and . _ : - and begins with a letter or digit")
    with _database() as connection:
        token = tokens.add(connection, name, role, valid_s=days * _DAY_S if days else None)
    if token is None:
        typer.echo(f"lifeline tokens: the name {name} was used before: choose another", err=True)
        raise typer.Exit(1)
    if as_json:
        typer.echo(json.dumps({"name": name, "role": role.value, "token": token}))
        return
    typer.echo(token)
    typer.echo(f"This is the token of {name} ({role.value}). It is not kept and cannot be shown again.", err=True)


@app.command("list")
def list_(as_json: Json = False) -> None:
    """Lists every token that was ever made, never the token itself.

    Example: `lifeline tokens list --json`
    """
    from storage import tokens

    with _database() as connection:
        found = tokens.tokens(connection)
    rows = [
        {
            "name": token.name,
            "role": token.role,
            "valid": token.valid,
            "created_at": token.created_at.isoformat(),
            "expires_at": token.expires_at.isoformat() if token.expires_at else None,
            "revoked_at": token.revoked_at.isoformat() if token.revoked_at else None,
        }
        for token in found
    ]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    table = Table("name", "role", "valid", "created", "expires", "revoked")
    for row in rows:
        valid = "[green]yes[/]" if row["valid"] else "[red]no[/]"
        dates = (str(row[key] or "")[:19] for key in ("created_at", "expires_at", "revoked_at"))
        table.add_row(str(row["name"]), str(row["role"]), valid, *dates)
    Console().print(table)


@app.command()
def revoke(name: Name) -> None:
    """Ends a token; a running API refuses it two seconds later at the latest.

    Example: `lifeline tokens revoke duty-room`
    """
    from storage import tokens

    with _database() as connection:
        done = tokens.revoke(connection, name)
    if not done:
        typer.echo(f"lifeline tokens: no valid token is named {name}: see `lifeline tokens list`", err=True)
        raise typer.Exit(1)
    typer.echo(f"revoked {name}")
