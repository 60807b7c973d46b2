"""The figures of detection, beside cases reckoned by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.detection.figures import Counts, alarmed, count, figures, score_of_time, stretches, together
from domain.times import MICROS_PER_SECOND

HOUR = 3600 * MICROS_PER_SECOND
TIMES = np.arange(12, dtype=np.int64) * HOUR
#              0  1  2  3  4  5  6  7  8  9 10 11
LABELS = np.array([0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 0, 0], dtype=np.int8)
FLAGS = np.array([1, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1], dtype=np.bool_)


def _counts(labels: NDArray[np.int8] | None = LABELS, flags: NDArray[np.bool_] = FLAGS) -> Counts:
    return count(TIMES, flags, labels, 3600)


def test_samples_are_counted_four_ways() -> None:
    truth = _counts().truth
    assert truth is not None
    assert (truth.true_positives, truth.false_positives, truth.true_negatives, truth.false_negatives) == (3, 3, 3, 3)


def test_a_delay_runs_from_the_first_labelled_sample() -> None:
    truth = _counts().truth
    assert truth is not None
    assert truth.stretches == ((4 * 3600.0, 3600.0), (2 * 3600.0, None))


def test_the_score_is_that_of_the_competition() -> None:
    """S_TTD = 1 - (1/4 + 2/2) / 2 = 0.375; S_CM = (3/6 + 3/6) / 2 = 0.5; S is their mean."""
    found = figures(_counts())
    assert found.score_time == pytest.approx(0.375)
    assert found.score_classes == pytest.approx(0.5)
    assert found.score == pytest.approx(0.4375)


def test_precision_recall_and_f1_are_those_of_samples() -> None:
    flags = FLAGS.copy()
    flags[[0, 11]] = False
    found = figures(_counts(flags=flags))
    assert found.precision == pytest.approx(3 / 4)
    assert found.recall == pytest.approx(3 / 6)
    assert found.f1 == pytest.approx(2 * 3 / (2 * 3 + 1 + 3))
    assert found.false_positive_rate == pytest.approx(1 / 6)


def test_an_alarm_that_begins_in_quiet_is_false_even_if_an_attack_follows() -> None:
    flags = np.zeros(12, dtype=np.bool_)
    flags[1:4] = True
    counts = _counts(flags=flags)
    assert (counts.alarms, counts.false_alarms) == (1, 1)
    found = figures(counts)
    assert (found.found, found.already, found.delay_median_s) == (1, 1, 0)
    assert found.false_alarms_per_day == pytest.approx(2.0)


def test_what_is_unlabelled_counts_as_normal_and_is_told() -> None:
    labels = np.where(LABELS == 0, -1, LABELS).astype(np.int8)
    with_zeros, with_gaps = figures(_counts()), figures(_counts(labels))
    assert with_gaps.unlabelled == 6
    assert (with_gaps.f1, with_gaps.score) == (with_zeros.f1, with_zeros.score)


def test_without_labels_there_is_nothing_but_the_number_of_alarms() -> None:
    found = figures(_counts(None))
    assert (found.samples, found.alarms) == (12, 3)
    assert found.score is found.f1 is found.labelled is found.false_alarms_per_day is None


def test_files_together_are_counted_and_not_averaged() -> None:
    """One file finds its attack at once, the other never: half; its samples weigh as many as they are."""
    once = count(TIMES[:4], np.ones(4, dtype=np.bool_), np.ones(4, dtype=np.int8), 3600)
    never = count(TIMES, np.zeros(12, dtype=np.bool_), np.ones(12, dtype=np.int8), 3600)
    found = figures(together([once, never, _counts(None)]))
    assert (found.samples, found.labelled, found.found) == (16, 2, 1)
    assert found.true_positive_rate == pytest.approx(4 / 16)
    assert found.score_time == pytest.approx(0.5)
    assert found.score_classes is None


def test_an_alert_is_active_from_its_begin_and_no_longer_at_its_end() -> None:
    flags = alarmed(TIMES, [(HOUR, 3 * HOUR), (10 * HOUR, None)])
    assert stretches(flags) == [(1, 3), (10, 12)]


def test_nothing_labelled_gives_no_score() -> None:
    assert score_of_time(()) is None


def test_the_score_of_classes_counts_quiet_as_much_as_attack() -> None:
    """Half of the attack is found and one of six quiet hours is wrong: (3/6 + 5/6) / 2 = 2/3."""
    flags = FLAGS.copy()
    flags[[0, 11]] = False
    assert figures(_counts(flags=flags)).score_classes == pytest.approx(2 / 3)


def test_an_alarm_that_begins_with_the_attack_was_not_there_before() -> None:
    flags = np.zeros(12, dtype=np.bool_)
    flags[2:4] = True
    found = figures(_counts(flags=flags))
    assert (found.found, found.already, found.delay_median_s) == (1, 0, 0)
