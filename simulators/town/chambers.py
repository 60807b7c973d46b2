"""The air of a chamber as one well-mixed box: gas comes in, air is exchanged, and what is in it follows exactly.

For the part C of a gas that enters as Q (m3/h) into a volume V (m3), with an exchange of air A (m3/h):

    V dC/dt = Q (1 - C) - A C

so C strives for Q / (Q + A) with the time constant V / (Q + A). Within a step everything but C stands still, so it is
solved exactly: it is stable and right for steps of any length. Hydrogen sulfide (mg/m3) and oxygen follow the same
equation with their own sources.

No standard gives these parameters: volume, exchange of air, the part of a leak that reaches a chamber and how long it
takes are ours. They are chosen so that a hole of 3 mm is found within hours and one of 25 mm within the half hour.
"""

import math
from dataclasses import dataclass

import numpy as np

from simulators.town.truth import Series

#: Lower explosive limit of methane in air, percent by volume: 100 %LEL. China takes 5 % (GB/T 50493, as quoted by
#: detector makers), IEC 60079-20-1 4.4 %.
LEL_PERCENT = 5.0
#: Oxygen of outside air, percent by volume.
AIR_O2 = 20.9
#: Methane in biogas of sewage, part by volume; the rest is carbon dioxide (usual 55 to 70 %).
BIOGAS_CH4 = 0.6
#: Oxygen that rotting uses up for each volume of methane that it yields (ours: oxygen falls below 19.5 % with 30 %LEL).
_OXYGEN_USED = 1.5
#: Gas that travels through soil gets thinner with distance (metres to a part of 1/e), takes longer (metres to twice the
#: time), and does not go farther than so many metres. Ours.
_THINNER_M, _LATER_M, FARTHEST_M = 50.0, 30.0, 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Biogas:
    """What rotting sludge gives off into a chamber, first as it rises to its peak and then as it holds it.

    Attributes:
        ch4: Methane, m3/h.
        h2s: Hydrogen sulfide, mg/h.
        o2: Oxygen used up, m3/h.
    """

    ch4: tuple[float, float]
    h2s: tuple[float, float]
    o2: tuple[float, float]


def mixed(start: Series, feed: Series, loss: Series, step_h: float) -> Series:
    """The solution of dx/dt = feed - loss x at every instant; feed and loss of an instant hold until the next.

    Args:
        start: At the first instant. [boxes]
        feed: What comes in, in units of x an hour. [instants, boxes]
        loss: Part that is exchanged an hour. [instants, boxes]
        step_h: Hours between two instants.
    """
    left = np.exp(-loss * step_h)
    with np.errstate(divide="ignore", invalid="ignore"):
        gained = np.where(loss > 0, feed / loss * (1 - left), feed * step_h)
    found = np.empty_like(feed)
    found[0] = start
    for k in range(1, len(feed)):
        found[k] = found[k - 1] * left[k - 1] + gained[k - 1]
    return found


def methane(start: Series, gas: Series, exchange: Series, volume: Series, step_h: float) -> Series:
    """Part by volume of methane, when so much of it flows in; m3/h and m3."""
    return mixed(start, gas / volume, (gas + exchange) / volume, step_h)


def sulfide(start: Series, given: Series, gas: Series, exchange: Series, volume: Series, step_h: float) -> Series:
    """Hydrogen sulfide in mg/m3, when so many mg/h are given off and so much other gas flows in."""
    return mixed(start, given / volume, (gas + exchange) / volume, step_h)


def oxygen(start: Series, used: Series, gas: Series, exchange: Series, volume: Series, step_h: float) -> Series:
    """Oxygen in percent by volume, when so much is used up (m3/h) and so much other gas displaces the air."""
    feed = (exchange * AIR_O2 - used * 100) / volume
    return np.maximum(mixed(start, feed, (gas + exchange) / volume, step_h), 0.0)


def lel(part: Series) -> Series:
    """Part by volume of methane -> percent of its lower explosive limit."""
    return part * (100 / LEL_PERCENT * 100)


def reach(metres: float) -> float:
    """How much thinner gas arrives at a distance from the hole; 1 at the hole, 0 beyond the farthest."""
    return math.exp(-metres / _THINNER_M) if metres <= FARTHEST_M else 0.0


def delay(metres: float) -> float:
    """How many times as long gas needs as into a chamber at the hole."""
    return 1 + metres / _LATER_M


def biogas(*, peak_lel: float, peak_mg: float, hours: float, exchange: float, volume: float) -> Biogas:
    """Sources with which methane and hydrogen sulfide rise to their peaks within some hours, and stay there.

    Args:
        peak_lel: Methane at the peak, percent of its lower explosive limit.
        peak_mg: Hydrogen sulfide at the peak, mg/m3.
        hours: From clean air to the peak.
        exchange: Air exchanged, m3/h.
        volume: Of the chamber, m3.
    """
    peak = peak_lel * LEL_PERCENT / 1e4
    holds = peak * exchange / (1 - peak)
    rises = holds
    # The source that meets the peak at the hour: found by repeating, since it also speeds up the exchange.
    for _ in range(60):
        rises = peak * (rises + exchange) / (1 - math.exp(-(rises + exchange) * hours / volume))
    # Hydrogen sulfide and oxygen are exchanged by the whole of the biogas.
    turnover = rises / BIOGAS_CH4 + exchange, holds / BIOGAS_CH4 + exchange
    within = 1 - math.exp(-turnover[0] * hours / volume)
    used = _OXYGEN_USED * peak
    return Biogas(
        ch4=(rises, holds),
        h2s=(peak_mg * turnover[0] / within, peak_mg * turnover[1]),
        o2=(used * turnover[0] / within, used * turnover[1]),
    )
