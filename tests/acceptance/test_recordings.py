"""Every recording, replayed at full speed through the real ingest: stored count and rows equal the ledger exactly.

The recordings lie beside the project; without them these tests are skipped and say so. `LIFELINE_TEST_RECORDINGS` names
another folder. TimescaleDB in WebAssembly is slow over the year that one of them spans (minutes), so it gets all
of them only when `LIFELINE_TEST_ALL_RECORDINGS` is set.
"""

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from runtime.embedded import EmbeddedBroker
from simulators.ledger import LedgerColumns, load
from storage.database import connect
from tests.acceptance.conftest import Ingest
from tests.support.fleet import counters
from tests.support.processes import ROOT, Lifeline
from tests.support.rollups import ROLLUPS, run_jobs
from tests.support.waiting import wait_until

RECORDINGS = Path(os.environ.get("LIFELINE_TEST_RECORDINGS", ROOT.parent / "shared" / "data"))
FEEDS = ROOT / "simulators" / "feeds"
SKAB = FEEDS / "skab" / "feed.yaml"
ALL = [FEEDS / "batadal" / "feed-clean.yaml", FEEDS / "batadal" / "feed-attacks.yaml", SKAB]
#: A year and an hour, with the time that messages need.
LATENESS_S = 31_540_000
MINUTE = 60_000_000
WIDTHS = {"observations_5m": 5 * MINUTE, "observations_1h": 60 * MINUTE, "observations_1d": 1440 * MINUTE}
#: Days are days of Asia/Shanghai, eight hours ahead of UTC all year.
AHEAD = {"observations_1d": 480 * MINUTE}
KEY = ["device", "property", "time"]

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.recordings,
    # Measured on two busy cores: 87 s for the longest at a load of 8, 213 s at 15.
    pytest.mark.timeout(600),
    pytest.mark.skipif(not RECORDINGS.is_dir(), reason=f"there are no recordings in {RECORDINGS}"),
]


@pytest.fixture
def patient_plain_url(empty_plain_database_url: str, lifeline: Callable[..., Lifeline]) -> str:
    return _migrated(empty_plain_database_url, lifeline)


@pytest.fixture
def patient_timescaledb_url(empty_timescaledb_url: str, lifeline: Callable[..., Lifeline]) -> str:
    return _migrated(empty_timescaledb_url, lifeline)


def _migrated(url: str, lifeline: Callable[..., Lifeline]) -> str:
    """A database that admits observations of a year ago."""
    migration = lifeline("db", "migrate", LIFELINE_DATABASE_URL=url, LIFELINE_LATENESS_S=str(LATENESS_S))
    assert migration.wait(timeout_s=60) == 0, migration.log()
    return url


@pytest.mark.long
def test_every_recording_is_stored_exactly_on_postgresql(
    patient_plain_url: str,
    nats_broker: EmbeddedBroker,
    lifeline: Callable[..., Lifeline],
    ingest: Callable[..., Ingest],
    tmp_path: Path,
) -> None:
    _replay_all(ALL, patient_plain_url, nats_broker.url, lifeline, ingest, tmp_path)


def test_recordings_are_stored_exactly_on_timescaledb(
    patient_timescaledb_url: str,
    nats_broker: EmbeddedBroker,
    lifeline: Callable[..., Lifeline],
    ingest: Callable[..., Ingest],
    tmp_path: Path,
) -> None:
    _replay_all(
        ALL if os.environ.get("LIFELINE_TEST_ALL_RECORDINGS") else [SKAB],
        patient_timescaledb_url,
        nats_broker.url,
        lifeline,
        ingest,
        tmp_path,
    )


def _replay_all(
    feeds: Sequence[Path],
    database_url: str,
    mqtt_url: str,
    lifeline: Callable[..., Lifeline],
    ingest: Callable[..., Ingest],
    folder: Path,
) -> None:
    settings = {
        "LIFELINE_DATABASE_URL": database_url,
        "LIFELINE_MQTT_URL": mqtt_url,
        "LIFELINE_LATENESS_S": str(LATENESS_S),
    }
    for registry in sorted({feed.parent / "registry" for feed in feeds}):
        imported = lifeline("registry", "import", str(registry), **settings)
        assert imported.wait() == 0, imported.log()
    worker = ingest(database_url, mqtt_url, LIFELINE_LATENESS_S=str(LATENESS_S))
    wait_until(lambda: worker.page.ready, timeout_s=30, what="ingest is ready")
    began = time.monotonic()
    ledgers = []
    for number, feed in enumerate(feeds):
        file = folder / f"{number}.npz"
        replay = lifeline(
            "replay",
            str(feed),
            "--speed",
            "max",
            "--data",
            str(RECORDINGS),
            "--ledger",
            str(file),
            "--json",
            **settings,
        )
        assert replay.wait(timeout_s=120) == 0, replay.log()
        summary = json.loads(replay.output())
        ledger = load(file)
        assert len(ledger) == summary["entries"] > 0
        assert (summary["missing"], summary["repeated"]) == (0, 0)
        ledgers.append(_frame(ledger))
        print(f"{summary['title']}: {summary['entries']} values, {summary['messages_per_s']} messages/s")  # noqa: T201
    expected = pd.concat(ledgers).sort_values(KEY, ignore_index=True)
    wait_until(
        lambda: counters(database_url)["received"] >= len(expected),
        timeout_s=120,
        what="ingest has everything",
        poll_s=0.1,
    )
    print(f"{len(expected)} values replayed and stored in {time.monotonic() - began:.1f} s")  # noqa: T201
    found = counters(database_url)
    assert found["stored"] == found["received"] == len(expected)
    assert (found["rejected"], found["duplicates"], found["conflicts"]) == (0, 0, 0)
    raw = _raw(database_url)
    pd.testing.assert_frame_equal(raw[[*KEY, "value"]], expected, check_exact=True)
    _assert_rollups(database_url, raw)


def _frame(ledger: LedgerColumns) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "device": np.array(ledger.devices, dtype=object)[ledger.device],
            "property": np.array(ledger.properties, dtype=object)[ledger.property],
            "time": ledger.time,
            "value": ledger.value,
        }
    )
    return frame.astype({"device": str, "property": str})


def _raw(database_url: str) -> pd.DataFrame:
    with connect(database_url, application="tests", statement_timeout_s=120) as connection:
        rows = connection.execute(
            "SELECT d.device, d.property, (extract(epoch FROM o.time) * 1000000)::bigint, o.value, o.quality,"
            " o.datastream FROM observations o JOIN datastreams d ON d.id = o.datastream"
        ).fetchall()
    raw = pd.DataFrame(rows, columns=[*KEY, "value", "quality", "datastream"])
    return raw.astype({"device": str, "property": str}).sort_values(KEY, ignore_index=True)


def _assert_rollups(database_url: str, raw: pd.DataFrame) -> None:
    """Each rollup equals a recomputation from raw rows; sums differ in rounding only."""
    with connect(database_url, application="tests", statement_timeout_s=300) as connection:
        run_jobs(connection)
        for rollup in ROLLUPS:
            ahead = AHEAD.get(rollup, 0)
            good = raw[raw["quality"] == 0]
            bucket = (good["time"] + ahead) // WIDTHS[rollup] * WIDTHS[rollup] - ahead
            expected = (
                good.groupby([good["datastream"], bucket.rename("bucket")])["value"]
                .agg(["count", "sum", "min", "max", "mean"])
                .reset_index()
            )
            rows = connection.execute(
                "SELECT datastream, (extract(epoch FROM bucket) * 1000000)::bigint, count, sum, minimum,"  # noqa: S608
                f" maximum, average FROM {rollup} WHERE count > 0 ORDER BY datastream, bucket".encode()
            ).fetchall()
            found = pd.DataFrame(rows, columns=expected.columns)
            pd.testing.assert_frame_equal(found, expected, check_exact=False, rtol=1e-9, atol=1e-9)
