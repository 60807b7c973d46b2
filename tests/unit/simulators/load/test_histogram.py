"""Durations in buckets: quantiles within one percent, the longest exactly, and nothing forgotten."""

import numpy as np
import pytest

from simulators.load.histogram import Histogram


def test_nothing_recorded_has_no_quantiles() -> None:
    found = Histogram().quantiles()

    assert (found.p50, found.p99, found.max) == (None, None, None)


@pytest.mark.parametrize("part", [0.001, 0.5, 0.9, 0.99, 0.999, 1.0])
def test_a_quantile_is_at_most_one_percent_above_the_true_one(part: float) -> None:
    durations = np.random.default_rng(1).lognormal(-6, 2, 20_000)
    histogram = Histogram()
    histogram.record(durations)

    true = float(np.quantile(durations, part, method="inverted_cdf"))
    found = histogram.quantile(part)
    assert found is not None
    assert true * 0.999 <= found <= true * 1.011


def test_one_very_late_message_shows_in_the_maximum_and_two_in_a_hundred_in_the_99th_percentile() -> None:
    histogram = Histogram()
    histogram.record([0.001] * 98)
    histogram.record([5.0, 7.0])
    found = histogram.quantiles()

    assert found.p50 == pytest.approx(1, rel=0.01)
    assert found.p99 == pytest.approx(5000, rel=0.01)
    assert found.max == 7000
    assert len(histogram) == 100


def test_durations_beyond_every_bucket_are_counted_too() -> None:
    histogram = Histogram()
    histogram.record([0.0, -1.0, 1e-9, 1e9])

    assert len(histogram) == 4
    assert histogram.quantile(0.5) == pytest.approx(1e-6)
    assert histogram.quantiles().max == 1e12


def test_its_memory_does_not_grow() -> None:
    histogram = Histogram()
    sizes = set()
    for _ in range(3):
        histogram.record(np.random.default_rng(2).uniform(0, 10, 50_000))
        sizes.add(histogram._counts.nbytes)

    assert sizes == {histogram._counts.nbytes}
    assert histogram._counts.nbytes < 50_000
