"""How water flows on an average day: enough to say what lies upstream of what, without starting an engine."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simulators.town.water_net import Network

#: Hazen-Williams in SI (EPANET 2.2 user manual, table 3.1): loss = 10.667 L Q^1.852 / (C^1.852 d^4.871).
_EXPONENT = 1.852
#: Rounds of the global gradient method (Todini and Pilati 1988), as EPANET uses it; flows stand still long before.
_ROUNDS = 14


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


@lru_cache(maxsize=2)
def average(network: Network) -> Flow:
    """Mean use everywhere, pumps that lose nothing, tanks at rest."""
    from scipy.sparse import coo_array
    from scipy.sparse.linalg import spsolve

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
    every = np.arange(len(number))
    rows = np.concatenate((starts, ends, starts, ends, every))
    columns = np.concatenate((starts, ends, ends, starts, every))
    # A node that hangs on nothing keeps a head of zero.
    tiny = np.full(len(number), 1e-12)
    for _ in range(_ROUNDS):
        steep = resistance * np.maximum(np.abs(flow), 1e-6) ** (_EXPONENT - 1)
        conductance = 1.0 / (_EXPONENT * steep)
        # What flows at the heads of now, less what Newton's step changes.
        kept = flow - conductance * steep * flow
        matrix = coo_array(
            (np.concatenate((conductance, conductance, -conductance, -conductance, tiny)), (rows, columns)),
            shape=(len(number), len(number)),
        ).tocsc()
        lacks = -uses
        np.subtract.at(lacks, starts, kept)
        np.add.at(lacks, ends, kept)
        heads[free] = spsolve(matrix[free][:, free], lacks[free])
        flow = kept + conductance * (heads[starts] - heads[ends])
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
