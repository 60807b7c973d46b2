"""`lifeline kpis`: alarm health and resilience, each figure beside what is asked of it."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from domain.kpi_judgement import AlarmFigures, Figure, IncidentFigures
    from storage.kpis import AssetLoad, Availability, Band, Load, Scope

_STYLES = {"good": "green", "tolerable": "yellow", "bad": "bold red", "none": "dim"}
_MARKS = {"good": "✓", "tolerable": "~", "bad": "✗", "none": ""}
_FORMATS = ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"]
_DEFAULT = timedelta(days=30)
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86_400.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Everything that the command shows."""

    scope: "Scope"
    limits: dict[str, float]
    alarms: "AlarmFigures"
    incidents: "IncidentFigures"
    distribution: list["Band"]
    positions: list["Load"]
    networks: list["Load"]
    top: list["Load"]
    districts: list["Availability"]
    assets: list["AssetLoad"]
    #: Announced alerts of exercises; no figure counts them.
    exercised: int


def kpis(
    since: Annotated[
        datetime | None, typer.Option(formats=_FORMATS, help="Begin, with zone; default 30 days before the end.")
    ] = None,
    until: Annotated[datetime | None, typer.Option(formats=_FORMATS, help="End, with zone; default now.")] = None,
    network: Annotated[str | None, typer.Option(help="Only this network.")] = None,
    area: Annotated[str | None, typer.Option(help="Only this area and the areas inside it.")] = None,
    position: Annotated[str | None, typer.Option(help="Only rules of this operator position.")] = None,
    change: Annotated[
        list[str] | None, typer.Option("--set", help="Change a limit first: NAME=VALUE; repeat for several.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Shows the alarm KPIs of ISA-18.2 and the resilience of a period, with targets and verdicts.

    Example: `lifeline kpis --since 2026-05-01T00:00:00+08:00 --network gas`
    """
    from runtime.settings import load
    from storage import migrate
    from storage.database import connect
    from storage.kpis import Scope

    until = until or datetime.now(UTC)
    since = since or until - _DEFAULT
    if since >= until:
        raise typer.BadParameter("--since must lie before --until")
    scope = Scope(since=since, until=until, network=network, area=area, position=position)
    with connect(load().database_url.get_secret_value(), application="kpis", statement_timeout_s=300) as connection:
        migrate.check(connection)
        for text in change or ():
            _change(connection, text)
        report = _report(connection, scope)
    if as_json:
        typer.echo(json.dumps(_document(report), ensure_ascii=False))
        return
    Console().print(rendered(report))


def _change(connection: Any, text: str) -> None:  # noqa: ANN401 - only storage knows the driver
    from storage.kpis import set_limit

    name, _, number = text.partition("=")
    try:
        set_limit(connection, name, float(number))
    except KeyError:
        raise typer.BadParameter(f"no limit is named {name!r}: docs/kpis.md lists them") from None
    except ValueError as exc:
        raise typer.BadParameter(f"{text!r}: {exc}") from None


def _report(connection: Any, scope: "Scope") -> Report:  # noqa: ANN401 - only storage knows the driver
    from storage import kpis as stored

    return Report(
        scope=scope,
        limits=stored.values(stored.limits(connection)),
        alarms=stored.alarm_figures(connection, scope),
        incidents=stored.incident_figures(connection, scope),
        distribution=stored.distribution(connection, scope),
        positions=stored.load(connection, scope, "position"),
        networks=stored.load(connection, scope, "network"),
        top=stored.load(connection, scope, "alarm", limit=10),
        districts=stored.availability(connection, scope),
        assets=stored.assets(connection, scope),
        exercised=stored.exercised(connection, scope),
    )


def _figures(report: Report) -> "tuple[tuple[Figure, ...], tuple[Figure, ...]]":
    from domain.kpi_judgement import alarm_figures, incident_figures

    days = (report.scope.until - report.scope.since) / timedelta(days=1)
    return (
        alarm_figures(report.alarms, report.limits, days=days),
        incident_figures(report.incidents, report.limits),
    )


def _document(report: Report) -> dict[str, object]:
    alarms, incidents = _figures(report)
    return {
        "since": report.scope.since.isoformat(),
        "until": report.scope.until.isoformat(),
        "alarms": [asdict(figure) for figure in alarms],
        "distribution": [asdict(band) for band in report.distribution],
        "positions": [asdict(one) for one in report.positions],
        "networks": [asdict(one) for one in report.networks],
        "top": [asdict(one) for one in report.top],
        "resilience": [asdict(figure) for figure in incidents],
        "availability": [asdict(district) for district in report.districts],
        "assets": [asdict(asset) for asset in report.assets],
        "alarms_of_exercises_left_out": report.exercised,
    }


def rendered(report: Report) -> RenderableType:
    """The report as tables, verdicts in colour."""
    from domain.kpi_judgement import availability, rate

    alarms, incidents = _figures(report)
    scope = report.scope
    title = f"Alarm health, {scope.since:%Y-%m-%d %H:%M %Z} to {scope.until:%Y-%m-%d %H:%M %Z}"
    parts: list[RenderableType] = [_judged(title, alarms), _distribution(report)]
    if report.positions:
        table = _table("Operator positions", "position", "alarms", "per hour", "target", "")
        for one in report.positions:
            figure = rate(one.per_hour, report.limits)
            table.add_row(
                one.name or "(not known)", str(one.alarms), _number(one.per_hour), figure.target, _mark(figure)
            )
        parts.append(table)
    for heading, loads in (("Networks", report.networks), ("The ten heaviest alarms", report.top)):
        table = _table(heading, "", "alarms", "share", "most in 10 min")
        for one in loads:
            name = " ".join(filter(None, (one.name, one.subject)))
            table.add_row(name, str(one.alarms), f"{100 * one.share:.1f} %", str(one.peak))
        parts.append(table)
    parts.append(_judged("Resilience", incidents))
    districts = _table("Availability", "district", "devices", "share", "target", "")
    for district in report.districts:
        figure = availability(district.share, report.limits)
        districts.add_row(
            district.district, str(district.devices), f"{100 * district.share:.2f} %", figure.target, _mark(figure)
        )
    assets = _table("Shortest time between alarms", "asset", "alarms", "mean time between")
    for asset in report.assets:
        assets.add_row(asset.asset, str(asset.alarms), _duration(asset.between_s))
    if report.exercised:
        parts.append(Text(f"{report.exercised} alarms of exercises are not counted.", style="magenta"))
    return Group(*parts, districts, assets)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place == 0 or column in {"", "target"} else "right")
    return table


def _judged(title: str, figures: "tuple[Figure, ...]") -> Table:
    from domain.kpi_names import NAMES

    table = _table(title, "figure", "value", "target", "")
    for figure in figures:
        style = _STYLES[figure.verdict] if figure.target else ""
        table.add_row(NAMES[figure.name][0], Text(_shown(figure), style=style), _target(figure), _mark(figure))
    return table


def _distribution(report: Report) -> Table:
    table = _table("Alarms in ten minutes", "alarms", "intervals")
    for band in report.distribution:
        name = f"{band.least_alarms} and more"
        if band.most_alarms is not None:
            name = f"{band.least_alarms}" + (f" to {band.most_alarms}" if band.most_alarms > band.least_alarms else "")
        table.add_row(name, f"{band.intervals:,}")
    return table


def _mark(figure: "Figure") -> Text:
    return Text(
        f"{_MARKS[figure.verdict]} {figure.verdict}" if figure.verdict != "none" else "", _STYLES[figure.verdict]
    )


def _target(figure: "Figure") -> str:
    if figure.unit == "s" and figure.target:
        relation, _, seconds = figure.target.partition(" ")
        return f"{relation} {_duration(float(seconds))}"
    return f"{figure.target} {_unit(figure)}".strip() if figure.target else ""


def _shown(figure: "Figure") -> str:
    if figure.value is None:
        return "–"
    if figure.unit == "s":
        return _duration(figure.value)
    return f"{_number(figure.value)} {_unit(figure)}".strip()


def _unit(figure: "Figure") -> str:
    return {"1": "", "1/h": "/h", "d": "days"}.get(figure.unit, figure.unit)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def _duration(seconds: float) -> str:
    for unit, length in (("d", _DAY), ("h", _HOUR), ("min", _MINUTE)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} s"
