"""Chicago storms: every millimetre falls, the peak lies where it should, and far places get it later and less."""

import numpy as np
import pytest

from simulators.town.drainage_storm import fallen, intensity_mm_h, rain_mm
from tests.support.storm_water import STORM, at, event

#: The design storm of 38 mm in two hours that the facts about the district were measured with, mm/h in each 5 min.
MEASURED_WITH = (
    *(6.7, 7.3, 8.2, 9.3, 10.8, 13.0, 16.6, 23.1, 39.1, 87.5, 57.5, 34.4),
    *(24.6, 19.2, 15.8, 13.5, 11.8, 10.5, 9.5, 8.7, 8.0, 7.5, 7.0, 6.6),
)
MINUTE = 60_000_000


def minutes(first: int, last: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return at(14) + np.arange(first, last + 1, dtype=np.int64) * MINUTE


@pytest.mark.parametrize(("depth", "lasts", "peak"), [(38, 120, 0.4), (80, 60, 0.5), (12.5, 300, 0.25)])
def test_all_of_it_falls_and_most_at_the_peak(depth: float, lasts: float, peak: float) -> None:
    storm = event("drainage.storm", None, at(14), depth=depth, minutes=lasts, peak=peak)
    each = np.diff(rain_mm(minutes(-60, 600), [storm]))
    assert each.sum() == pytest.approx(depth)
    assert each[:60].max() == 0
    assert each[60 + int(lasts) :].max() < 1e-9
    assert abs(int(each.argmax()) - 60 - lasts * peak) <= 1
    assert each.min() > -1e-9


def test_it_is_the_storm_of_keifer_and_chu() -> None:
    """Intensity some minutes before the peak is A ((1 - n) t / r + b) / (t / r + b)^(1 + n), and likewise after it."""
    b, n, r, lasts, depth = 10, 0.72, 0.4, 120, 38
    a = depth * (lasts + b) ** n / lasts
    instants = np.array([10.0, 30.0, 47.0, 49.0, 80.0, 110.0])
    width = 1e-4
    upto = [fallen(instants + side * width / 2, depth_mm=depth, lasts_min=lasts, peak=r) for side in (-1, 1)]
    away = np.where(instants < r * lasts, (r * lasts - instants) / r, (instants - r * lasts) / (1 - r))
    assert np.allclose((upto[1] - upto[0]) / width, a * ((1 - n) * away + b) / (away + b) ** (1 + n), rtol=1e-5)


def test_the_default_is_the_design_storm() -> None:
    each = np.diff(rain_mm(at(14) + np.arange(25, dtype=np.int64) * 5 * MINUTE, [STORM])) * 12
    assert np.allclose(each, MEASURED_WITH, atol=0.06)


def test_a_gauge_reports_the_minute_before() -> None:
    reported = intensity_mm_h(minutes(0, 120), [STORM])
    assert reported[0] == 0
    assert reported.sum() / 60 == pytest.approx(38)
    assert intensity_mm_h(minutes(130, 140), [STORM]).max() == 0


def test_it_comes_later_and_weaker_to_far_districts_and_two_add_up() -> None:
    here, there = (np.diff(rain_mm(minutes(0, 240), [STORM], off_m=off)) for off in (0.0, 4800.0))
    assert there.argmax() == here.argmax() + 10
    assert 0.8 < there.sum() / here.sum() < 0.9
    assert np.allclose(rain_mm(minutes(0, 240), [STORM, STORM]), 2 * rain_mm(minutes(0, 240), [STORM]))
