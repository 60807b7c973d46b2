"""What the devices of a fleet say is what ingest takes: every payload, of every kind, through its decoder."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from domain.catalogue import properties
from domain.observation import Quality
from domain.registry_folder import read
from ingest.decode import Limits, decode
from simulators.load.groups import Group, compose
from simulators.load.inventory import registry, save
from simulators.load.payloads import instants, payloads
from simulators.load.schedule import Schedule, Slice
from storage.catalog import Catalog, DeviceStreams

_SECOND = 1_000_000
#: 2026-06-15T20:00:00+08:00
_BEGIN = 1_781_524_800 * _SECOND
_SEED = 1
_GROUPS = compose(2000, 400)


def _slices(seconds: float = 10.0) -> list[Slice]:
    return [each for stretch in Schedule(_GROUPS, seconds, _SEED).slices(1.0) for each in stretch]


def _catalog(groups: Sequence[Group]) -> Catalog:
    """The fleet as ingest would hold it in memory, out of the registry of the fleet."""
    known = {p.id: p for p in properties()}
    found = registry(groups)
    assets = {asset.id: asset for asset in found.assets}
    topics = {
        device.id: f"lifeline/{assets[device.asset].area}/{assets[device.asset].network}/{device.id}/telemetry"
        for device in found.devices
    }
    by_topic = {topic: DeviceStreams(device, {}, {}) for device, topic in topics.items()}
    minimum, maximum = [-np.inf], [np.inf]
    for number, stream in enumerate(found.datastreams, start=1):
        of = known[stream.property]
        each = by_topic[topics[stream.device]]
        each.streams[stream.property] = -number if of.type == "boolean" else number
        each.units[stream.property] = stream.unit
        minimum.append(of.minimum)
        maximum.append(of.maximum)
    return Catalog(version=1, by_topic=by_topic, topic_of=topics, minimum=np.array(minimum), maximum=np.array(maximum))


def test_ingest_takes_every_entry_of_every_message_within_its_range() -> None:
    catalog = _catalog(_GROUPS)
    topics, said, entries = [], [], 0
    for each in _slices():
        group = _GROUPS[each.group]
        topics += [group.topic(device) for device in each.devices.tolist()]
        said += list(payloads(_GROUPS, each, _BEGIN, _SEED))
        samples = 2 if group.hardware.form == "array" else 1
        entries += samples * len(group.hardware.properties) * len(each.devices)
    limits = Limits(lateness_micros=3600 * _SECOND, skew_micros=60 * _SECOND, payload_bytes=262_144)
    batch = decode(topics, said, catalog=catalog, limits=limits, now=_BEGIN + 10 * _SECOND)

    assert batch.dead_letters == []
    assert len(batch.values) == entries
    assert np.all(batch.qualities == int(Quality.GOOD))
    stored = set(zip(batch.datastreams.tolist(), batch.times.tolist(), strict=True))
    assert len(stored) == entries, "no two samples of a datastream may share an instant"


def test_all_three_forms_of_messages_are_in_a_fleet() -> None:
    documents = [json.loads(next(payloads(_GROUPS, each, _BEGIN, _SEED))) for each in _slices() if len(each.devices)]

    assert any(isinstance(document, dict) for document in documents)
    assert any(isinstance(document, list) and len(document) == 2 and "values" in document[0] for document in documents)
    assert any(isinstance(document, list) and "bn" in document[0] for document in documents)


def test_a_message_carries_the_instant_at_which_it_is_due() -> None:
    each = next(each for each in _slices() if _GROUPS[each.group].name == "cabinet")
    said = [json.loads(payload) for payload in payloads(_GROUPS, each, _BEGIN, _SEED)]

    due = (_BEGIN // 1000 + each.due_s * 1000).astype(np.int64)
    assert [instant % 60_000 for instant in due.tolist()] == [
        round(float(document["time"][17:-1]) * 1000) for document in said
    ]
    assert np.all(instants(each, _BEGIN) // 1000 == due)


def _mean(name: str, observed: str, begin: int) -> float:
    group = next(index for index, group in enumerate(_GROUPS) if group.name == name)
    said = [
        json.loads(payload)
        for each in _slices()
        if each.group == group
        for payload in payloads(_GROUPS, each, begin, _SEED)
    ]
    samples = [sample for document in said for sample in (document if isinstance(document, list) else [document])]
    return float(np.mean([sample["values"][observed] for sample in samples]))


@pytest.mark.parametrize(
    ("name", "observed", "more"),
    # In the evening, compared with the early morning.
    [
        ("lamp", "light.power", True),
        ("regulator_station", "gas.flow", True),
        ("pressure_point", "water.pressure", False),
    ],
)
def test_values_follow_the_time_of_day(name: str, observed: str, more: bool) -> None:  # noqa: FBT001
    evening, night = _mean(name, observed, _BEGIN), _mean(name, observed, _BEGIN - 17 * 3600 * _SECOND)

    assert (evening > night) == more


def test_devices_differ_and_so_do_the_instants_of_one() -> None:
    each = next(each for each in _slices() if _GROUPS[each.group].name == "pressure_point")
    now, later = (
        [json.loads(payload)["values"] for payload in payloads(_GROUPS, each, begin, _SEED)]
        for begin in (_BEGIN, _BEGIN + 60 * _SECOND)
    )

    assert len({said["water.pressure"] for said in now}) > len(now) / 4
    assert all(one["water.noise"] != other["water.noise"] for one, other in zip(now, later, strict=True))


def test_the_same_seed_says_the_same_and_another_seed_something_else() -> None:
    each = _slices()[1]

    assert list(payloads(_GROUPS, each, _BEGIN, 1)) == list(payloads(_GROUPS, each, _BEGIN, 1))
    assert list(payloads(_GROUPS, each, _BEGIN, 1)) != list(payloads(_GROUPS, each, _BEGIN, 2))


def test_the_registry_of_a_fleet_can_be_read_back_as_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "fleet"
    save(_GROUPS, folder)
    found = read(folder)

    assert {device.id for device in found.devices} == {
        group.device(number) for group in _GROUPS for number in range(group.count)
    }
    promised = {device.id: device.reporting_interval_s for device in found.devices}
    for group in _GROUPS:
        assert group.interval_s <= promised[group.device(0)] < group.interval_s + 1
    assert len(found.datastreams) == sum(group.count * len(group.hardware.properties) for group in _GROUPS)
