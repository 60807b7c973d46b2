"""One batch, one transaction: observations, dead letters, journal row and counters commit together or not at all.

Exactly once rests on the key (datastream, time): what is there already adds nothing. Most batches hold nothing twice;
they take one INSERT. A batch in which something was there already is taken back and written again row-exactly: new rows
are stored and journalled, equal values count as duplicates, other values as conflicts, kept as dead letters.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection, Rollback
from psycopg.rows import TupleRow

from domain.errors import FencedError
from domain.observation import Rejection, RejectReason
from storage.arrays import FLOAT8, INT2, INT4, TIMESTAMPTZ, Column
from storage.clock import Reached, reach
from storage.database import translated
from storage.sql import queries

#: Longest payload that is kept whole in a dead letter.
DEAD_LETTER_BYTES = 1_048_576
#: A message with many bad entries is kept with each of them up to so many bytes together; beyond that with the first.
REPEATED_BYTES = 65_536
NOTICE = "lifeline_journal"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One entry that is not stored, with the message it came in; or `entries` of one message with one reason."""

    topic: str
    device: str | None
    rejection: Rejection
    payload: bytes
    entries: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """What a transaction writes; the columns have one length, the entries in order of arrival."""

    messages: int
    datastreams: NDArray[np.int32]
    #: Microseconds since 1970 (UTC).
    times: NDArray[np.int64]
    values: NDArray[np.float64]
    qualities: NDArray[np.int16]
    #: For each entry, which message it came in: an index into `topics` and `payloads`.
    sources: NDArray[np.int32]
    topics: list[str]
    payloads: list[bytes]
    dead_letters: list[DeadLetter] = field(default_factory=list)
    #: Seconds until the next reading that devices promised, by datastream; not part of the transaction.
    promises: Mapping[int, float] = field(default_factory=dict)
    #: How far a replay had come when all of this had been published; it is committed with it.
    reached: Reached | None = None

    def take(self, chosen: NDArray[np.intp] | slice, *, messages: int, dead_letters: list[DeadLetter]) -> "Batch":
        """The same batch with some of its entries; what it has reached counts where its messages do."""
        return Batch(
            messages=messages,
            datastreams=self.datastreams[chosen],
            times=self.times[chosen],
            values=self.values[chosen],
            qualities=self.qualities[chosen],
            sources=self.sources[chosen],
            topics=self.topics,
            payloads=self.payloads,
            dead_letters=dead_letters,
            reached=self.reached if messages == self.messages else None,
        )


@dataclass(frozen=True, slots=True)
class Stored:
    """How a batch ended. received = stored + duplicates + conflicts + rejected."""

    seq: int
    stored: int
    duplicates: int
    conflicts: int
    rejected: int
    #: Dead letters written, by reason; conflicts among them.
    reasons: Counter[str]


def claim(connection: Connection[TupleRow], partition: str) -> tuple[int, bool] | None:
    """Takes the partition for this connection: its last sequence number and whether it has stored before.

    None if another connection holds it. The lock ends with the connection, so a killed worker frees it at once.
    """
    sql = queries("batches")
    with translated():
        row = connection.execute(sql["lock_partition"], {"partition": f"lifeline ingest {partition}"}).fetchone()
        if not row or not row[0]:
            return None
        connection.execute(sql["ensure_partition"], {"partition": partition})
        state = connection.execute(sql["partition_state"], {"partition": partition}).fetchone()
    return (int(state[0]), bool(state[1])) if state else (0, False)


def store(connection: Connection[TupleRow], batch: Batch, *, partition: str, seq: int) -> Stored:
    """Commits a batch as number `seq` of its partition.

    Raises UnavailableError (try again, nothing or everything was committed), RefusedDataError (split the batch) and
    FencedError (another worker has written in this partition: stop).
    """
    with translated():
        size = len(batch.datastreams)
        with connection.transaction() as attempt:
            if _insert(connection, batch) == size:
                stored = Stored(seq, size, 0, 0, _rejected(batch), _reasons(batch.dead_letters))
                _finish(connection, batch, stored, partition)
                return stored
            raise Rollback(attempt)
        with connection.transaction():
            return _store_exactly(connection, batch, partition, seq)


def _rejected(batch: Batch) -> int:
    return sum(letter.entries for letter in batch.dead_letters)


def _reasons(letters: list[DeadLetter]) -> Counter[str]:
    counted = Counter[str]()
    for letter in letters:
        counted[str(letter.rejection.reason)] += letter.entries
    return counted


def _columns(batch: Batch) -> dict[str, Column]:
    return {
        "datastreams": Column(batch.datastreams, INT4),
        "times": Column(batch.times, TIMESTAMPTZ),
        "values": Column(batch.values, FLOAT8),
        "qualities": Column(batch.qualities, INT2),
    }


def _insert(connection: Connection[TupleRow], batch: Batch) -> int:
    if len(batch.datastreams) == 0:
        return 0
    return connection.execute(queries("batches")["insert_observations"], _columns(batch)).rowcount


def _store_exactly(connection: Connection[TupleRow], batch: Batch, partition: str, seq: int) -> Stored:
    keys = np.stack([batch.datastreams.astype(np.int64), batch.times])
    _, first = np.unique(keys, axis=1, return_index=True)
    unique = batch.take(np.sort(first), messages=batch.messages, dead_letters=[])
    rows = connection.execute(queries("batches")["insert_returning"], _columns(unique), binary=True).fetchall()
    new_keys = {(int(d), int(t)) for d, t in rows}
    is_new = np.zeros(len(batch.datastreams), dtype=bool)
    for index in np.sort(first):
        is_new[index] = (int(batch.datastreams[index]), int(batch.times[index])) in new_keys
    old = np.flatnonzero(~is_new)
    present = {
        (int(d), int(t)): float(v)
        for d, t, v in connection.execute(
            queries("batches")["values_of"], _columns(batch.take(old, messages=0, dead_letters=[])), binary=True
        ).fetchall()
    }
    letters = list(batch.dead_letters)
    conflicts = 0
    for index in old:
        stored_value = present.get((int(batch.datastreams[index]), int(batch.times[index])))
        if stored_value != float(batch.values[index]):
            conflicts += 1
            source = int(batch.sources[index])
            detail = (
                f"datastream {batch.datastreams[index]} has {stored_value!r} at this time, "
                f"the message says {float(batch.values[index])!r}: the first value wins"
            )
            letters.append(
                DeadLetter(batch.topics[source], None, Rejection(RejectReason.CONFLICT, detail), batch.payloads[source])
            )
    fresh = batch.take(np.flatnonzero(is_new), messages=batch.messages, dead_letters=letters)
    stored = Stored(seq, int(is_new.sum()), len(old) - conflicts, conflicts, _rejected(batch), _reasons(letters))
    _finish(connection, fresh, stored, partition)
    return stored


def _finish(connection: Connection[TupleRow], batch: Batch, stored: Stored, partition: str) -> None:
    """Dead letters, the journal row, the counters and the clock of a replay, in the caller's transaction."""
    sql = queries("batches")
    if batch.dead_letters:
        connection.execute(sql["insert_dead_letters"], _letters(batch.dead_letters, partition))
    counted = connection.execute(
        sql["count"],
        {
            "partition": partition,
            "seq": stored.seq,
            "messages": batch.messages,
            "received": stored.stored + stored.duplicates + stored.conflicts + stored.rejected,
            "stored": stored.stored,
            "duplicates": stored.duplicates,
            "conflicts": stored.conflicts,
            "rejected": stored.rejected,
        },
    )
    if counted.rowcount != 1:
        raise FencedError(
            f"another worker has written in partition {partition}: batch {stored.seq} is not the next one"
        )
    if batch.reached is not None:
        reach(connection, partition, batch.reached)
    connection.execute(sql["insert_journal"], {**_columns(batch), "partition": partition, "seq": stored.seq})
    connection.execute(sql["notice"])


def _letters(letters: list[DeadLetter], partition: str) -> dict[str, object]:
    return {
        "partition": partition,
        "topics": [_text(letter.topic) for letter in letters],
        "devices": [letter.device for letter in letters],
        "reasons": [str(letter.rejection.reason) for letter in letters],
        "details": [_text(letter.rejection.detail) for letter in letters],
        "payloads": _payloads(letters),
    }


def _payloads(letters: list[DeadLetter]) -> list[bytes]:
    """The raw bytes to keep with each letter: what one message costs is bounded, however many letters it became."""
    kept: list[bytes] = []
    spent = Counter[int]()
    for letter in letters:
        payload = letter.payload[:DEAD_LETTER_BYTES]
        # Letters of one message share one object.
        message = id(letter.payload)
        if spent[message] and spent[message] + len(payload) > REPEATED_BYTES:
            payload = b""
        spent[message] += len(payload)
        kept.append(payload)
    return kept


def _text(text: str) -> str:
    """Text that PostgreSQL takes: no NUL, no lone surrogates, not endless."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode("utf-8")[:2000]


def heartbeat(
    connection: Connection[TupleRow],
    *,
    partition: str,
    connected: bool,
    caught_up_at: int | None,
    session_losses: int,
    listening_since: int | None = None,
) -> int:
    """Says that the worker lives and how far it has heard; returns the version of the registry.

    Args:
        connection: In autocommit.
        partition: The worker's.
        connected: Whether it is subscribed at the broker.
        caught_up_at: Everything that the broker had up to then is stored; None if nothing is known.
        session_losses: How many more.
        listening_since: When it subscribed; None while it has not.
    """
    with translated():
        row = connection.execute(
            queries("batches")["heartbeat"],
            {
                "partition": partition,
                "connected": connected,
                "caught_up_s": None if caught_up_at is None else caught_up_at / 1e6,
                "session_losses": session_losses,
                "listening_s": None if listening_since is None else listening_since / 1e6,
            },
        ).fetchone()
    return int(row[0]) if row else 0
