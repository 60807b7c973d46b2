"""A batch and its transaction: stored once, the first value wins, and every entry is accounted for."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.errors import FencedError, RefusedDataError
from domain.observation import Rejection, RejectReason
from domain.times import now_micros
from ingest.writer import split
from storage import arrays, batches
from storage.batches import Batch, DeadLetter, Stored, claim, store
from storage.database import connect
from tests.support.waiting import wait_until

SECOND = 1_000_000
DAY = 86_400 * SECOND
START = now_micros() // SECOND * SECOND - 3600 * SECOND
PARTITION = "530100"
TOPIC = "lifeline/530100/gas/well-1/telemetry"
Row = tuple[int, int, float]


@pytest.fixture
def link(database_url: str) -> Iterator[Connection[TupleRow]]:
    with connect(database_url, application="tests") as connection:
        arrays.register(connection)
        assert claim(connection, PARTITION) == (0, False)
        yield connection


def batch(*rows: Row, letters: list[DeadLetter] | None = None) -> Batch:
    """One message for each row; row 0 came in payload b"0"."""
    return Batch(
        messages=len(rows) + len(letters or []),
        datastreams=np.array([row[0] for row in rows], dtype=np.int32),
        times=np.array([START + row[1] for row in rows], dtype=np.int64),
        values=np.array([row[2] for row in rows], dtype=np.float64),
        qualities=np.zeros(len(rows), dtype=np.int16),
        sources=np.arange(len(rows), dtype=np.int32),
        topics=[TOPIC] * len(rows),
        payloads=[str(index).encode() for index in range(len(rows))],
        dead_letters=letters or [],
    )


def letter(payload: bytes, *, topic: str = TOPIC, detail: str = "wrong") -> DeadLetter:
    return DeadLetter(topic, "well-1", Rejection(RejectReason.BAD_JSON, detail), payload)


def write(link: Connection[TupleRow], one: Batch) -> Stored:
    """Stores under the next number."""
    row = link.execute("SELECT seq FROM ingest_partitions WHERE partition = %s", (PARTITION,)).fetchone()
    assert row
    return store(link, one, partition=PARTITION, seq=row[0] + 1)


def rows_of(link: Connection[TupleRow]) -> list[Row]:
    found = link.execute(
        "SELECT datastream, (extract(epoch FROM time) * 1000000)::bigint, value FROM observations ORDER BY 1, 2"
    ).fetchall()
    return [(stream, time - START, value) for stream, time, value in found]


def journal_of(link: Connection[TupleRow]) -> list[tuple[int, list[Row]]]:
    found = link.execute(
        "SELECT j.seq, u.datastream, (extract(epoch FROM u.time) * 1000000)::bigint, u.value FROM journal j"
        " LEFT JOIN LATERAL unnest(j.datastreams, j.times, j.values) AS u (datastream, time, value) ON true"
        " ORDER BY j.seq"
    ).fetchall()
    return [
        (seq, [(row[1], row[2] - START, row[3]) for row in rows if row[1] is not None])
        for seq, rows in itertools.groupby(found, key=lambda row: int(row[0]))
    ]


def letters_of(link: Connection[TupleRow]) -> list[tuple[Any, ...]]:
    return link.execute("SELECT topic, device, reason, detail, payload FROM dead_letters ORDER BY id").fetchall()


def counters_of(link: Connection[TupleRow]) -> tuple[Any, ...]:
    row = link.execute(
        "SELECT seq, messages, received, stored, duplicates, conflicts, rejected FROM ingest_partitions"
    ).fetchone()
    assert row
    return row


def test_a_batch_is_stored_and_journalled_once(link: Connection[TupleRow]) -> None:
    rows = [(1, 0, 1.5), (2, 0, -2.5), (1, 1, 1e300), (3, 7, 5e-324)]
    done = write(link, batch(*rows))
    assert (done.seq, done.stored, done.duplicates, done.conflicts, done.rejected) == (1, 4, 0, 0, 0)
    assert rows_of(link) == sorted(rows)
    assert journal_of(link) == [(1, rows)]
    assert counters_of(link) == (1, 4, 4, 4, 0, 0, 0)


def test_a_batch_replayed_adds_nothing(link: Connection[TupleRow]) -> None:
    one = batch(*[(stream, time, 0.1 * time) for stream in (1, 2) for time in range(500)])
    write(link, one)
    before = rows_of(link)
    done = write(link, one)
    assert (done.stored, done.duplicates, done.conflicts) == (0, 1000, 0)
    assert rows_of(link) == before
    assert [len(rows) for _, rows in journal_of(link)] == [1000, 0]
    assert letters_of(link) == []
    assert counters_of(link) == (2, 2000, 2000, 1000, 1000, 0, 0)


def test_a_value_that_comes_twice_in_one_batch_is_stored_once(link: Connection[TupleRow]) -> None:
    done = write(link, batch((1, 0, 5.0), (2, 0, 6.0), (1, 0, 5.0), (1, 0, 5.0)))
    assert (done.stored, done.duplicates, done.conflicts) == (2, 2, 0)
    assert rows_of(link) == [(1, 0, 5.0), (2, 0, 6.0)]
    assert journal_of(link) == [(1, [(1, 0, 5.0), (2, 0, 6.0)])]


def test_the_first_value_wins_within_a_batch(link: Connection[TupleRow]) -> None:
    done = write(link, batch((1, 0, 5.0), (1, 0, 9.0), (1, 0, 5.0)))
    assert (done.stored, done.duplicates, done.conflicts) == (1, 1, 1)
    assert rows_of(link) == [(1, 0, 5.0)]
    ((topic, _, reason, detail, payload),) = letters_of(link)
    assert (topic, reason, payload) == (TOPIC, "conflict", b"1")
    assert "5.0" in detail
    assert "9.0" in detail


def test_the_first_value_wins_across_batches(link: Connection[TupleRow]) -> None:
    write(link, batch((1, 0, 5.0), (2, 0, 6.0)))
    done = write(link, batch((3, 0, 7.0), (1, 0, 5.5), (2, 0, 6.0)))
    assert (done.stored, done.duplicates, done.conflicts) == (1, 1, 1)
    assert rows_of(link) == [(1, 0, 5.0), (2, 0, 6.0), (3, 0, 7.0)]
    assert journal_of(link)[1] == (2, [(3, 0, 7.0)])
    assert [found[2:] for found in letters_of(link)] == [
        ("conflict", "datastream 1 has 5.0 at this time, the message says 5.5: the first value wins", b"1")
    ]
    assert done.reasons == {"conflict": 1}


def test_zero_and_minus_zero_do_not_contradict_each_other(link: Connection[TupleRow]) -> None:
    assert write(link, batch((1, 0, 0.0), (1, 0, -0.0))).duplicates == 1


@pytest.mark.parametrize(
    ("kept", "payload"),
    [
        (b"\x00\xff\xfe{", b"\x00\xff\xfe{"),
        (b"", b""),
        (b"y" * batches.DEAD_LETTER_BYTES, b"y" * 2_000_000),
    ],
    ids=["bytes", "empty", "two megabytes"],
)
def test_a_dead_letter_keeps_its_raw_bytes(link: Connection[TupleRow], kept: bytes, payload: bytes) -> None:
    done = write(link, batch((1, 0, 5.0), letters=[letter(payload)]))
    assert (done.stored, done.rejected) == (1, 1)
    assert [bytes(found[4]) for found in letters_of(link)] == [kept]
    assert counters_of(link) == (1, 2, 2, 1, 0, 0, 1)


def test_a_long_message_that_became_many_dead_letters_is_kept_once(link: Connection[TupleRow]) -> None:
    long, short = b"y" * 50_000, b"z" * 100
    many = [letter(long) for _ in range(200)] + [letter(short) for _ in range(200)]
    rest = DeadLetter(TOPIC, "well-1", Rejection(RejectReason.BAD_JSON, "and 7 more"), long, entries=7)
    done = write(link, batch(letters=[*many, rest]))
    assert done.rejected == 407
    assert done.reasons == {"bad_json": 407}
    assert counters_of(link)[2:] == (407, 0, 0, 0, 407)
    kept = [bytes(found[4]) for found in letters_of(link)]
    assert kept.count(long) == 1
    assert kept.count(short) == 200


def test_text_that_the_database_cannot_hold_spoils_no_batch(link: Connection[TupleRow]) -> None:
    write(link, batch((1, 0, 5.0), letters=[letter(b"x", topic="a\x00\ud800b", detail="\x00 \udfff " + "d" * 9000)]))
    ((topic, _, _, detail, _),) = letters_of(link)
    assert topic == "a\\0\\ud800b"
    assert detail.startswith("\\0 \\udfff d")
    assert len(detail) == 2000


def test_another_writer_of_the_partition_is_fenced_and_nothing_of_it_is_written(link: Connection[TupleRow]) -> None:
    store(link, batch((1, 0, 5.0)), partition=PARTITION, seq=1)
    before = counters_of(link)
    for late in (batch((2, 0, 6.0), letters=[letter(b"x")]), batch((1, 0, 5.0), (2, 0, 6.0))):
        with pytest.raises(FencedError, match="another worker"):
            store(link, late, partition=PARTITION, seq=1)
    with pytest.raises(FencedError):
        store(link, batch((2, 0, 6.0)), partition=PARTITION, seq=3)
    assert rows_of(link) == [(1, 0, 5.0)]
    assert letters_of(link) == []
    assert [seq for seq, _ in journal_of(link)] == [1]
    assert counters_of(link) == before


def test_a_batch_without_entries_counts_its_messages(link: Connection[TupleRow]) -> None:
    write(link, batch(letters=[letter(b"x"), letter(b"y")]))
    assert counters_of(link) == (1, 2, 2, 0, 0, 0, 2)
    assert journal_of(link) == [(1, [])]


def test_rows_that_the_database_refuses_end_as_dead_letters_and_the_others_are_stored(
    link: Connection[TupleRow],
) -> None:
    link.execute("ALTER TABLE observations ADD CHECK (value <> 12345)")
    pending = [batch(*[(1, n, 12345.0 if n in {0, 311, 312, 999} else float(n)) for n in range(1000)])]
    attempts = 0
    while pending:
        attempts += 1
        try:
            write(link, pending[0])
        except RefusedDataError as exc:
            pending[:1] = split(pending[0], str(exc))
        else:
            pending.pop(0)
    assert len(rows_of(link)) == 996
    found = letters_of(link)
    assert sorted(int(payload) for *_, payload in found) == [0, 311, 312, 999]
    assert {reason for _, _, reason, *_ in found} == {"refused_by_database"}
    assert all("check constraint" in detail for _, _, _, detail, _ in found)
    assert counters_of(link)[1:] == (1000, 1000, 996, 0, 0, 4)
    assert sum(len(rows) for _, rows in journal_of(link)) == 996
    assert attempts < 100


small = st.tuples(st.integers(1, 2), st.integers(0, 3), st.sampled_from([1.0, 2.0]))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.lists(small, max_size=12), st.integers(0, 2)), min_size=1, max_size=4))
def test_the_counters_balance_and_the_first_value_wins_for_any_batches(
    link: Connection[TupleRow], given_batches: list[tuple[list[Row], int]]
) -> None:
    link.execute("TRUNCATE observations, journal, dead_letters")
    link.execute(
        "UPDATE ingest_partitions SET seq = 0, messages = 0, received = 0, stored = 0, duplicates = 0, conflicts = 0,"
        " rejected = 0"
    )
    expected: dict[tuple[int, int], float] = {}
    duplicates = conflicts = rejected = 0
    for rows, bad in given_batches:
        write(link, batch(*rows, letters=[letter(b"x")] * bad))
        rejected += bad
        for stream, time, value in rows:
            first = expected.setdefault((stream, time), value)
            conflicts += value != first
            duplicates += value == first
    duplicates -= len(expected)
    assert rows_of(link) == sorted((stream, time, value) for (stream, time), value in expected.items())
    found = counters_of(link)
    assert found[3:] == (len(expected), duplicates, conflicts, rejected)
    assert found[2] == sum(found[3:])
    assert sum(len(rows) for _, rows in journal_of(link)) == len(expected)
    assert len(letters_of(link)) == conflicts + rejected


def test_late_rows_reach_a_compressed_chunk_exactly_once(timescaledb_url: str) -> None:
    with connect(timescaledb_url, application="tests") as link:
        arrays.register(link)
        claim(link, PARTITION)
        kept = [(stream, -3 * DAY + n * SECOND, 1.0) for stream in (1, 2) for n in range(0, 4000, 2)]
        write(link, batch(*kept))
        compressed = link.execute(
            "SELECT count(*) FROM (SELECT compress_chunk(c) FROM show_chunks('observations') c) AS done"
        ).fetchone()
        assert compressed
        assert compressed[0] > 0
        late = [(stream, -3 * DAY + n * SECOND, 1.0) for stream in (1, 2) for n in range(1, 4000, 2)]
        mixed = [row for pair in zip(kept[:1000], late[:1000], strict=True) for row in pair] + late[1000:]
        done = write(link, batch(*mixed, (1, -3 * DAY, 9.0)))
        assert (done.stored, done.duplicates, done.conflicts) == (4000, 1000, 1)
        assert rows_of(link) == sorted(kept + late)
        assert len(journal_of(link)[1][1]) == 4000


def test_a_partition_belongs_to_one_connection_and_is_free_when_that_dies(plain_database_url: str) -> None:
    with connect(plain_database_url, application="tests") as other:
        with connect(plain_database_url, application="tests") as first:
            arrays.register(first)
            assert claim(first, PARTITION) == (0, False)
            assert claim(other, PARTITION) is None
            assert claim(other, "530101") == (0, False)
            write(first, batch((1, 0, 5.0)))
        assert wait_until(lambda: claim(other, PARTITION), what="the lock of a dead connection is free") == (1, True)
