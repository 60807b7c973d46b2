"""The load flow of one feeder: a two-wire cable with equal stretches, a lamp at the end of each.

Every lamp draws the power that its driver asks for, whatever its voltage; so the voltages are found by sweeping to and
fro: currents from the voltages, then voltages from Ohm's law along the cable, until neither moves any more.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.town.lighting_plan import REACTANCE_OHM_KM, RESISTANCE_OHM_KM, SPACING_M
from simulators.town.truth import Series

#: Go and return of one stretch, ohm.
STRETCH_OHM = 2 * SPACING_M / 1000 * complex(RESISTANCE_OHM_KM, REACTANCE_OHM_KM)
#: The sweeps end when no voltage moves by more, V.
_SETTLED_V = 1e-9
#: Each sweep divides the error by ten or so; a cable that needs more cannot carry its load.
_MOST_SWEEPS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Flow:
    """What a feeder carries.

    Attributes:
        volts: At each lamp. [steps, lamps]
        amperes: Into the feeder. [steps]
        watts: Into the feeder, losses of the cable included. [steps]
        lost_w: In the cable. [steps]
    """

    volts: Series
    amperes: Series
    watts: Series
    lost_w: Series


def flow(supply: Series, power: Series, factor: Series) -> Flow:
    """The flow of a feeder at each step.

    Args:
        supply: Voltage at the cabinet; 0 is a dead feeder. [steps]
        power: Active power of each lamp, W. [steps, lamps]
        factor: Power factor of the lamps, lagging. [steps]

    Raises:
        ArithmeticError: The cable cannot carry this load.
    """
    live = supply > 0
    # A dead feeder is solved like a live one and switched off afterwards: no division by zero.
    source = np.where(live, supply, 1.0)[:, np.newaxis].astype(np.complex128)
    apparent = np.where(live[:, np.newaxis], power * (1 + 1j * np.tan(np.arccos(factor)))[:, np.newaxis], 0)
    volts: NDArray[np.complex128] = np.broadcast_to(source, power.shape)
    for _ in range(_MOST_SWEEPS):
        carried = np.cumsum(np.conj(apparent / volts)[:, ::-1], axis=1)[:, ::-1]
        settled = source - np.cumsum(STRETCH_OHM * carried, axis=1)
        moved = float(np.max(np.abs(settled - volts), initial=0.0))
        volts = settled
        if moved < _SETTLED_V:
            break
    else:
        raise ArithmeticError("a feeder has no solution: its lamps ask for more than its cable can carry")
    inflow = carried[:, 0]
    return Flow(
        volts=np.where(live[:, np.newaxis], np.abs(volts), 0.0),
        amperes=np.abs(inflow) * live,
        watts=np.real(source[:, 0] * np.conj(inflow)) * live,
        lost_w=np.sum(np.abs(carried) ** 2, axis=1) * STRETCH_OHM.real * live,
    )
