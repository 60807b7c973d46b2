"""`lifeline replay --from-database`: what a database holds of a period, published again and stored by another one."""

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.times import from_datetime, isoformat, to_datetime
from runtime.embedded import EmbeddedBroker
from simulators.ledger import load
from storage import clock, recorded
from storage.database import connect
from tests.support.databases import migrate_now
from tests.support.pages import HealthPage
from tests.support.ports import free_port
from tests.support.processes import Lifeline
from tests.support.replaying import heard_until, observations_of
from tests.support.rulebook import SECOND, T0
from tests.support.storing import register
from tests.support.subscriber import Subscriber
from tests.support.waiting import wait_until

#: device -> seconds between two of its observations
DEVICES = {"quick": 0.5, "steady": 10, "slow-1": 60, "slow-2": 60}
LASTS_S = 1800


def fill(url: str) -> None:
    """Half an hour of four devices; one of them is quicker by far, and speaks at the instants of the others, too."""
    with connect(url, application="tests") as connection:
        streams = register(connection, DEVICES)
        connection.execute("""UPDATE assets SET geometry = '{"type": "Point", "coordinates": [100.0, 25.0]}'""")
        wet = connection.execute(
            "INSERT INTO datastreams (device, property, unit, registered_at)"
            " SELECT id, 'gas.well.water', '1', %s FROM devices ORDER BY id RETURNING device, id",
            (to_datetime(T0),),
        ).fetchall()
        for device, stream in streams.items():
            _insert(connection, stream, DEVICES[device], lambda n: n % 320 / 8)
        for device, stream in wet:
            _insert(connection, stream, 60 * DEVICES[device], lambda n: float(n % 3 == 0))
        # Beyond the range of the property, and between two milliseconds.
        connection.execute(
            "INSERT INTO observations VALUES (%s, %s, 300.5, 1)", (streams["slow-1"], to_datetime(T0 + 90_000_001))
        )


def _insert(connection: Connection[TupleRow], stream: int, every_s: float, value: Callable[[int], float]) -> None:
    numbers = range(int(LASTS_S / every_s))
    connection.execute(
        "INSERT INTO observations SELECT %s, * FROM unnest(%s::timestamptz[], %s::float8[])",
        (stream, [to_datetime(T0 + round(n * every_s * SECOND)) for n in numbers], [value(n) for n in numbers]),
    )


@pytest.fixture
def full_url(database_url: str) -> str:
    fill(database_url)
    return database_url


def ids(streams: Iterable[recorded.Stream]) -> NDArray[np.int32]:
    return np.array([one.id for one in streams], dtype=np.int32)


@pytest.mark.parametrize("size", [3, 100, 20_000])
def test_pages_hold_everything_once_in_the_order_of_time_and_tear_no_instant_apart(full_url: str, size: int) -> None:
    with connect(full_url, application="tests") as connection:
        chosen = ids(recorded.streams(connection))
        pages = list(recorded.pages(connection, chosen, T0 + SECOND, T0 + 900 * SECOND, size=size))
        rows = connection.execute(
            "SELECT datastream, (extract(epoch FROM time) * 1000000)::bigint, value FROM observations"
            " WHERE time >= %s AND time < %s ORDER BY time, datastream",
            (to_datetime(T0 + SECOND), to_datetime(T0 + 900 * SECOND)),
        ).fetchall()
    found = [
        (int(d), int(t), float(v))
        for page in pages
        for d, t, v in zip(page.datastreams, page.times, page.values, strict=True)
    ]
    assert found == [(r[0], r[1], r[2]) for r in rows]
    assert max(len(page.times) for page in pages) <= max(size, len(chosen))
    for before, after in pairwise(pages):
        assert before.times[-1] < after.times[0]


def test_streams_are_chosen_by_network_area_and_pattern(full_url: str) -> None:
    with connect(full_url, application="tests") as connection:

        def devices(**wanted: str) -> set[str]:
            return {one.device for one in recorded.streams(connection, **wanted)}

        assert devices() == set(DEVICES)
        assert devices(network="gas", area="53") == set(DEVICES)
        assert (
            devices(network="water") == devices(area="5302") == devices(device="slo_-1") == devices(device="%") == set()
        )
        assert devices(device="slow-*") == {"slow-1", "slow-2"}
        assert devices(device="slow-?") == {"slow-1", "slow-2"}
        assert devices(device="?uick") == {"quick"}


def test_a_replayed_period_is_stored_exactly_in_a_second_database(
    full_url: str,
    plain_database_url: str,
    nats_broker: EmbeddedBroker,
    lifeline: Callable[..., Lifeline],
    tmp_path: Path,
) -> None:
    since, until = T0 + 60 * SECOND, T0 + 1000 * SECOND
    target = {"LIFELINE_DATABASE_URL": plain_database_url, "LIFELINE_MQTT_URL": nats_broker.url}
    asked = (
        "replay", "--from-database", full_url, "--since", isoformat(since), "--until", isoformat(until),
        "--speed", "max", "--json", "--registry", str(tmp_path / "registry"), "--ledger", str(tmp_path / "l.npz"),
    )  # fmt: skip
    unknown = lifeline(*asked, **target)
    assert unknown.wait() == 2
    assert f"lifeline registry import {tmp_path / 'registry'}" in unknown.log()
    assert lifeline("registry", "import", str(tmp_path / "registry"), **target).wait() == 0
    port = free_port()
    lifeline("ingest", **target, LIFELINE_METRICS_PORT=str(port))
    wait_until(lambda: HealthPage(port).ready, timeout_s=30, what="ingest is ready")
    replay = lifeline(*asked, **target)
    assert replay.wait(timeout_s=150) == 0, replay.log()
    summary = json.loads(replay.output())
    moved = int(summary["moved"])
    expected = [row for row in observations_of(full_url) if since <= row[2] < until]
    assert summary["entries"] == len(expected) > 2000
    wait_until(
        lambda: len(observations_of(plain_database_url)) >= len(expected), timeout_s=30, what="everything is stored"
    )
    found = observations_of(plain_database_url, moved=moved)
    assert found == expected
    assert {row[4] for row in found} == {0, 1}
    assert from_datetime(to_datetime(until)) + moved == summary_instant(summary["last"])
    columns = load(tmp_path / "l.npz")
    assert sorted((columns.time - moved).tolist()) == sorted(row[2] for row in expected)

    again = lifeline(*asked, "--at", summary["last"], **target)
    assert again.wait() == 2
    assert f"the receiving database holds {len(expected)} observations" in again.log()


def summary_instant(text: str) -> int:
    return from_datetime(datetime.fromisoformat(text))


def test_nothing_is_published_into_the_very_database_that_is_replayed(
    full_url: str, nats_broker: EmbeddedBroker, lifeline: Callable[..., Lifeline]
) -> None:
    target = {
        "LIFELINE_DATABASE_URL": full_url,
        "LIFELINE_MQTT_URL": nats_broker.url,
        "LIFELINE_LATENESS_S": str(300 * 86_400),
    }
    asked = ("replay", "--from-database", "here", "--device", "steady", "--keep", "--speed", "max", "--json")
    with Subscriber(nats_broker.url, "lifeline/#") as subscriber:
        refused = lifeline(*asked, **target)
        assert refused.wait() == 2
        assert "the database that is replayed holds 183 observations" in refused.log()
        assert subscriber.received == []
        told = lifeline(*asked, "--overlap", **target)
        assert told.wait() == 0, told.log()
        wait_until(lambda: len(subscriber.received) == 180, what="everything is published")
    assert json.loads(told.output())["entries"] == 183


def test_what_cannot_be_replayed_says_why(full_url: str, lifeline: Callable[..., Lifeline]) -> None:
    refused = {
        "no observation matches": ("--from-database", full_url, "--device", "nobody"),
        "name a feed, or a database": (),
        "stand in its descriptor": ("feed.yaml", "--network", "gas"),
        "cannot be asked what it holds": ("--from-database", full_url, "--speed", "max"),
    }
    for advice, options in refused.items():
        process = lifeline("replay", *options, LIFELINE_LATENESS_S=str(300 * 86_400),
                           LIFELINE_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")  # fmt: skip
        assert process.wait() == 2
        assert advice in " ".join(process.log().split()), process.log()


def test_a_database_of_replays_hears_by_their_clock_and_stores_the_same(
    empty_database_url: str,
    plain_database_url: str,
    broker: EmbeddedBroker,
    lifeline: Callable[..., Lifeline],
    tmp_path: Path,
) -> None:
    fill(plain_database_url)
    url = empty_database_url
    target = {"LIFELINE_DATABASE_URL": url, "LIFELINE_MQTT_URL": broker.url, "LIFELINE_CLOCK": "replay"}
    assert lifeline("db", "migrate", **target).wait(timeout_s=60) == 0
    asked = ("replay", "--from-database", plain_database_url, "--keep", "--json", "--speed", "max",
             "--since", isoformat(T0), "--until", isoformat(T0 + LASTS_S * SECOND))  # fmt: skip
    assert lifeline(*asked, "--registry", str(tmp_path / "registry"), **target).wait() == 2
    assert lifeline("registry", "import", str(tmp_path / "registry"), **target).wait() == 0
    port = free_port()
    lifeline("ingest", **target, LIFELINE_METRICS_PORT=str(port))
    wait_until(lambda: HealthPage(port).ready, timeout_s=30, what="ingest is ready")
    assert heard_until(url) is None
    replay = lifeline(*asked, **target)
    assert replay.wait(timeout_s=150) == 0, replay.log()
    wait_until(lambda: heard_until(url) == T0 + LASTS_S * SECOND, timeout_s=60, what="the clock of the replay is heard")
    # The clock is committed with what it stands for: nothing has to be waited for any more.
    assert observations_of(url) == observations_of(plain_database_url)
    with connect(url, application="tests") as connection:
        row = connection.execute("SELECT min(registered_at), max(registered_at) FROM datastreams").fetchone()
        assert row == (to_datetime(T0), to_datetime(T0))
        assert connection.execute("SELECT listening_since, rejected FROM ingest_partitions").fetchone() == (
            to_datetime(T0), 0,
        )  # fmt: skip


def test_nobody_is_told_of_what_is_replayed(
    plain_database_url: str, lifeline: Callable[..., Lifeline], tmp_path: Path
) -> None:
    with connect(plain_database_url, application="tests") as connection:
        clock.take_clock(connection, "replay")
    config = tmp_path / "notify.yaml"
    config.write_text(
        "addresses:\n  - {name: hook, url: 'json://127.0.0.1:1'}\nlists:\n  '*':\n    '*': [hook]\n", encoding="utf-8"
    )
    settings = {"LIFELINE_DATABASE_URL": plain_database_url, "LIFELINE_CLOCK": "replay"}
    refused = lifeline("notify", **settings, LIFELINE_NOTIFY_CONFIG=str(config))
    assert refused.wait() == 2
    assert "nobody may be told of what is over" in refused.log()
    mute = lifeline("notify", **settings)
    mute.wait_for_log("health_page")
    assert mute.terminate() == 0


def test_a_database_keeps_the_clock_that_it_was_made_for(
    empty_database_url: str, nats_broker: EmbeddedBroker, lifeline: Callable[..., Lifeline]
) -> None:
    with connect(empty_database_url, application="tests") as connection:
        migrate_now(empty_database_url)
        register(connection, ["d1"])
        connection.execute("INSERT INTO observations VALUES (1, now(), 1)")
    url = {"LIFELINE_DATABASE_URL": empty_database_url, "LIFELINE_MQTT_URL": nats_broker.url}
    migrated = lifeline("db", "migrate", **url, LIFELINE_CLOCK="replay")
    listening = lifeline("ingest", **url, LIFELINE_CLOCK="replay")
    assert migrated.wait(timeout_s=60) == 2
    assert "it holds observations" in migrated.log()
    assert listening.wait() == 2
    assert "replay into an empty database of its own" in listening.log()
    with connect(empty_database_url, application="tests") as connection:
        connection.execute("DELETE FROM observations")
        clock.take_clock(connection, "replay")
    refused = lifeline("ingest", **url)
    assert refused.wait() == 2
    assert "set LIFELINE_CLOCK=replay for a database of replays" in refused.log()
