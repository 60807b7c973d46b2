"""The figures of the benchmark, with room for a slow machine: what the arrays are for."""

from benchmarks.rules import measure


def test_the_engine_is_many_times_faster_than_a_loop() -> None:
    figures = measure(datastreams=20_000, rounds=10)
    assert figures.ratio_to_loop >= 20
    assert figures.observations_per_s >= 1_000_000
    assert figures.moving_per_s >= 100_000
