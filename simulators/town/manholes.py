"""Manholes and valve wells of the town: covers, water, and the air in the chambers."""

from simulators.town.drainage_network import Plan as Drains
from simulators.town.gas_plan import GasPlan
from simulators.town.ground import Ground
from simulators.town.layout import Layout
from simulators.town.manholes_field import NETWORK, furnished

__all__ = ["lay"]


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
