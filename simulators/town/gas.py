"""Medium-pressure gas of the town: laid along streets, solved by pandapipes."""

from simulators.town.gas_field import NETWORK
from simulators.town.gas_network import planned
from simulators.town.ground import Ground
from simulators.town.layout import Layout

__all__ = ["lay"]


def lay(ground: Ground, seed: int) -> Layout:
    """The gas network of a ground: stations, valve wells, test posts, mains.

    Valve wells measure what gathers in them, which needs the water of the streets: their signals come from
    `simulators.town.manholes`, as those of manholes do.
    """
    plan, field = planned(ground, seed)
    return Layout(
        network=NETWORK,
        assets=tuple(field.assets),
        instruments=tuple(field.instruments),
        links=field.links(len(plan.gates)),
        plan=plan,
    )
