"""The SQL of Grafana's panels: handed out with language and network written in, and run as Grafana would run it.

The texts keep Grafana's macros and variables. `interpolate` does what Grafana's PostgreSQL data source does with them
before it sends a query, so that every panel can be run and checked without Grafana.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from psycopg import Connection
from psycopg.rows import TupleRow

from domain.times import to_datetime
from domain.topics import IDENTIFIER
from storage.database import translated
from storage.sql import queries

Language = Literal["en", "zh"]
Aggregate = Literal["average", "minimum", "maximum"]

#: What a panel may read: the relations that are documented and granted to `lifeline_reader`.
RELATIONS = (
    "networks",
    "properties",
    "assets",
    "links",
    "devices",
    "datastreams",
    "observations",
    "observations_5m",
    "observations_1h",
    "observations_1d",
    "latest_observations",
    "alerts",
    "alert_events",
    "dead_letters",
    "notifications",
    "kpi_limits",
    "exercises",
    # Functions of a period over the alerts (docs/kpis.md).
    "kpi_alarm_figures",
    "kpi_assets",
    "kpi_availability",
    "kpi_chattering",
    "kpi_floods",
    "kpi_hours",
    "kpi_incident_figures",
    "kpi_incidents",
    "kpi_intervals",
    "kpi_load",
    "kpi_stale",
    "kpi_unheard",
)
#: As Grafana finds macros: arguments end at the first closing parenthesis.
_MACRO = re.compile(r"\$(__[_a-zA-Z0-9]+)\(([^)]*)\)")
_VARIABLE = re.compile(r"\$([a-z]\w*)")
_PLACEHOLDER = re.compile(r"\{[a-z]+\}")
_DESCRIPTION = re.compile(r"\A(--.*\n)+")


@dataclass(frozen=True, kw_only=True, slots=True)
class PanelRows:
    """What a panel's query returns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def panel_sql(
    name: str,
    *,
    language: Language,
    network: str | None = None,
    properties: Sequence[str] = (),
    aggregate: Aggregate = "average",
    band: tuple[float, float] = (0.0, 0.0),
) -> str:
    """The text of a panel's query, with everything written in that is known when dashboards are built.

    Without a network it is the dashboard's variable `$network`. Raises KeyError for a query that does not exist and
    ValueError for a name that cannot be an identifier.
    """
    values = {
        "language": language,
        "network": "$network" if network is None else _quoted([network]),
        "properties": _quoted(properties),
        "several": "true" if len(properties) > 1 else "false",
        "aggregate": aggregate,
        "low": repr(float(band[0])),
        "high": repr(float(band[1])),
    }
    text = _DESCRIPTION.sub("", queries("dashboards")[name])
    return _PLACEHOLDER.sub(lambda found: values[found[0][1:-1]], text)


def _quoted(names: Sequence[str]) -> str:
    for name in names:
        if not IDENTIFIER.fullmatch(name):
            raise ValueError(f"{name!r} is not an identifier")
    return ", ".join(f"'{name}'" for name in names)


def interpolate(sql: str, *, start: int, end: int, variables: Mapping[str, Sequence[str]]) -> str:
    """The statement that Grafana would send for a time range (microseconds since 1970) and chosen variable values.

    The value `*` stands for Grafana's `All`. Raises KeyError for a macro or variable that is not known here.
    """
    first, last = (f"'{_rfc3339(moment)}'" for moment in (start, end))

    def macro(found: re.Match[str]) -> str:
        macros = {
            "__timeFilter": f"{found[2]} BETWEEN {first} AND {last}",
            "__timeFrom": first,
            "__timeTo": last,
        }
        return macros[found[1]]

    def variable(found: re.Match[str]) -> str:
        return ", ".join("'" + value.replace("'", "''") + "'" for value in variables[found[1]])

    return _VARIABLE.sub(variable, _MACRO.sub(macro, sql))


def _rfc3339(moment: int) -> str:
    text: datetime = to_datetime(moment).astimezone(UTC)
    return text.isoformat().replace("+00:00", "Z")


def run_panel(
    connection: Connection[TupleRow],
    sql: str,
    *,
    start: int,
    end: int,
    variables: Mapping[str, Sequence[str]] | None = None,
) -> PanelRows:
    """Runs a panel's query for a time range, every variable on All unless told otherwise."""
    chosen = {"network": ("*",), "device": ("*",)} | dict(variables or {})
    text = interpolate(sql, start=start, end=end, variables=chosen)
    with translated():
        # Bytes, because the text is no literal: a file of this package, identifiers checked and values quoted above.
        cursor = connection.execute(text.encode())
        rows = tuple(cursor.fetchall())
    return PanelRows(columns=tuple(column.name for column in cursor.description or ()), rows=rows)
