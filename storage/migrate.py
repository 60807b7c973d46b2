"""Migrations: plain SQL in order, under a lock; the schema is checked whenever a stage starts.

A file `0002_name.sql` is for every server; `0002_name.LEVEL+LEVEL.sql` is for servers of those levels only. What a
server offers is detected once, when its schema is made, and kept: levels do not mix in one database.
"""

import re
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from psycopg import Connection
from psycopg.rows import TupleRow

from domain.errors import ConfigurationError, SchemaError
from storage.database import translated
from storage.properties import seed
from storage.sql import queries

LEVELS = ("timescaledb", "timescaledb-apache", "postgresql")
_FILE = re.compile(r"(?P<number>\d{4})_(?P<name>[a-z_]+)(\.(?P<levels>[a-z+-]+))?\.sql")
#: One number for everybody who migrates this database ("lifeline" in ASCII, shortened).
_LOCK = 0x6C69666C
_DAY = 86_400


@dataclass(frozen=True, kw_only=True, slots=True)
class Migration:
    """One step of the schema."""

    number: int
    name: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SchemaStatus:
    """What `lifeline db status` shows."""

    server: str
    level: str
    timescaledb: str | None
    applied: tuple[int, ...]
    known: tuple[int, ...]

    @property
    def current(self) -> bool:
        """Whether this program and this database agree."""
        return self.applied == self.known


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeSeriesOptions:
    """How the time series are kept; all in seconds but the zone. Fixed when the schema is made."""

    lateness_s: int
    retention_s: int
    chunk_s: int = _DAY
    zone: str = "Asia/Shanghai"

    def placeholders(self) -> dict[str, str]:
        """The texts that migrations take. Compression waits until nothing late can arrive any more."""
        return {
            "chunk": f"{self.chunk_s} seconds",
            "compress_after": f"{self.lateness_s + _DAY} seconds",
            "retain": f"{self.retention_s} seconds",
            "retain_5m": f"{max(self.retention_s, 3 * 365 * _DAY)} seconds",
            "refresh": f"{self.lateness_s + _DAY} seconds",
            "zone": self.zone,
        }

    def check(self) -> None:
        """Raises ConfigurationError when the promises contradict each other."""
        problems = []
        if self.retention_s < self.lateness_s + 2 * _DAY:
            problems.append(
                f"LIFELINE_RETENTION_S={self.retention_s} must exceed LIFELINE_LATENESS_S={self.lateness_s} by two "
                "days, or late observations would be dropped as they arrive: keep longer, or promise less lateness"
            )
        if not re.fullmatch(r"[A-Za-z0-9_+/-]+", self.zone):
            problems.append(f"LIFELINE_ZONE={self.zone!r} is not a time zone name: use one such as Asia/Shanghai")
        if problems:
            raise ConfigurationError("the time series cannot be kept like this", problems)


def load(level: str) -> list[Migration]:
    """The migrations of a level, in order."""
    found = []
    folder: Traversable = files("storage") / "migrations"
    for entry in folder.iterdir():
        match = _FILE.fullmatch(entry.name)
        if match and (match["levels"] is None or level in match["levels"].split("+")):
            found.append(
                Migration(number=int(match["number"]), name=match["name"], text=entry.read_text(encoding="utf-8"))
            )
    return sorted(found, key=lambda m: m.number)


def detect_level(connection: Connection[TupleRow]) -> tuple[str, str | None]:
    """The level that the server offers, and the version of TimescaleDB if it has one."""
    sql = queries("schema")
    available = connection.execute(sql["timescaledb_available"]).fetchone()
    if available is None:
        return "postgresql", None
    if available[1] is None:
        connection.execute(sql["create_timescaledb"])
    row = connection.execute(sql["timescaledb_version"]).fetchone()
    version, license_ = row or (None, None)
    return ("timescaledb-apache" if license_ == "apache" else "timescaledb"), version


def _applied(connection: Connection[TupleRow]) -> tuple[str | None, tuple[int, ...]]:
    sql = queries("schema")
    exists = connection.execute(sql["has_migrations"]).fetchone()
    if not exists or not exists[0]:
        return None, ()
    rows = connection.execute(sql["applied"]).fetchall()
    return (rows[0][1] if rows else None), tuple(r[0] for r in rows)


def migrate(connection: Connection[TupleRow], options: TimeSeriesOptions) -> list[Migration]:
    """Applies what is missing, each migration in a transaction of its own; returns what was applied.

    Whoever comes second waits for the lock and finds nothing left to do. A schema newer than this program is an error.
    """
    options.check()
    sql = queries("schema")
    done = []
    with translated():
        connection.execute(sql["migration_lock"], {"key": _LOCK})
        try:
            connection.execute(sql["create_migrations"])
            level, applied = _applied(connection)
            level = level or detect_level(connection)[0]
            migrations = load(level)
            _refuse_newer(applied, tuple(m.number for m in migrations))
            for migration in migrations:
                if migration.number in applied:
                    continue
                text = migration.text
                for key, value in options.placeholders().items():
                    text = text.replace("{" + key + "}", value)
                with connection.transaction():
                    # A file of this package with checked placeholders, never input.
                    connection.execute(text.encode())
                    connection.execute(
                        sql["record_migration"], {"number": migration.number, "name": migration.name, "level": level}
                    )
                done.append(migration)
            seed(connection)
        finally:
            connection.execute(sql["migration_unlock"], {"key": _LOCK})
    return done


def _refuse_newer(applied: tuple[int, ...], known: tuple[int, ...]) -> None:
    newer = sorted(set(applied) - set(known))
    if newer:
        raise SchemaError(
            f"the database has schema {newer[-1]:04d}, this program knows up to {known[-1]:04d}: "
            "install the newer City Lifeline that made it"
        )


def status(connection: Connection[TupleRow]) -> SchemaStatus:
    """What the server is and which migrations it has; changes nothing but may be called on an empty database."""
    sql = queries("schema")
    with translated():
        server = connection.execute(sql["server_version"]).fetchone()
        level, applied = _applied(connection)
        version = connection.execute(sql["timescaledb_version"]).fetchone()
        if level is None:
            available = connection.execute(sql["timescaledb_available"]).fetchone()
            level = "postgresql" if available is None else "timescaledb"
    return SchemaStatus(
        server=str(server[0]) if server else "?",
        level=level,
        timescaledb=version[0] if version else None,
        applied=applied,
        known=tuple(m.number for m in load(level)),
    )


def check(connection: Connection[TupleRow]) -> str:
    """Raises SchemaError unless the schema is the one this program needs; returns the level."""
    found = status(connection)
    _refuse_newer(found.applied, found.known)
    missing = sorted(set(found.known) - set(found.applied))
    if missing:
        raise SchemaError(
            f"the database lacks migration(s) {', '.join(f'{n:04d}' for n in missing)}: run `lifeline db migrate`"
        )
    return found.level
