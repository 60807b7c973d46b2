"""Access tokens of the API: made, listed, revoked, recognised.

A token is 256 random bits, shown once. The database keeps its SHA-256: a plain fast hash is right here, because there
is nothing to guess. Salt and slow hashes protect passwords, which people choose from a small space; nobody can search
2^256. Whoever reads the table can therefore not act with what is found there. Look-up is by digest, so that no
comparison of secrets takes a time that depends on them.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection
from psycopg.rows import TupleRow, class_row

from domain.access import Role
from storage.database import translated
from storage.sql import queries

#: Makes a leaked token recognisable to people and to scanners of repositories.
PREFIX = "lifeline_"
_RANDOM_BYTES = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenEntry:
    """A token as `lifeline tokens list` shows it; never the token itself."""

    name: str
    role: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    valid: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Bearer:
    """Who comes with a valid token."""

    name: str
    role: Role


@dataclass(frozen=True, kw_only=True, slots=True)
class Register:
    """The valid tokens by digest, and whether any token was ever made."""

    bearers: dict[bytes, Bearer]
    #: True from the first token on, even when all are revoked: revoking the last one must not open the door.
    closed: bool


def digest(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def add(connection: Connection[TupleRow], name: str, role: Role, *, valid_s: float | None = None) -> str | None:
    """Makes a token and returns it, the only time that it can be seen; None if the name was used before."""
    token = PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    parameters = {"name": name, "role": role.value, "digest": digest(token), "valid_s": valid_s}
    with translated():
        made = connection.execute(queries("tokens")["add"], parameters).fetchone()
    return token if made else None


def tokens(connection: Connection[TupleRow]) -> list[TokenEntry]:
    """Every token that was ever made."""
    with translated(), connection.cursor(row_factory=class_row(TokenEntry)) as cursor:
        return cursor.execute(queries("tokens")["tokens"]).fetchall()


def revoke(connection: Connection[TupleRow], name: str) -> bool:
    """Ends a token; False if no valid one has this name."""
    with translated():
        return connection.execute(queries("tokens")["revoke"], {"name": name}).fetchone() is not None


def register(connection: Connection[TupleRow]) -> Register:
    """All that a check of many requests needs, read at once."""
    sql = queries("tokens")
    with translated():
        rows = connection.execute(sql["valid"]).fetchall()
        any_ = connection.execute(sql["any"]).fetchone()
    bearers = {bytes(row[0]): Bearer(name=row[1], role=Role(row[2])) for row in rows}
    return Register(bearers=bearers, closed=bool(any_ and any_[0]))
