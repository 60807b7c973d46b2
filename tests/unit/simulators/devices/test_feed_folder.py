"""A recorded folder: what the replay reads in it is what was published, and the same traffic gives the same bytes."""

import csv
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

from domain.errors import ConfigurationError
from domain.registry_folder import read
from simulators.devices import feed_folder
from simulators.devices.emit import emit
from simulators.devices.feed_folder import Source
from simulators.devices.letters import Desk
from simulators.devices.traffic import Traffic
from simulators.plan import prepare
from simulators.recording import Sample
from simulators.town.happenings import Happening
from simulators.town.truth import Span
from tests.support.field import HOUR, MIDNIGHT, WELL, happening, registry, town, truth

TOWN = town()
STORY = (
    happening("device.poor_link", "carrier-mobile", MIDNIGHT, lost=0.05, twice=0.4, late=0.3),
    happening("device.carrier_out", "carrier-telecom", MIDNIGHT + HOUR, MIDNIGHT + 2 * HOUR),
    happening("device.clock_wrong", WELL.device, MIDNIGHT + HOUR, MIDNIGHT + 2 * HOUR),
    happening("device.stuck", WELL.device, MIDNIGHT + HOUR, MIDNIGHT + 2 * HOUR, observed="gas.ch4.chamber"),
)


def traffic(*happenings: Happening, seed: int = 1) -> Traffic:
    there = truth(TOWN, Span(start=MIDNIGHT, steps=300))
    wave = 30 + 29 * np.sin(np.arange(300) / 7.3)
    there = truth(TOWN, there.span, {(WELL.device, "gas.ch4.chamber"): wave})
    return emit(TOWN, there, happenings, seed=seed)


def written(folder: Path, found: Traffic) -> Path:
    source = Source(scenario="a-day", title_en="A day", title_zh="一天", scale="test", seed=1, happenings=STORY)
    feed_folder.write(folder, found, registry(TOWN), source)
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def samples(folder: Path) -> list[Sample]:
    _, recording, scans, _ = prepare(folder / "feed.yaml", [folder])
    return [sample for scan in scans for sample in recording.samples(scan.path)]


def test_the_replay_reads_the_messages_that_were_published_in_their_order(tmp_path: Path) -> None:
    found = traffic(*STORY)
    letters = list(Desk(TOWN).letters(found))
    read_back = samples(written(tmp_path, found))
    assert [sample.leaves for sample in read_back] == [letter.sent for letter in letters]
    assert [
        [(sample.device, name, sample.time, float(value)) for name, value in sample.properties.items()]
        for sample in read_back
    ] == [[tuple(entry) for entry in letter.entries] for letter in letters]


def test_the_registry_of_the_folder_is_that_of_the_town(tmp_path: Path) -> None:
    folder = written(tmp_path, traffic())
    found, there = read(folder / "registry"), registry(TOWN)
    for kind in ("assets", "devices", "datastreams", "links"):
        assert sorted(getattr(found, kind), key=str) == sorted(getattr(there, kind), key=str)


def test_the_same_traffic_gives_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    # Several times: bytes that come from memory by chance are often the same twice.
    first, *others = (tree(written(tmp_path / str(n), traffic(*STORY))) for n in range(6))
    assert all(one == first for one in others)
    assert {"feed.yaml", "readings.csv", "readings.parquet", "events.csv", "README.md"} < set(first)
    other = tree(written(tmp_path / "c", traffic(*STORY, seed=2)))
    assert other["readings.csv"] != first["readings.csv"]
    assert other["readings.parquet"] != first["readings.parquet"]


def test_csv_and_parquet_hold_the_same_with_truth_and_labels(tmp_path: Path) -> None:
    found = traffic(*STORY)
    folder = written(tmp_path, found)
    with (folder / "readings.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    table = parquet.read_table(folder / "readings.parquet").to_pylist()
    assert len(lines) == len(table) == found.count.sum()
    for line, row in zip(lines, table, strict=True):
        assert line == {
            name: ""
            if value == ""
            else line[name]
            if isinstance(value, float) and float(line[name]) == value
            else str(value)
            for name, value in row.items()
        }
    labels = {row["label"] for row in table}
    assert labels == {"", "clock", "stuck+clock"}
    held = {row["value"] for row in table if row["label"] == "stuck+clock"}
    assert len(held) == 1
    assert len({row["truth"] for row in table if row["label"] == "stuck+clock"}) > 50


def test_one_format_alone_can_be_chosen(tmp_path: Path) -> None:
    source = Source(scenario="a", title_en="A", title_zh="一", scale="test", seed=1, happenings=())
    feed_folder.write(tmp_path, traffic(), registry(TOWN), source, ("parquet",))
    assert (tmp_path / "readings.parquet").exists()
    assert not (tmp_path / "readings.csv").exists()


def test_nothing_published_is_told(tmp_path: Path) -> None:
    dead = tuple(happening("device.dead", one.device, 0) for one in TOWN.instruments)
    source = Source(scenario="a", title_en="A", title_zh="一", scale="test", seed=1, happenings=())
    with pytest.raises(ConfigurationError, match="no device published anything"):
        feed_folder.write(tmp_path / "out", traffic(*dead), registry(TOWN), source)
