"""`lifeline replay --from-database`: stored observations of a period as a programme that can be published."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from domain import topics
from domain.errors import ConfigurationError, SchemaError, UnavailableError
from domain.registry import Registry
from domain.registry_folder import write
from domain.times import isoformat
from simulators import alignment
from simulators.alignment import Admission, Align
from simulators.programme import Programme, Reel
from simulators.recording import Sample
from storage import recorded
from storage.database import Link, connect
from storage.migrate import check
from storage.recorded import Page, Stream
from storage.registry import export_registry

#: Reading a page, or counting a long period, may take its time.
_STATEMENT_S = 600.0
_MILLI = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """What of a database is replayed. Instants are microseconds since 1970 (UTC)."""

    #: From where on; None: since ingest has listened, or the first observation if that is older.
    since: int | None
    #: Up to where; None: as far as ingest has heard.
    until: int | None
    network: str | None = None
    area: str | None = None
    #: A pattern of device ids with `*` and `?`.
    device: str | None = None


@contextmanager
def reading(url: str) -> Iterator[Link]:
    """A connection to the database that is replayed."""
    with connect(url, application="replay", statement_timeout_s=_STATEMENT_S) as connection:
        check(connection)
        yield connection


def programme(
    connection: Link, period: Period, *, how: Align, at: int, now: int, speed: float, admission: Admission
) -> tuple[Programme, tuple[Stream, ...]]:
    """What is published, and the datastreams in it.

    Args:
        connection: The database that is replayed; nobody else uses it until the replay is over.
        period: What of it.
        how: start, end or keep.
        at: The instant at which the period is to start or end.
        now: When the replay starts.
        speed: Recorded seconds in one second; infinite for as fast as possible.
        admission: What the receiving database admits.

    Raises:
        ConfigurationError: There is nothing to replay, or the receiving database would refuse it.
    """
    chosen = recorded.streams(connection, network=period.network, area=period.area, device=period.device)
    ids = np.array([one.id for one in chosen], dtype=np.int32)
    listened, heard = recorded.heard(connection, ids)
    far = np.iinfo(np.int64)
    since = int(far.min) if period.since is None else period.since
    found = recorded.extent(connection, ids, since, int(far.max) if period.until is None else period.until)
    if not found.observations:
        raise ConfigurationError(
            "there is nothing to replay",
            ["no observation matches: widen --since and --until, or leave out --network, --area and --device"],
        )
    first = period.since if period.since is not None else min(found.first, listened or found.first)
    last = period.until if period.until is not None else max(found.last, heard or found.last)
    moved = alignment.shift(first, last, how, at)
    span = alignment.span(first, last, moved=moved, starts=now, speed=speed)
    refusals = alignment.refusals(span, align=how, admission=admission)
    if refusals:
        raise ConfigurationError("the database would refuse this replay, so it has not been started", refusals)
    reel = Reel(
        samples=partial(_samples, connection, chosen, ids, found.first, found.last + 1),
        first=first,
        last=last,
        moved=moved,
    )
    title = f"{isoformat(first)} / {isoformat(last)}"
    addresses = {one.device: topics.telemetry(one.area, one.network, one.device) for one in chosen}
    return Programme(title=title, reels=(reel,), topics=addresses, samples=found.observations), chosen


def _samples(
    connection: Link, chosen: tuple[Stream, ...], ids: NDArray[np.int32], since: int, until: int
) -> Iterator[Sample]:
    """What each device said at each instant, in the order of time."""
    by_id = {one.id: one for one in chosen}
    for page in recorded.pages(connection, ids, since, until):
        yield from _of_page(page, by_id)


def _of_page(page: Page, by_id: dict[int, Stream]) -> Iterator[Sample]:
    instant: int | None = None
    by_device: dict[str, Sample] = {}
    for number, time, value in zip(page.datastreams.tolist(), page.times.tolist(), page.values.tolist(), strict=True):
        if time != instant:
            yield from by_device.values()
            instant, by_device = time, {}
        one = by_id[number]
        sample = by_device.setdefault(one.device, Sample(one.device, time, {}))
        sample.properties[one.property] = bool(value) if one.boolean else value
    yield from by_device.values()


def write_registry(connection: Link, chosen: tuple[Stream, ...], folder: Path) -> None:
    """Writes what the receiving platform must know of the chosen datastreams."""
    whole = export_registry(connection)
    keys = {(one.device, one.property) for one in chosen}
    devices = tuple(d for d in whole.devices if d.id in {one.device for one in chosen})
    assets = {d.asset for d in devices}
    part = Registry(
        assets=tuple(asset for asset in whole.assets if asset.id in assets),
        devices=devices,
        datastreams=tuple(s for s in whole.datastreams if (s.device, s.property) in keys),
        links=tuple(link for link in whole.links if link.from_asset in assets and link.to_asset in assets),
        networks=whole.networks,
        properties=whole.properties,
    )
    everything = len(part.datastreams) == len(whole.datastreams)
    # Rules that join networks look at assets without devices, too.
    write(whole if everything else part, folder)


def refuse_mixing(
    url: str, programme: Programme, chosen: tuple[Stream, ...], *, same: bool, registry: Path | None
) -> None:
    """Raises ConfigurationError where the receiving database holds the published times, or lacks the devices.

    Args:
        url: The receiving database.
        programme: What is to be published.
        chosen: The datastreams in it.
        same: Whether it is the database that is replayed.
        registry: Where their registry has been written, if anybody asked for it.
    """
    first = min(reel.first + reel.moved for reel in programme.reels)
    last = max(reel.last + reel.moved for reel in programme.reels)
    told = "or publish all the same with --overlap"
    try:
        with connect(url, application="replay", statement_timeout_s=_STATEMENT_S) as target:
            check(target)
            ids = recorded.same_streams(target, chosen)
            there = recorded.extent(target, ids, first, last + 1)
    except (UnavailableError, SchemaError) as exc:
        raise ConfigurationError(
            "the database that is to receive the replay cannot be asked what it holds",
            [f"LIFELINE_DATABASE_URL: {exc}: name the database that ingest writes to, {told}"],
        ) from None
    if there.observations:
        which = "the database that is replayed" if same else "the receiving database"
        times = f"{isoformat(first)} to {isoformat(last)}"
        raise ConfigurationError(
            "this replay would mix with what is stored, so it has not been started",
            [
                f"{which} holds {there.observations} observations of these devices from {times}",
                f"publish to a broker and a database of their own (LIFELINE_MQTT_URL, LIFELINE_DATABASE_URL), {told}",
            ],
        )
    if len(ids) < len(chosen):
        folder = registry or "FOLDER"
        first_do = "" if registry else "write their registry with --registry FOLDER, "
        raise ConfigurationError(
            f"the receiving database does not know {len(chosen) - len(ids)} of {len(chosen)} datastreams",
            [f"{first_do}import it with `lifeline registry import {folder}`, then replay, {told}"],
        )
