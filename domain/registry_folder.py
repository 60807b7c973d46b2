"""A registry as a folder of files that people edit: assets.geojson, devices.csv, datastreams.csv, links.csv.

networks.csv and properties.csv may stand beside them, for what the shipped vocabulary lacks. Reading checks the whole
folder and reports every problem at once; writing makes the same bytes for the same registry.
"""

import math
from pathlib import Path

from domain import catalogue
from domain.errors import ConfigurationError
from domain.features import read_assets, write_assets
from domain.registry import Datastream, Device, Link, Network, Property, Registry
from domain.registry_check import Draft, Known, check
from domain.tables import read_table, write_table

ASSETS = "assets.geojson"
DEVICES = "devices.csv"
DATASTREAMS = "datastreams.csv"
LINKS = "links.csv"
NETWORKS = "networks.csv"
PROPERTIES = "properties.csv"
_COLUMNS = {
    DEVICES: ("id", "asset", "model", "reporting_interval_s"),
    DATASTREAMS: ("device", "property", "unit"),
    LINKS: ("from", "relation", "to"),
    NETWORKS: ("id", "name_en", "name_zh"),
    PROPERTIES: ("id", "network", "unit", "type", "minimum", "maximum", "name_en", "name_zh"),
}
_OPTIONAL = (NETWORKS, PROPERTIES)


def read(folder: Path, known: Known | None = None) -> Registry:
    """The registry of a folder, wholly checked.

    Args:
        folder: Where the files are.
        known: What is registered already and may be referred to; default only the shipped vocabulary.

    Raises:
        ConfigurationError: with every problem, each with file and line (GeoJSON: feature), and what to do.
    """
    problems: list[str] = []
    if not folder.is_dir():
        raise ConfigurationError(f"registry {folder}", ["no such folder: name the folder that holds assets.geojson"])
    problems.extend(
        f"{name}: the file is missing: add it, with nothing but the header {','.join(_COLUMNS.get(name, ()))}"
        if name in _COLUMNS
        else f"{name}: the file is missing: add a GeoJSON FeatureCollection of the assets"
        for name in (ASSETS, DEVICES, DATASTREAMS, LINKS)
        if not (folder / name).is_file()
    )
    draft = _draft(folder, problems)
    check(draft, known or shipped(), problems)
    if problems:
        raise ConfigurationError(f"registry {folder}", problems)
    return Registry(
        assets=tuple(asset for _, asset in draft.assets),
        devices=tuple(device for _, device in draft.devices),
        datastreams=tuple(stream for _, stream in draft.datastreams),
        links=tuple(link for _, link in draft.links),
        networks=tuple(network for _, network in draft.networks),
        properties=tuple(item for _, item in draft.properties),
    )


def shipped() -> Known:
    """What every database knows: the shipped networks and properties."""
    return Known(
        networks=frozenset(n.id for n in catalogue.NETWORKS),
        properties={p.id: p for p in catalogue.properties()},
    )


def _draft(folder: Path, problems: list[str]) -> Draft:
    def rows(name: str) -> list[tuple[str, tuple[str, ...]]]:
        path = folder / name
        table = read_table(path, _COLUMNS[name], problems) if path.is_file() else []
        return [(row.where, row.fields) for row in table]

    return Draft(
        assets=read_assets(folder / ASSETS, problems) if (folder / ASSETS).is_file() else [],
        devices=[
            (where, Device(id=i, asset=asset, model=model, reporting_interval_s=_seconds(where, interval, problems)))
            for where, (i, asset, model, interval) in rows(DEVICES)
        ],
        datastreams=[(where, Datastream(device=d, property=p, unit=u)) for where, (d, p, u) in rows(DATASTREAMS)],
        links=[(where, Link(from_asset=a, relation=r, to_asset=b)) for where, (a, r, b) in rows(LINKS)],
        networks=[(where, Network(id=i, name_en=en, name_zh=zh)) for where, (i, en, zh) in rows(NETWORKS)],
        properties=[
            (
                where,
                Property(
                    id=i,
                    network=network or None,
                    unit=unit,
                    type=kind,  # type: ignore[arg-type]  # checked with everything else
                    minimum=_number(where, "minimum", low, problems),
                    maximum=_number(where, "maximum", high, problems),
                    name_en=en,
                    name_zh=zh,
                ),
            )
            for where, (i, network, unit, kind, low, high, en, zh) in rows(PROPERTIES)
        ],
    )


def _seconds(where: str, text: str, problems: list[str]) -> int:
    try:
        seconds = int(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds < 2**31:
        problems.append(f"{where}: reporting_interval_s is {text!r}: give whole seconds, 1 or more")
        return 1
    return seconds


def _number(where: str, name: str, text: str, problems: list[str]) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        problems.append(f"{where}: {name} is {text!r}: give a number")
        return 0.0
    return number


def _plain(value: float) -> str:
    number = float(value)
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def write(registry: Registry, folder: Path) -> None:
    """Writes a registry so that reading it gives the same registry; makes the folder, replaces the files.

    Shipped networks and properties are left out: every database has them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_assets(folder / ASSETS, registry.assets)
    known = shipped()
    own: dict[str, list[tuple[str, ...]]] = {
        DEVICES: [(d.id, d.asset, d.model, str(d.reporting_interval_s)) for d in registry.devices],
        DATASTREAMS: [(s.device, s.property, s.unit) for s in registry.datastreams],
        LINKS: [(link.from_asset, link.relation, link.to_asset) for link in registry.links],
        NETWORKS: [(n.id, n.name_en, n.name_zh) for n in registry.networks if n.id not in known.networks],
        PROPERTIES: [
            (p.id, p.network or "", p.unit, p.type, _plain(p.minimum), _plain(p.maximum), p.name_en, p.name_zh)
            for p in registry.properties
            if p.id not in known.properties
        ],
    }
    for name, rows in own.items():
        if rows or name not in _OPTIONAL:
            write_table(folder / name, _COLUMNS[name], sorted(rows))
        else:
            (folder / name).unlink(missing_ok=True)
