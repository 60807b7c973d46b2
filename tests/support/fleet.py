"""A few devices that publish, and the comparison of what the broker acknowledged with what the database holds.

Each message carries a time of its own for its device, so that every entry of the ledger is one row.
"""

import threading
import time
from collections import Counter
from types import TracebackType
from typing import Self

from psycopg import Connection
from psycopg.rows import TupleRow

from domain.registry import Asset, Datastream, Device, Registry
from domain.times import now_micros
from domain.topics import telemetry
from simulators.ledger import Entry, Ledger
from simulators.publisher import Publisher
from storage.database import connect
from storage.registry import import_registry
from tests.support.waiting import wait_until

AREA = "530100"
NETWORK = "water"
#: Property -> unit; the physical range of the first is -5000 to 5000.
PROPERTIES = {"water.flow": "m3/h", "water.pressure": "MPa"}
_SECOND = 1_000_000


def device_id(number: int) -> str:
    """The devices are numbered from 0."""
    return f"pipe-{number}"


def topic(number: int) -> str:
    """Where a device publishes."""
    return telemetry(AREA, NETWORK, device_id(number))


def register(database_url: str, devices: int = 10) -> None:
    """Puts the devices into the registry."""
    names = [device_id(number) for number in range(devices)]
    with connect(database_url, application="tests") as connection:
        import_registry(
            connection,
            Registry(
                assets=tuple(
                    Asset(
                        id=name,
                        network=NETWORK,
                        kind="pipe",
                        name_en=name,
                        name_zh=name,
                        area=AREA,
                        geometry={"type": "Point", "coordinates": [102.7, 25.0]},
                        longitude=102.7,
                        latitude=25.0,
                    )
                    for name in names
                ),
                devices=tuple(Device(id=name, asset=name, model="test", reporting_interval_s=60) for name in names),
                datastreams=tuple(
                    Datastream(device=name, property=prop, unit=unit)
                    for name in names
                    for prop, unit in PROPERTIES.items()
                ),
                links=(),
            ),
        )


class Fleet:
    """Publishes one message after another, from device to device; a context manager.

    Args:
        mqtt_url: The broker.
        devices: As many as were registered.
        window: Most messages sent and not acknowledged.
    """

    def __init__(self, mqtt_url: str, *, devices: int = 10, client_id: str = "fleet", window: int = 500) -> None:
        self.ledger = Ledger(keep=True)
        #: When each message was handed over (time.monotonic), by its number.
        self.published: list[float] = []
        self._publisher = Publisher(mqtt_url, client_id, ledger=self.ledger, window=window)
        self._devices = devices
        self._began = now_micros() - 3600 * _SECOND
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    def publish(self, messages: int) -> None:
        """Publishes some messages as fast as the broker takes them."""
        for _ in range(messages):
            number = len(self.published)
            self.published.append(time.monotonic())
            device = number % self._devices
            # Milliseconds: what a payload can carry.
            time_ms = self._began // 1000 + number
            value = float(number % 5000)
            payload = f'{{"time":{time_ms},"values":{{"water.flow":{value},"water.pressure":0.25}}}}'
            name = device_id(device)
            at = time_ms * 1000
            self._publisher.publish(
                topic(device),
                payload.encode(),
                [Entry(name, "water.flow", at, value), Entry(name, "water.pressure", at, 0.25)],
            )

    def number_of(self, row: "Row") -> int:
        """Which message a row came in."""
        return row[2] // 1000 - self._began // 1000

    def send(self, payload: bytes, to: str | None = None) -> None:
        """Publishes any bytes, outside the ledger."""
        self._publisher.publish(to or topic(0), payload, 0)

    @property
    def connections(self) -> int:
        """How often the broker has accepted this fleet."""
        return self._publisher.connections

    def start(self, rate: int) -> None:
        """Publishes about `rate` messages a second in the background, until `drain`."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, args=(rate,), name="fleet", daemon=True)
        self._thread.start()

    def _run(self, rate: int) -> None:
        try:
            while not self._stop.wait(0.02):
                self.publish(max(1, rate // 50))
        except Exception as exc:  # noqa: BLE001 - told to the test by `drain`
            self._failure = exc

    def drain(self, timeout_s: float = 30.0) -> None:
        """Ends the traffic and waits until the broker has acknowledged everything."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=timeout_s)
            self._thread = None
        if self._failure is not None:
            raise self._failure
        assert self._publisher.drain(timeout_s), f"{self._publisher.pending} messages were never acknowledged"

    def __enter__(self) -> Self:
        self._publisher.start()
        self._publisher.wait_connected(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=10)
        self._publisher.close()


Row = tuple[str, str, int, float]


def ledger_rows(ledger: Ledger) -> Counter[Row]:
    """Every acknowledged entry: device, property, microseconds since 1970, value."""
    columns = ledger.columns()
    return Counter(
        (columns.devices[device], columns.properties[prop], time, value)
        for device, prop, time, value in zip(
            columns.device.tolist(),
            columns.property.tolist(),
            columns.time.tolist(),
            columns.value.tolist(),
            strict=True,
        )
    )


def stored_rows(database_url: str) -> Counter[Row]:
    """Every observation, in the same form."""
    with connect(database_url, application="tests") as connection:
        rows = connection.execute(
            "SELECT d.device, d.property, (extract(epoch FROM o.time) * 1000000)::bigint, o.value"
            " FROM observations o JOIN datastreams d ON d.id = o.datastream"
        ).fetchall()
    return Counter((str(device), str(prop), int(time), float(value)) for device, prop, time, value in rows)


def counters(database_url: str) -> dict[str, int]:
    """The counters of all partitions together."""
    with connect(database_url, application="tests") as connection:
        return _counters(connection)


def _counters(connection: Connection[TupleRow]) -> dict[str, int]:
    row = connection.execute(
        "SELECT coalesce(sum(seq), 0), coalesce(sum(messages), 0), coalesce(sum(received), 0),"
        " coalesce(sum(stored), 0), coalesce(sum(duplicates), 0), coalesce(sum(conflicts), 0),"
        " coalesce(sum(rejected), 0), coalesce(sum(session_losses), 0) FROM ingest_partitions"
    ).fetchone()
    assert row
    names = ("seq", "messages", "received", "stored", "duplicates", "conflicts", "rejected", "session_losses")
    return {name: int(value) for name, value in zip(names, row, strict=True)}


def assert_balanced(found: dict[str, int]) -> None:
    """Every entry ended as exactly one of four."""
    assert found["received"] == found["stored"] + found["duplicates"] + found["conflicts"] + found["rejected"], found


def wait_stored(database_url: str, rows: int, *, timeout_s: float = 30.0) -> None:
    """Waits until so many observations are counted as stored."""
    with connect(database_url, application="tests") as connection:
        wait_until(
            lambda: _counters(connection)["stored"] >= rows, timeout_s=timeout_s, what=f"{rows} observations are stored"
        )


def wait_progress(database_url: str, *, timeout_s: float = 30.0) -> float:
    """Waits until one more batch is committed; how long that took, in seconds."""
    began = time.monotonic()
    with connect(database_url, application="tests") as connection:
        before = _counters(connection)["seq"]
        wait_until(
            lambda: _counters(connection)["seq"] > before, timeout_s=timeout_s, what="another batch is committed"
        )
    return time.monotonic() - began


def wait_caught_up(database_url: str, *, timeout_s: float = 40.0) -> None:
    """Waits until ingest says that everything the broker has by now is stored."""
    since = now_micros() / 1e6

    def caught_up() -> bool:
        with connect(database_url, application="tests") as connection:
            row = connection.execute(
                "SELECT count(*) FROM ingest_partitions WHERE caught_up_at > to_timestamp(%s)", (since,)
            ).fetchone()
        return bool(row and row[0])

    wait_until(caught_up, timeout_s=timeout_s, what="ingest has caught up", poll_s=0.1)


def assert_equal(ledger: Ledger, database_url: str, *, timeout_s: float = 30.0) -> None:
    """What was acknowledged is stored, each entry once, and nothing else is; the journal and the counters agree."""
    expected = ledger_rows(ledger)
    wait_stored(database_url, len(expected), timeout_s=timeout_s)
    found = stored_rows(database_url)
    assert not (missing := expected - found), f"{missing.total()} entries are missing, such as {next(iter(missing))}"
    assert not (extra := found - expected), f"{extra.total()} rows nobody sent, such as {next(iter(extra))}"
    final = counters(database_url)
    assert_balanced(final)
    assert final["stored"] == len(expected)
    with connect(database_url, application="tests") as connection:
        row = connection.execute(
            "SELECT coalesce(sum(cardinality(datastreams)), 0), count(*), coalesce(max(seq), 0) FROM journal"
        ).fetchone()
    assert row == (len(expected), final["seq"], final["seq"])
