"""Recorded feeds as material for a backtest: the very recording that `lifeline replay` publishes, without a broker."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from commands.county_feed import site_of
from domain.catalogue import properties
from domain.errors import ConfigurationError
from domain.observation import Quality
from domain.registry import Property
from domain.registry_folder import read as read_registry
from rules.material import ArrayMaterial, in_order
from simulators.feed import load as load_feed
from simulators.plan import prepare


def vocabulary(descriptor: Path) -> tuple[Property, ...]:
    """The properties that a feed's registry knows: the shipped ones and its own."""
    own = read_registry(descriptor.parent / load_feed(descriptor).registry).properties
    return tuple(({p.id: p for p in properties()} | {p.id: p for p in own}).values())


def feed_material(descriptor: Path, folders: Iterable[Path], *, files: str | None = None) -> ArrayMaterial:
    """Everything that a feed's recordings hold, at the recorded times; ConfigurationError with every problem.

    Args:
        descriptor: The feed's YAML file.
        folders: Where recordings may lie, the first that has some wins.
        files: A pattern that replaces the descriptor's.
    """
    feed, recording, scans, _ = prepare(descriptor, tuple(folders), files=files)
    registry = read_registry(descriptor.parent / feed.registry)
    numbers = {(s.device, s.property): number for number, s in enumerate(registry.datastreams, start=1)}
    seen: dict[tuple[int, int], float] = {}
    for scan in scans:
        for sample in recording.samples(scan.path):
            for name, value in sample.properties.items():
                # As in the database, the first value of an instant stays.
                seen.setdefault((numbers[sample.device, name], sample.time), float(value))
    if not seen:
        raise ConfigurationError(f"feed {descriptor}", ["its recordings hold nothing: check the descriptor"])
    keys = np.array(list(seen), dtype=np.int64)
    streams, times, values = keys[:, 0].astype(np.int32), keys[:, 1], np.array(list(seen.values()))
    ranges = {p.id: (p.minimum, p.maximum) for p in vocabulary(descriptor)}
    low, high = np.full(len(numbers) + 1, -np.inf), np.full(len(numbers) + 1, np.inf)
    for (_, name), number in numbers.items():
        low[number], high[number] = ranges[name]
    outside = (values < low[streams]) | (values > high[streams])
    since, until = int(times.min()), int(times.max()) + 1
    site = site_of(registry, registered_at=since)
    begun: dict[str, int] = {}
    for (device, _), number in numbers.items():
        own = times[streams == number]
        begun[device] = min(begun.get(device, until), int(own.min()) if len(own) else until)
    # A recording begins when it begins: nobody was silent before.
    watched = tuple(replace(item, registered_at=begun[item.device]) for item in site.watched)
    return ArrayMaterial(
        title=feed.title,
        site=replace(site, watched=watched),
        since=since,
        until=until,
        observations=in_order(streams, times, values, np.where(outside, Quality.OUT_OF_RANGE, 0).astype(np.int16)),
    )
