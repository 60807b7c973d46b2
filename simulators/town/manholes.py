"""Manholes and valve wells of the town: covers, water, and the air in the chambers.

Covers and water follow the drains; air follows leaks of gas, sewage that rots, and water that blinds detectors. Valve
wells belong to the gas network, but what they measure is said here, for it needs the water of the street as well.
"""

from collections.abc import Sequence

from simulators.town.drainage_network import Plan as Drains
from simulators.town.gas_plan import GasPlan
from simulators.town.ground import Ground
from simulators.town.happenings import Happening, of_domains
from simulators.town.layout import Layout
from simulators.town.manholes_air import Chambers
from simulators.town.manholes_covers import cover
from simulators.town.manholes_field import NETWORK, ManholePlan, furnished
from simulators.town.truth import Series, Span, Truth

__all__ = ["lay", "solve"]


def lay(ground: Ground, seed: int, drainage: Layout, gas: Layout) -> Layout:  # noqa: ARG001 - networks are laid alike
    """The manholes of a ground: deep ones beside valve wells, others on sewers, at town scale also elsewhere.

    Args:
        ground: The ground.
        seed: Of the town; manholes stand where sewers and wells do, so nothing else depends on it.
        drainage: On whose nodes they stand.
        gas: Beside whose valve wells deep ones stand.
    """
    if not isinstance(drainage.plan, Drains) or not isinstance(gas.plan, GasPlan):
        raise TypeError("manholes are laid on drainage and beside gas")
    wells = {well: gas.plan.holes[well] for well in gas.plan.wells}
    plan, assets, instruments = furnished(ground, drainage.plan, gas.plan, wells)
    return Layout(network=NETWORK, assets=assets, instruments=instruments, plan=plan)


def solve(layout: Layout, span: Span, happenings: Sequence[Happening], seed: int, truth: Truth) -> Truth:
    """What covers, levels and detectors read, those of valve wells too.

    Args:
        layout: The manholes.
        span: The instants.
        happenings: What happens to manholes and to gas; the rest is in the truth.
        seed: Of the town.
        truth: Of drainage and gas over the same span.
    """
    plan = layout.plan
    if not isinstance(plan, ManholePlan):
        raise TypeError("the layout is not one of manholes")
    events = of_domains(happenings, "manhole", "gas")
    covers = {asset.id: cover(plan, asset.id, span, events, seed, truth) for asset in layout.assets}
    opened = {name: covers[name].open for name in plan.deep}
    air = Chambers(plan, span, events, seed, truth, opened).air()
    signals: dict[tuple[str, str], Series] = {}
    for name, found in covers.items():
        signals[f"{name}-d", "manhole.tilt"] = found.tilt
        signals[f"{name}-d", "manhole.open"] = found.open
    for column, name in enumerate(air.chambers):
        if name in plan.gas.wells:
            signals[f"{name}-d", "gas.ch4.chamber"] = air.ch4[:, column]
            signals[f"{name}-d", "gas.well.water"] = air.under[:, column].astype(float)
        else:
            signals[f"{name}-d", "manhole.level"] = truth.of("drainage.depth", plan.stands[name])
            signals[f"{name}-d", "manhole.ch4"] = air.ch4[:, column]
            signals[f"{name}-d", "manhole.h2s"] = air.h2s[:, column]
            signals[f"{name}-d", "manhole.o2"] = air.o2[:, column]
    return Truth(span=span, signals=signals)
