"""The height of the sun over a place, and how light it makes the street."""

import numpy as np

from simulators.town.truth import Series, Times

#: 2000-01-01 12:00 UTC, from which almanacs count, in microseconds since 1970.
_J2000 = 946_728_000_000_000
_DAY = 86_400_000_000
#: Brightness of the ground under a clear sky by the sun's altitude: polynomials in altitude / 90 of log10(lx), each
#: up to an altitude in degrees (Janiczek and DeYoung, "Computer programs for sun and moon illuminance", U.S. Naval
#: Observatory Circular 171, 1987).
_BRIGHTNESS = (
    (-12.0, (13.84, 262.72, 1447.42, 2797.93)),
    (-5.0, (2.70, 12.17, -431.69, -1899.83)),
    (-0.8, (2.88, 21.81, -258.11, -858.36)),
    (5.0, (2.88, 22.26, -207.64, 1034.30)),
    (20.0, (3.05, 13.28, -45.98, 64.33)),
    (90.0, (3.74, 3.97, -4.07, 1.47)),
)
#: Darker than this the sun does nothing.
_NIGHT = -18.0


def elevation(times: Times, longitude: float, latitude: float) -> Series:
    """Altitude of the sun's centre in degrees, without refraction.

    Low-precision formulas of the Astronomical Almanac ("Approximate solar coordinates"), good to about one minute of
    arc, that is, to some seconds of the times of dusk and dawn.

    Args:
        times: Microseconds since 1970, UTC.
        longitude: Degrees east.
        latitude: Degrees north.
    """
    days = (times - _J2000) / _DAY
    anomaly = np.radians(357.529 + 0.98560028 * days)
    ecliptic = np.radians(280.459 + 0.98564736 * days + 1.915 * np.sin(anomaly) + 0.020 * np.sin(2 * anomaly))
    tilt = np.radians(23.439 - 0.00000036 * days)
    ascension = np.arctan2(np.cos(tilt) * np.sin(ecliptic), np.cos(ecliptic))
    declination = np.arcsin(np.sin(tilt) * np.sin(ecliptic))
    sidereal = np.radians((18.697374558 + 24.06570982441908 * days) % 24 * 15 + longitude)
    place = np.radians(latitude)
    sine = np.sin(place) * np.sin(declination) + np.cos(place) * np.cos(declination) * np.cos(sidereal - ascension)
    return np.asarray(np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0))), dtype=np.float64)


def daylight(altitude: Series) -> Series:
    """Illuminance of level ground under a clear sky, lx."""
    part = altitude / 90.0
    exponents = np.select(
        [altitude <= highest for highest, _ in _BRIGHTNESS],
        [np.polynomial.polynomial.polyval(part, factors) for _, factors in _BRIGHTNESS],
    )
    return np.where(altitude > _NIGHT, 10.0**exponents, 0.0)
