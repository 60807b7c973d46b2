"""Retries grow apart, stay bounded, and do not march in step."""

import random

import pytest

from runtime.backoff import Backoff


class Highest(random.Random):
    """Draws the upper end each time."""

    def uniform(self, a: float, b: float) -> float:  # noqa: ARG002
        return b


def test_steps_double_up_to_the_maximum_and_start_over_after_success() -> None:
    backoff = Backoff(0.5, 4.0, Highest())
    assert [backoff.next_s() for _ in range(6)] == [0.5, 1.0, 2.0, 4.0, 4.0, 4.0]
    backoff.reset()
    assert backoff.next_s() == 0.5


def test_jitter_spreads_over_the_whole_step() -> None:
    backoff = Backoff(10.0, 10.0, random.Random(1))
    waits = [backoff.next_s() for _ in range(1000)]
    assert all(0 <= wait <= 10 for wait in waits)
    assert min(waits) < 0.5
    assert max(waits) > 9.5


@pytest.mark.parametrize(("initial", "maximum"), [(0, 1), (-1, 1), (2, 1)])
def test_steps_that_make_no_sense_are_refused(initial: float, maximum: float) -> None:
    with pytest.raises(ValueError, match="does not hold"):
        Backoff(initial, maximum)
