"""What was stored before, read as columns, and the registry as the rules see it."""

import numpy as np

from domain.registry import Link
from domain.subject import WatchedAsset
from storage import past
from storage.database import connect
from storage.watched import read_watched
from tests.support.rulebook import SECOND, T0
from tests.support.storing import Writer, register


def at(*seconds: float) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.array([T0 + round(s * SECOND) for s in seconds], dtype=np.int64)


def ids(*numbers: int) -> "np.ndarray[tuple[int], np.dtype[np.int32]]":
    return np.array(numbers, dtype=np.int32)


def test_samples_come_in_order_since_each_ones_own_instant_whatever_their_quality(database_url: str) -> None:
    with connect(database_url, application="tests") as connection:
        streams = register(connection, ["a", "b", "c"])
        a, b, c = streams["a"], streams["b"], streams["c"]
        writer = Writer(database_url)
        writer.store((b, 60, 7), (a, 120, 3), (a, 0, 1), (c, 0, 9))
        writer.store((a, 60, 2), quality=1)
        found = past.samples(connection, ids(b, a), at(60, 30))
        rows = zip(
            *(x.tolist() for x in (found.datastreams, found.times - T0, found.values, found.qualities)), strict=True
        )
        assert list(rows) == [(a, 60 * SECOND, 2.0, 1), (a, 120 * SECOND, 3.0, 0), (b, 60 * SECOND, 7.0, 0)]
        assert past.samples(connection, ids(c), at(1)).times.size == 0
        assert past.samples(connection, ids(), at()).times.size == 0
        everything = past.samples(connection, ids(c), np.array([-(2**62)]))
        assert everything.values.tolist() == [9.0]
        writer.close()


def test_hourly_means_hold_what_was_stored_a_moment_ago_and_good_values_only(database_url: str) -> None:
    with connect(database_url, application="tests") as connection:
        streams = register(connection, ["a", "b"])
        a, b = streams["a"], streams["b"]
        writer = Writer(database_url)
        writer.store((a, 0, 1), (a, 3599, 3), (a, 3600, 10), (a, 7200, 50), (b, 10, 5))
        writer.store((a, 1800, 1000), quality=1)
        found = past.hourly(connection, ids(a, b), T0, T0 + 7200 * SECOND)
        rows = zip(*(x.tolist() for x in (found.datastreams, found.hours - T0, found.means)), strict=True)
        assert list(rows) == [(a, 0, 2.0), (a, 3600 * SECOND, 10.0), (b, 0, 5.0)]
        writer.store((a, 1200, 8))
        again = past.hourly(connection, ids(a), T0, T0 + 3600 * SECOND)
        assert again.means.tolist() == [4.0]
        writer.close()


def test_the_rules_see_every_asset_its_place_and_its_links(database_url: str) -> None:
    with connect(database_url, application="tests") as connection:
        register(connection, ["a"])
        connection.execute(
            "INSERT INTO assets VALUES ('pump', 'water', 'pump_station', 'Pump', '泵站', '530102', '{}', 100.5, 25.5,"
            ' \'{"duty": "2"}\')'
        )
        connection.execute("INSERT INTO links VALUES ('pump', 'feeds', 'well-1')")
        found = read_watched(connection)
    assert found.links == (Link(from_asset="pump", relation="feeds", to_asset="well-1"),)
    assert {asset.id for asset in found.assets} == {"pump", "well-1"}
    assert found.assets[0] == WatchedAsset(
        id="pump", kind="pump_station", network="water", area="530102", name_en="Pump", name_zh="泵站",
        longitude=100.5, latitude=25.5, tags={"duty": "2"},
    )  # fmt: skip
    assert [(w.asset, w.promised_s) for w in found.watched] == [("well-1", None)]
