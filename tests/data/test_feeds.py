"""The shipped feed descriptors fit their registries, without the recordings being there."""

import re
from pathlib import Path

import pytest

from domain.registry_folder import read
from simulators.feed import load

FEEDS = Path(__file__).resolve().parents[2] / "simulators" / "feeds"
DESCRIPTORS = sorted(FEEDS.glob("*/feed*.yaml"))
IDS = [f"{path.parent.name}/{path.stem}" for path in DESCRIPTORS]


def test_there_are_feeds_to_check() -> None:
    assert len(DESCRIPTORS) == 3


@pytest.mark.parametrize("descriptor", DESCRIPTORS, ids=IDS)
def test_every_column_is_a_registered_datastream(descriptor: Path) -> None:
    feed = load(descriptor)
    registry = read(descriptor.parent / feed.registry)
    registered = {(stream.device, stream.property) for stream in registry.datastreams}
    for series in feed.columns.values():
        pattern = re.sub(r"\\\{\w+\\\}", ".+", re.escape(series.device or feed.device or ""))
        devices = {device for device, prop in registered if prop == series.property and re.fullmatch(pattern, device)}
        assert devices, series


@pytest.mark.parametrize("descriptor", DESCRIPTORS, ids=IDS)
def test_every_registered_datastream_is_fed(descriptor: Path) -> None:
    feed = load(descriptor)
    registry = read(descriptor.parent / feed.registry)
    assert {s.property for s in registry.datastreams} == {series.property for series in feed.columns.values()}


@pytest.mark.parametrize("descriptor", DESCRIPTORS, ids=IDS)
def test_labels_are_declared_and_never_published(descriptor: Path) -> None:
    feed = load(descriptor)
    assert feed.labels
    assert not set(feed.labels) & set(feed.columns)
