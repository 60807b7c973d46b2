"""The recordings of the two public data sets: which files they are, what they hold, what a person has labelled in them.

Labels are read apart from values, by `labelled` alone, so that whatever learns from values cannot see them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.catalogue import properties
from domain.errors import ConfigurationError
from domain.observation import Quality
from domain.registry import Property, Registry
from domain.registry_folder import read as read_registry
from domain.subject import Watched, WatchedAsset
from rules.material import ArrayMaterial, in_order
from rules.rerun import Site
from simulators.feed import Feed
from simulators.feed import load as load_feed

_FEEDS = Path(__file__).resolve().parents[2] / "simulators" / "feeds"
#: An asset and a property.
Column = tuple[str, str]
Tags = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """How the files of one data set look."""

    name: str
    descriptor: Path
    #: Begins of the names of files without any attack or anomaly. A name tells it, never a label.
    clean: tuple[str, ...]
    #: A column that only files of this set have, and the one that says what is true.
    sign: str
    truth: str
    #: Seconds that a sample stands for, and within which the next one comes: the bench leaves out a second now and
    #: then, in its clean run as well.
    interval_s: int
    promised_s: int

    def is_clean(self, path: Path) -> bool:
        """Whether limits may be learned from a file."""
        return path.stem.lower().startswith(self.clean)


BATADAL = Layout(
    name="batadal",
    descriptor=_FEEDS / "batadal" / "feed-clean.yaml",
    clean=("dataset03", "batadal_dataset03"),
    sign="L_T1",
    truth="ATT_FLAG",
    interval_s=3600,
    promised_s=3600,
)
SKAB = Layout(
    name="skab",
    descriptor=_FEEDS / "skab" / "feed.yaml",
    clean=("anomaly-free",),
    sign="Accelerometer1RMS",
    truth="anomaly",
    interval_s=1,
    promised_s=2,
)
LAYOUTS = (BATADAL, SKAB)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """What a file holds, without what is labelled in it."""

    path: Path
    layout: Layout
    #: Microseconds since 1970 (UTC), strictly rising.
    times: NDArray[np.int64]
    #: In the unit of the property; NaN where there is none.
    series: Mapping[Column, NDArray[np.float64]]


def find(folder: Path) -> tuple[tuple[Path, Layout], ...]:
    """Every file of a known layout in a folder and below it, told by its header, in the order of the paths."""
    found = []
    for path in sorted(folder.rglob("*.csv"), key=lambda p: (str(p.parent), len(p.stem), p.stem)):
        names = _header(path)
        found += [(path, layout) for layout in LAYOUTS if layout.sign in names]
    return tuple(found)


def read(path: Path, layout: Layout) -> Recording:
    """The values of a file; ConfigurationError if columns are missing or it has none that can be read."""
    feed, table = load_feed(layout.descriptor), _table(path, layout)
    if missing := [name for name in feed.columns if name not in table]:
        raise ConfigurationError(f"recording {path}", [f"column {name!r} is missing: restore it" for name in missing])
    assets = {device.id: device.asset for device in registry_of(layout).devices}
    values: dict[Column, NDArray[np.float64]] = {}
    for name, series in feed.columns.items():
        asset = assets[series.device] if series.device else _only_asset(layout)
        numbers = pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=np.float64)
        values[asset, series.property] = numbers * series.scale + series.offset
    return Recording(path=path, layout=layout, times=table.index.to_numpy(), series=values)


def halves(recording: Recording) -> tuple[Recording, Recording]:
    """The earlier and the later half of the samples."""
    middle = recording.times.size // 2
    first, second = slice(None, middle), slice(middle, None)
    earlier, later = (
        replace(recording, times=recording.times[part], series={k: v[part] for k, v in recording.series.items()})
        for part in (first, second)
    )
    return earlier, later


def labelled(path: Path, layout: Layout) -> NDArray[np.int8] | None:
    """What a person has labelled: 1 wrong, 0 normal, -1 unlabelled, for each time of the file; None without labels."""
    table = _table(path, layout)
    if layout.truth not in table:
        return None
    texts = table[layout.truth].str.lower().replace({"true": "1", "false": "0"})
    numbers = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=np.float64)
    return np.select([numbers == 1, numbers == 0], [1, 0], -1).astype(np.int8)


def material(recording: Recording, tags: Tags, *, since: int | None = None) -> ArrayMaterial:
    """A recording as the engine takes it, with limits as tags of the assets.

    Args:
        recording: What was read.
        tags: Asset -> tag -> number.
        since: Nothing before it is observed; microseconds since 1970 (UTC).
    """
    registry = registry_of(recording.layout)
    known = vocabulary(recording.layout)
    since = int(recording.times[0]) if since is None else since
    assets = {
        asset.id: WatchedAsset(
            id=asset.id,
            kind=asset.kind,
            network=asset.network,
            area=asset.area,
            name_en=asset.name_en,
            name_zh=asset.name_zh,
            longitude=asset.longitude,
            latitude=asset.latitude,
            tags={tag: repr(float(number)) for tag, number in tags.get(asset.id, {}).items()},
        )
        for asset in registry.assets
    }
    watched, parts = [], []
    for number, ((asset, name), values) in enumerate(recording.series.items(), start=1):
        place, item = assets[asset], known[name]
        watched.append(
            Watched(
                datastream=number,
                property=name,
                unit=item.unit,
                device=asset,
                interval_s=recording.layout.promised_s,
                registered_at=since,
                asset=asset,
                asset_kind=place.kind,
                asset_en=place.name_en,
                asset_zh=place.name_zh,
                network=place.network,
                area=place.area,
                tags=place.tags,
            )
        )
        there = np.isfinite(values) & (recording.times >= since)
        own = values[there]
        outside = (own < item.minimum) | (own > item.maximum)
        parts.append((np.full(own.size, number), recording.times[there], own, outside * int(Quality.OUT_OF_RANGE)))
    streams, times, numbers, qualities = (np.concatenate(column) for column in zip(*parts, strict=True))
    return ArrayMaterial(
        title=recording.path.name,
        site=Site(watched=tuple(watched), assets=tuple(assets.values()), links=registry.links),
        since=since,
        until=int(recording.times[-1]) + 1,
        observations=in_order(streams.astype(np.int32), times, numbers, qualities.astype(np.int16)),
    )


@cache
def registry_of(layout: Layout) -> Registry:
    """What stands in the field of a data set."""
    return read_registry(layout.descriptor.parent / load_feed(layout.descriptor).registry)


@cache
def vocabulary(layout: Layout) -> Mapping[str, Property]:
    """The properties that rules of a data set may name."""
    return {p.id: p for p in (*properties(), *registry_of(layout).properties)}


def _only_asset(layout: Layout) -> str:
    return registry_of(layout).assets[0].id


def _separator(feed: Feed, line: str) -> str:
    """The one of the descriptor, unless the file plainly uses another: spreadsheets write semicolons."""
    return max((feed.separator, ";", ","), key=line.count)


def _header(path: Path) -> set[str]:
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            line = file.readline()
    except OSError:
        return set()
    return {name.strip().strip('"') for name in line.replace(";", ",").split(",")}


def _table(path: Path, layout: Layout) -> pd.DataFrame:
    """All cells as stripped texts by their time, rising; of equal times the first."""
    feed = load_feed(layout.descriptor)
    with path.open(encoding="utf-8-sig") as file:
        separator = _separator(feed, file.readline())
    table = pd.read_csv(path, sep=separator, dtype=str, encoding="utf-8-sig", keep_default_na=False)
    table.columns = [name.strip() for name in table.columns]
    table = table.apply(lambda column: column.str.strip())
    times = pd.to_datetime(table[feed.time.column], format=feed.time.format, errors="coerce", utc=True)
    if times.isna().any() or table.empty:
        line = int(np.argmax(times.isna())) + 2
        raise ConfigurationError(f"recording {path}", [f"line {line}: no time of format {feed.time.format}: mend it"])
    table.index = pd.Index(times.dt.as_unit("us").astype(np.int64))
    first: pd.DataFrame = table[~table.index.duplicated()].sort_index()
    return first
