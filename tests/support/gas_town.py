"""Gas and manholes of the town for tests: laid, solved once for equal questions, judged by the rules."""

from functools import lru_cache

from domain.registry import Asset, Link
from rules.history import Episode
from simulators.county import distance_m
from simulators.town import drainage, gas, manholes
from simulators.town.gas_plan import GasPlan
from simulators.town.ground import Scale, ground
from simulators.town.happenings import KINDS, Happening
from simulators.town.layout import Layout
from simulators.town.manholes_field import ManholePlan
from simulators.town.truth import Span, Truth, together
from tests.support.ruled_truth import episodes

SECOND, HOUR, DAY = 1_000_000, 3_600_000_000, 86_400_000_000
#: A midnight of the county (UTC+8): Monday, 2 June 2025.
MIDNIGHT = 1_748_793_600 * SECOND
QUIET = Span(start=MIDNIGHT, steps=1440)


def at(hours: float) -> int:
    """So many hours after the midnight."""
    return MIDNIGHT + round(hours * HOUR)


def event(kind: str, target: str | None, since: float, until: float | None = None, **parameters: float) -> Happening:
    """Something that happens from one hour to another; parameters that are not said have their defaults."""
    filled = {name: one.default for name, one in KINDS[kind].parameters.items()} | parameters
    return Happening(
        kind=kind,
        target=target,
        since=at(since),
        until=None if until is None else at(until),
        parameters=filled,
    )


@lru_cache(maxsize=8)
def laid(scale: Scale = "test", seed: int = 1) -> tuple[Layout, Layout, Layout]:
    """Drainage, gas and manholes."""
    here = ground(scale)
    drains, mains = drainage.lay(here, seed), gas.lay(here, seed)
    return drains, mains, manholes.lay(here, seed, drains, mains)


def gas_plan(scale: Scale = "test", seed: int = 1) -> GasPlan:
    plan = laid(scale, seed)[1].plan
    assert isinstance(plan, GasPlan)
    return plan


def manhole_plan(scale: Scale = "test", seed: int = 1) -> ManholePlan:
    plan = laid(scale, seed)[2].plan
    assert isinstance(plan, ManholePlan)
    return plan


def solved(*happenings: Happening, span: Span = QUIET, scale: Scale = "test", seed: int = 1) -> Truth:
    """The truth of drainage, gas and manholes together."""
    below = [_engine(network, happenings, span, scale, seed) for network in ("drainage", "gas")]
    under = together(span, below)
    return together(span, [*below, manholes.solve(laid(scale, seed)[2], span, happenings, seed, under)])


def mains(*happenings: Happening, span: Span = QUIET, scale: Scale = "test", seed: int = 1) -> Truth:
    """The truth of gas alone."""
    return _engine("gas", happenings, span, scale, seed)


def _engine(network: str, happenings: tuple[Happening, ...], span: Span, scale: Scale, seed: int) -> Truth:
    domains = ("gas",) if network == "gas" else ("drainage", "power")
    own = tuple(h for h in happenings if KINDS[h.kind].domain in domains)
    key = (network, span, scale, seed, tuple(h.identity for h in own))
    if key not in _SOLVED:
        drains, gases, _ = laid(scale, seed)
        _SOLVED[key] = (
            gas.solve(gases, span, own, seed) if network == "gas" else drainage.solve(drains, span, own, seed)
        )
    return _SOLVED[key]


_SOLVED: dict[object, Truth] = {}


def raised(*happenings: Happening, span: Span = QUIET, scale: Scale = "test", seed: int = 1) -> tuple[Episode, ...]:
    """What all rules raise on the truth itself, with the links between valve wells and manholes."""
    layouts = laid(scale, seed)
    assets = [asset for layout in layouts for asset in layout.assets]
    beside = tuple(
        Link(from_asset=well.id, relation="adjacent_to", to_asset=chamber.id)
        for well in _of(assets, "valve_well")
        for chamber in _of(assets, "manhole", "deep_manhole")
        if distance_m(well, chamber) <= 45
    )
    return episodes(solved(*happenings, span=span, scale=scale, seed=seed), *layouts, links=beside)


def _of(assets: list[Asset], *kinds: str) -> list[Asset]:
    return [asset for asset in assets if asset.kind in kinds]
