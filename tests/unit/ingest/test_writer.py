"""What is written instead of a batch that the database refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.observation import RejectReason
from ingest.writer import split
from storage.batches import Batch
from tests.unit.ingest.registry import NOW_MS, TOPIC, decoded


def batch_of(values: list[int]) -> Batch:
    """One message for each value, and one that is a dead letter already."""
    return decoded(
        *[f'{{"time": {NOW_MS + n}, "values": {{"ch4": {v}}}}}'.encode() for n, v in enumerate(values)], b"{"
    )


def settled(batch: Batch, refused: int) -> list[Batch]:
    """Splits as the writer does, until nothing that is refused is left; the batches in the order of their writing."""
    pending, written = [batch], []
    while pending:
        if refused in pending[0].values.tolist():
            pending[:1] = split(pending[0], "no such value")
        else:
            written.append(pending.pop(0))
    return written


@given(st.lists(st.integers(1, 9), min_size=1, max_size=40))
def test_only_the_culprits_become_dead_letters(values: list[int]) -> None:
    batch = batch_of(values)
    written = settled(batch, refused=5)
    assert [v for part in written for v in part.values.tolist()] == [float(v) for v in values if v != 5]
    letters = [letter for part in written for letter in part.dead_letters]
    reasons = sorted(str(letter.rejection.reason) for letter in letters)
    assert reasons == ["bad_json"] + ["refused_by_database"] * values.count(5)
    assert [part.messages for part in written] == [0] * (len(written) - 1) + [batch.messages]


def test_a_culprit_is_kept_with_what_the_database_said_and_its_raw_bytes() -> None:
    (part,) = split(decoded(payload := b'{"time": %d, "values": {"ch4": 5}}' % NOW_MS), "no such value")
    (letter,) = part.dead_letters
    assert letter.rejection.reason is RejectReason.REFUSED_BY_DATABASE
    assert letter.rejection.detail == "no such value"
    assert (letter.topic, letter.payload) == (TOPIC, payload)
    assert len(part.datastreams) == 0


def test_a_batch_of_n_with_one_culprit_is_halved_at_most_log_n_times() -> None:
    assert len(settled(batch_of([1] * 511 + [5] + [1] * 512), refused=5)) <= 12


def test_dead_letters_that_are_refused_are_a_bug_and_end_the_process() -> None:
    with pytest.raises(AssertionError, match="refuses dead letters"):
        split(decoded(b"{"), "never")
