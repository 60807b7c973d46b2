"""How much gas a hole lets out: an orifice, choked while the main has about twice the pressure of the air outside."""

import math

#: Methane at the temperature of the ground: ratio of specific heats, gas constant J/(kg K) (NIST Chemistry WebBook).
GAMMA, GAS_CONSTANT = 1.31, 518.3
GROUND_K = 288.15
ATMOSPHERE_PA = 101_325.0
#: Methane at normal conditions (0 Cel, 101.325 kPa), kg/m3: as pandapipes has it, so that its balance closes.
NORMAL_KG_M3 = 0.70788
#: Discharge coefficient of a torn or rusted hole: ours, between 0.61 of slow and 0.84 of choked flow through a sharp
#: edge; with it holes of 3 to 15 mm let out what was measured on a ring of this kind (18 m3/h at 3 mm and 2.9 bar).
DISCHARGE = 0.75
_CRITICAL = (2 / (GAMMA + 1)) ** (GAMMA / (GAMMA - 1))


def leak_kg_s(hole_mm: float, gauge_kpa: float) -> float:
    """Mass flow out of a round hole in a main; nothing without pressure.

    Choked above 0.84 bar of gauge pressure, then proportional to the absolute pressure; below that the formula of
    isentropic flow through an orifice.

    Args:
        hole_mm: Diameter.
        gauge_kpa: Pressure in the main above the air outside.
    """
    if gauge_kpa <= 0:
        return 0.0
    inside = ATMOSPHERE_PA + gauge_kpa * 1000
    area = math.pi / 4 * (hole_mm / 1000) ** 2
    ratio = max(ATMOSPHERE_PA / inside, _CRITICAL)
    psi = math.sqrt(2 * GAMMA / (GAMMA - 1) * (ratio ** (2 / GAMMA) - ratio ** ((GAMMA + 1) / GAMMA)))
    return DISCHARGE * area * inside * psi / math.sqrt(GAS_CONSTANT * GROUND_K)


def normal_m3h(kg_s: float) -> float:
    """Mass flow as a volume at normal conditions an hour."""
    return kg_s * 3600 / NORMAL_KG_M3


def kg_s(normal: float) -> float:
    """Volume at normal conditions an hour as a mass flow."""
    return normal * NORMAL_KG_M3 / 3600
