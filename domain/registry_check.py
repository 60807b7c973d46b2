"""The whole check of a registry: identifiers, references, units, duplicates; every problem at once, with its place."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from domain import catalogue
from domain.exercise_mark import RESERVED, exercise_of
from domain.registry import RELATIONS, Asset, Datastream, Device, Link, Network, Property
from domain.tables import text_problem
from domain.topics import AREA, IDENTIFIER

_IDENTIFIER_HELP = "use up to 128 of A-Z a-z 0-9 . _ : -, beginning with a letter or digit"


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What is registered already, so that a folder may refer to it."""

    networks: frozenset[str]
    properties: Mapping[str, Property]
    assets: frozenset[str] = frozenset()
    devices: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A registry as it was read, each thing with where it stands; nothing is checked yet."""

    assets: list[tuple[str, Asset]] = field(default_factory=list)
    devices: list[tuple[str, Device]] = field(default_factory=list)
    datastreams: list[tuple[str, Datastream]] = field(default_factory=list)
    links: list[tuple[str, Link]] = field(default_factory=list)
    networks: list[tuple[str, Network]] = field(default_factory=list)
    properties: list[tuple[str, Property]] = field(default_factory=list)


def check(draft: Draft, known: Known, problems: list[str]) -> None:
    """Appends every problem of the draft."""
    networks = known.networks | {n.id for _, n in draft.networks}
    properties = dict(known.properties) | {p.id: p for _, p in draft.properties}
    assets = known.assets | {a.id for _, a in draft.assets}
    devices = known.devices | {d.id for _, d in draft.devices}
    _networks(draft, problems)
    _properties(draft, known, networks, problems)
    _assets(draft, networks, problems)
    _devices(draft, assets, problems)
    _datastreams(draft, devices, properties, problems)
    _links(draft, assets, problems)


def _unique(rows: Iterable[tuple[str, str]], what: str, problems: list[str]) -> None:
    seen: dict[str, str] = {}
    for where, name in rows:
        first = seen.setdefault(name, where)
        if first is not where:
            problems.append(f"{where}: {what} {name!r} stands already at {first}: remove one")


def _identifier(where: str, what: str, name: str, problems: list[str]) -> None:
    if not IDENTIFIER.fullmatch(name):
        problems.append(f"{where}: {what} {name!r} is not an identifier: {_IDENTIFIER_HELP}")


def _unreserved(where: str, what: str, name: str, problems: list[str]) -> None:
    if name.startswith(RESERVED):
        problems.append(f"{where}: {what} {name!r}: {RESERVED}… is for exercises: choose another id")


def _texts(where: str, texts: Mapping[str, str], problems: list[str]) -> None:
    for name, text in texts.items():
        wrong = text_problem(text)
        if wrong:
            problems.append(f"{where}: {name} {wrong}")


def _networks(draft: Draft, problems: list[str]) -> None:
    shipped = {n.id: n for n in catalogue.NETWORKS}
    _unique(((w, n.id) for w, n in draft.networks), "network", problems)
    for where, network in draft.networks:
        _identifier(where, "network", network.id, problems)
        _texts(where, {"name_en": network.name_en, "name_zh": network.name_zh}, problems)
        if shipped.get(network.id, network) != network:
            problems.append(f"{where}: network {network.id!r} is shipped with other names: choose another id")


def _properties(draft: Draft, known: Known, networks: frozenset[str], problems: list[str]) -> None:
    shipped = {p.id: p for p in catalogue.properties()}
    _unique(((w, p.id) for w, p in draft.properties), "property", problems)
    for where, item in draft.properties:
        _identifier(where, "property", item.id, problems)
        _texts(where, {"unit": item.unit, "name_en": item.name_en, "name_zh": item.name_zh}, problems)
        if item.network is not None and item.network not in networks:
            problems.append(f"{where}: network {item.network!r} is unknown: add it to networks.csv or leave it empty")
        if item.type not in ("number", "boolean"):
            problems.append(f"{where}: type {item.type!r}: write number or boolean")
        if not item.minimum < item.maximum:
            problems.append(f"{where}: minimum {item.minimum:g} is not below maximum {item.maximum:g}: correct them")
        before = known.properties.get(item.id)
        if item.id in shipped:
            if shipped[item.id] != item:
                problems.append(f"{where}: property {item.id!r} is shipped and differs: choose another id")
        elif before is not None and (before.unit, before.type) != (item.unit, item.type):
            problems.append(
                f"{where}: property {item.id!r} is registered as {before.type} in {before.unit!r}; what is stored would"
                " change its meaning: choose another id"
            )


def _assets(draft: Draft, networks: frozenset[str], problems: list[str]) -> None:
    _unique(((w, a.id) for w, a in draft.assets), "asset", problems)
    for where, asset in draft.assets:
        _identifier(where, "asset", asset.id, problems)
        if asset.network not in networks:
            problems.append(f"{where}: network {asset.network!r} is unknown: correct it or add it to networks.csv")
        if not AREA.fullmatch(asset.area):
            problems.append(f"{where}: area {asset.area!r} is not a GB/T 2260 code: give 2, 4, 6, 9 or 12 digits")
        elif exercise_of(asset.area) is not None:
            problems.append(f"{where}: area {asset.area!r} is for exercises: give the code of a real area")
        _unreserved(where, "asset", asset.id, problems)


def _devices(draft: Draft, assets: frozenset[str], problems: list[str]) -> None:
    _unique(((w, d.id) for w, d in draft.devices), "device", problems)
    for where, device in draft.devices:
        _identifier(where, "device", device.id, problems)
        _unreserved(where, "device", device.id, problems)
        _texts(where, {"model": device.model}, problems)
        if device.asset not in assets:
            problems.append(f"{where}: asset {device.asset!r} is unknown: add it to assets.geojson or correct the id")


def _datastreams(
    draft: Draft, devices: frozenset[str], properties: Mapping[str, Property], problems: list[str]
) -> None:
    _unique(((w, f"{s.device} {s.property}") for w, s in draft.datastreams), "datastream", problems)
    for where, stream in draft.datastreams:
        if stream.device not in devices:
            problems.append(f"{where}: device {stream.device!r} is unknown: add it to devices.csv or correct the id")
        item = properties.get(stream.property)
        if item is None:
            problems.append(f"{where}: property {stream.property!r} is unknown: correct it or add it to properties.csv")
        elif stream.unit != item.unit:
            problems.append(
                f"{where}: unit {stream.unit!r} is not {item.unit!r}, the unit of {item.id}: convert the values or"
                " define a property of your own in properties.csv"
            )


def _links(draft: Draft, assets: frozenset[str], problems: list[str]) -> None:
    _unique(((w, f"{x.from_asset} {x.relation} {x.to_asset}") for w, x in draft.links), "link", problems)
    for where, link in draft.links:
        problems.extend(
            f"{where}: asset {asset!r} is unknown: add it to assets.geojson or correct the id"
            for asset in dict.fromkeys((link.from_asset, link.to_asset))
            if asset not in assets
        )
        if link.relation not in RELATIONS:
            problems.append(f"{where}: relation {link.relation!r} is unknown: use one of {', '.join(RELATIONS)}")
        if link.from_asset == link.to_asset:
            problems.append(f"{where}: asset {link.from_asset!r} is linked with itself: correct one end")
