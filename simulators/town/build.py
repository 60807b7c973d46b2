"""The town as a whole: five networks on one ground, the links between them, and its registry."""

from dataclasses import replace

from domain.catalogue import properties
from domain.registry import Asset, Datastream, Device, Link, Registry
from simulators.county import distance_m
from simulators.town import drainage, gas, lighting, manholes, water
from simulators.town.ground import Scale, ground
from simulators.town.layout import Instrument, Layout, Town
from simulators.town.manholes_field import ManholePlan

#: Gas travels this far through soil and ducts from chamber to chamber; ours, after their spacing in streets.
_ADJACENT_M = 45.0
#: From which network a thing of one kind hangs on the nearest thing of another.
_NEAREST = (
    ("pump_station", "powered_by", "cabinet"),
    ("booster_station", "powered_by", "cabinet"),
    ("underpass", "adjacent_to", "cabinet"),
    ("manhole", "drains_to", "pump_station"),
    ("deep_manhole", "drains_to", "pump_station"),
)


def build(scale: Scale = "test", seed: int = 1, *, sample_s: int | None = None) -> Town:
    """The town of a scale and a seed; the same two always give the same town.

    Args:
        scale: `town` (about 400 assets, 1,500 datastreams) or `test` (about 50 assets).
        seed: Decides where things stand exactly and how each differs from the others.
        sample_s: Seconds between samples of every instrument, in place of each one's own.

    Raises:
        ConfigurationError: The engines are not installed.
    """
    here = ground(scale)
    laid = {
        "water": water.lay(here, seed),
        "drainage": drainage.lay(here, seed),
        "gas": gas.lay(here, seed),
    }
    laid["lighting"] = lighting.lay(here, seed, laid["drainage"])
    laid["manhole"] = manholes.lay(here, seed, laid["drainage"], laid["gas"])
    covers = laid["manhole"].plan
    if isinstance(covers, ManholePlan):
        # What is let in at a manhole flows in the drain below it.
        laid["drainage"] = drainage.standing_on(laid["drainage"], covers.stands)
    if sample_s is not None:
        laid = {name: _sampled(layout, sample_s) for name, layout in laid.items()}
    town = Town(scale=scale, seed=seed, layouts=laid)
    return replace(town, links=tuple(_between(town)))


def registry(town: Town) -> Registry:
    """The registry of a town, as `lifeline registry import` takes it."""
    units = {p.id: p.unit for p in properties()}
    return Registry(
        assets=town.assets,
        devices=tuple(
            Device(id=one.device, asset=one.asset, model=one.model, reporting_interval_s=one.heartbeat_s)
            for one in town.instruments
        ),
        datastreams=tuple(
            Datastream(device=one.device, property=name, unit=units[name])
            for one in town.instruments
            for name in one.properties
        ),
        links=tuple(link for layout in town.layouts.values() for link in layout.links) + town.links,
    )


def _sampled(layout: Layout, sample_s: int) -> Layout:
    return replace(layout, instruments=tuple(_paced(one, sample_s) for one in layout.instruments))


def _paced(one: Instrument, sample_s: int) -> Instrument:
    """Faster or slower; how many samples an instrument may keep to itself stays the same."""
    return replace(one, sample_s=sample_s, heartbeat_s=one.heartbeat_s * sample_s // one.sample_s)


def _between(town: Town) -> list[Link]:
    """Links between networks that no network has laid itself."""
    known = {
        (link.from_asset, link.relation, link.to_asset) for layout in town.layouts.values() for link in layout.links
    }
    wells = _of(town, "valve_well")
    chambers = _of(town, "manhole", "deep_manhole")
    pairs = [(w.id, "adjacent_to", c.id) for w in wells for c in chambers if distance_m(w, c) <= _ADJACENT_M]
    for kind, relation, server in _NEAREST:
        servers = _of(town, server)
        taken = {(one, said) for one, said, _ in known}
        pairs += [
            (asset.id, relation, min(servers, key=lambda s: (distance_m(asset, s), s.id)).id)
            for asset in _of(town, kind)
            if servers and (asset.id, relation) not in taken
        ]
    return [
        Link(from_asset=one, relation=said, to_asset=other)
        for one, said, other in pairs
        if (one, said, other) not in known
    ]


def _of(town: Town, *kinds: str) -> list[Asset]:
    return [asset for asset in town.assets if asset.kind in kinds]
