"""What goes over MQTT is what the platform's own decoder reads back."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.catalogue import properties
from domain.registry import Registry
from domain.topics import parse, telemetry
from ingest.decode import Limits, decode
from simulators.devices.emit import emit
from simulators.devices.letters import Desk, Letter
from storage.batches import Batch
from storage.catalog import Catalog, DeviceStreams
from tests.support.field import ALL, HOUR, MIDNIGHT, MINUTE, WELL, happening, registry, town, truth

TOWN = town()
TRAFFIC = emit(
    TOWN,
    truth(TOWN),
    (
        happening("device.poor_link", "carrier-mobile", MIDNIGHT, twice=0.5),
        happening("device.spikes", WELL.device, MIDNIGHT, observed="gas.well.water", every=30),
    ),
    seed=1,
)
SHIFT = 12_345 * MINUTE
LATEST = int(TRAFFIC.sampled.max()) + SHIFT


def catalog(of: Registry) -> Catalog:
    known = {p.id: p for p in properties()}
    areas = {asset.id: (asset.area, asset.network) for asset in of.assets}
    topics = {device.id: telemetry(*areas[device.asset], device.id) for device in of.devices}
    by_topic = {topic: DeviceStreams(device, {}, {}) for device, topic in topics.items()}
    low, high = np.full(len(of.datastreams) + 1, -np.inf), np.full(len(of.datastreams) + 1, np.inf)
    for number, one in enumerate(of.datastreams, start=1):
        item = known[one.property]
        streams = by_topic[topics[one.device]]
        streams.streams[one.property] = -number if item.type == "boolean" else number
        streams.units[one.property] = one.unit
        low[number], high[number] = item.minimum, item.maximum
    return Catalog(version=1, by_topic=by_topic, topic_of=topics, minimum=low, maximum=high)


def decoded(letters: list[Letter]) -> Batch:
    limits = Limits(lateness_micros=48 * HOUR, skew_micros=HOUR, payload_bytes=262_144)
    return decode(
        [letter.topic for letter in letters],
        [letter.payload for letter in letters],
        catalog=catalog(registry(TOWN)),
        limits=limits,
        now=LATEST,
    )


def keys(*columns: NDArray[Any]) -> list[tuple[Any, ...]]:
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


def test_the_platforms_decoder_reads_every_reading_back() -> None:
    letters = list(Desk(TOWN, SHIFT).letters(TRAFFIC))
    batch = decoded(letters)
    assert batch.dead_letters == []
    assert not batch.qualities.any()
    rows = np.concatenate(
        [np.arange(first, first + count) for first, count in zip(TRAFFIC.first, TRAFFIC.count, strict=True)]
    )
    assert keys(batch.datastreams, batch.times, batch.values) == keys(
        TRAFFIC.stream[rows] + 1, TRAFFIC.sampled[rows] + SHIFT, TRAFFIC.value[rows]
    )


def test_the_entries_of_the_ledger_are_what_the_payload_says() -> None:
    numbers = {(s.device, s.property): number for number, s in enumerate(registry(TOWN).datastreams, start=1)}
    letters = list(Desk(TOWN, SHIFT).letters(TRAFFIC))[:500]
    batch = decoded(letters)
    entries = [entry for letter in letters for entry in letter.entries]
    assert sorted((numbers[e.device, e.property], e.time, e.value) for e in entries) == keys(
        batch.datastreams, batch.times, batch.values
    )


def test_each_device_writes_in_its_own_form() -> None:
    letters = {letter.device: letter for letter in Desk(TOWN).letters(TRAFFIC)}
    begins = {one.form: letters[one.device].payload[:2] for one in ALL}
    assert begins == {"object": b'{"', "array": b"[{", "senml": b"[{"}
    assert b'"bn"' in letters[WELL.device].payload
    assert b'"time"' in letters["pressure-point-001-pt"].payload
    # Switches are true or false, never 0 or 1.
    assert b'"vb":' in letters[WELL.device].payload
    assert b'"light.state":false' in letters["lamp-001-lc"].payload


def test_a_topic_names_area_network_and_device() -> None:
    for letter in list(Desk(TOWN).letters(TRAFFIC))[:20]:
        assert parse(letter.topic) == ("539900001", "water", letter.device)


def test_a_part_of_the_letters_is_that_part() -> None:
    whole = list(Desk(TOWN).letters(TRAFFIC))
    assert [letter.sent for letter in whole] == TRAFFIC.sent.tolist()
    assert list(Desk(TOWN).letters(TRAFFIC, 4000, 4321)) == whole[4000:4321]
