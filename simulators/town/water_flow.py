"""How water flows on an average day: enough to say what lies upstream of what, without starting an engine."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.town.water_net import Network

#: Hazen-Williams in SI (EPANET 2.2 user manual, table 3.1): loss = 10.667 L Q^1.852 / (C^1.852 d^4.871).
_EXPONENT = 1.852
#: Rounds of the linear theory method; flows of ky4 move by less than 0.1 % after it.
_ROUNDS = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class Flow:
    """A steady state.

    Attributes:
        into: Node -> where most of its water comes from, and how much of it, m3/s; the source has none.
        loss_m: Node -> head lost on the way from the source.
        rate: Link -> flow from its start to its end, m3/s.
    """

    into: Mapping[str, tuple[str, float]]
    loss_m: Mapping[str, float]
    rate: Mapping[str, float]

    def path(self, node: str) -> tuple[str, ...]:
        """From a node back to the source, along the larger inflow each time."""
        found = [node]
        while found[-1] in self.into and self.into[found[-1]][0] not in found:
            found.append(self.into[found[-1]][0])
        return tuple(found)


def average(network: Network) -> Flow:
    """Mean use everywhere, pumps that lose nothing, tanks at rest."""
    number = {node: i for i, node in enumerate(network.nodes)}
    spans = [(p.id, p.start, p.end, p.length_m, p.diameter_mm, p.roughness) for p in network.pipes if _carries(p.state)]
    # A pump is a short wide pipe here: it adds head, but does not choose the way of the water.
    spans += [(p.id, p.start, p.end, 1.0, 1000.0, 150.0) for p in network.pumps]
    starts = np.array([number[s[1]] for s in spans])
    ends = np.array([number[s[2]] for s in spans])
    length, diameter, rough = (np.array([s[k] for s in spans], dtype=np.float64) for k in (3, 4, 5))
    resistance = 10.667 * length / (rough**_EXPONENT * (diameter / 1000) ** 4.871)
    uses = np.zeros(len(number))
    for junction in network.junctions:
        uses[number[junction.id]] = junction.demand_lps / 1000
    source = number[network.source]
    free = np.array([i for i in range(len(number)) if i != source])
    flow: NDArray[np.float64] = np.full(len(spans), 0.005)
    heads = np.zeros(len(number))
    for _ in range(_ROUNDS):
        conductance = 1.0 / (resistance * np.maximum(np.abs(flow), 1e-6) ** (_EXPONENT - 1))
        matrix = np.zeros((len(number), len(number)))
        np.add.at(matrix, (starts, starts), conductance)
        np.add.at(matrix, (ends, ends), conductance)
        np.add.at(matrix, (starts, ends), -conductance)
        np.add.at(matrix, (ends, starts), -conductance)
        # A node that hangs on nothing keeps a head of zero.
        matrix[np.diag_indices_from(matrix)] += 1e-12
        heads[free] = np.linalg.solve(matrix[np.ix_(free, free)], -uses[free])
        flow = 0.5 * (flow + conductance * (heads[starts] - heads[ends]))
    into: dict[str, tuple[str, float]] = {}
    rate = {}
    for (name, start, end, *_), value in zip(spans, flow.tolist(), strict=True):
        rate[name] = value
        upper, lower = (start, end) if value >= 0 else (end, start)
        if abs(value) > into.get(lower, ("", 0.0))[1] and lower != network.source:
            into[lower] = (upper, abs(value))
    return Flow(into=into, loss_m={node: -float(heads[i]) for node, i in number.items()}, rate=rate)


def _carries(state: str) -> bool:
    return state == "Open"
