"""A registry of two devices, as ingest holds it in memory."""

import numpy as np

from domain.topics import telemetry
from ingest.decode import Limits, decode
from storage.batches import Batch
from storage.catalog import Catalog, DeviceStreams

SECOND = 1_000_000
#: 2026-05-01T08:00:00Z in microseconds.
NOW = 1_777_622_400 * SECOND
NOW_MS = NOW // 1000
LIMITS = Limits(lateness_micros=3600 * SECOND, skew_micros=60 * SECOND, payload_bytes=4096)
TOPIC = telemetry("530100", "gas", "well-1")

CATALOG = Catalog(
    version=1,
    by_topic={
        # Booleans are negative.
        TOPIC: DeviceStreams(
            "well-1",
            {"ch4": 1, "pressure": 2, "valve": -3},
            {"ch4": "%{LEL}", "pressure": "kPa", "valve": "1"},
        ),
        telemetry("530100", "water", "pipe-1"): DeviceStreams("pipe-1", {"flow": 4}, {"flow": "L/s"}),
    },
    topic_of={"well-1": TOPIC, "pipe-1": telemetry("530100", "water", "pipe-1")},
    minimum=np.array([-np.inf, 0.0, 0.0, 0.0, -10.0]),
    maximum=np.array([np.inf, 100.0, 10.0, 1.0, 10.0]),
)


def decoded(*payloads: bytes, topic: str = TOPIC, now: int = NOW) -> Batch:
    """The batch of these payloads, all on one topic."""
    return decode([topic] * len(payloads), list(payloads), catalog=CATALOG, limits=LIMITS, now=now)


def entries(batch: Batch) -> list[tuple[int, int, float, int]]:
    """Datastream, time, value and quality of each entry."""
    return list(
        zip(
            batch.datastreams.tolist(),
            batch.times.tolist(),
            batch.values.tolist(),
            batch.qualities.tolist(),
            strict=True,
        )
    )


def reasons(batch: Batch) -> list[str]:
    """The reason of each dead letter."""
    return [str(letter.rejection.reason) for letter in batch.dead_letters]
