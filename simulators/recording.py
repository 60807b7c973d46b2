"""Recorded CSV -> samples: what each device said at each instant, chunk after chunk in bounded memory."""

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.errors import ConfigurationError
from domain.registry import PropertyType
from simulators.cells import Cells, Problems, Value, unusable
from simulators.feed import Feed
from simulators.local_time import NOT_A_TIME, LocalTimes

_ROWS = 5000


@dataclass(frozen=True, slots=True)
class Sample:
    """What one device said at one instant (microseconds since 1970, UTC)."""

    device: str
    time: int
    properties: dict[str, Value]
    #: When its message left, if the recording knows that.
    sent: int | None = None

    @property
    def leaves(self) -> int:
        """The instant by which it is paced."""
        return self.time if self.sent is None else self.sent


@dataclass(frozen=True, kw_only=True, slots=True)
class Scan:
    """What a file holds, found by reading it once."""

    path: Path
    #: Of the earliest and the latest sample, microseconds since 1970 (UTC).
    first: int
    last: int
    samples: int
    entries: int
    missing: int
    #: Entries whose device spoke of the same instant just before: a database keeps the first of equal keys.
    repeated: int
    #: When the first message left.
    begins: int
    #: Least and greatest time from a sample to the leaving of its message, microseconds; 0 where nobody knows.
    delay: tuple[int, int] = (0, 0)


class Recording:
    """The files of a feed, with what is registered for it.

    Args:
        feed: The descriptor.
        datastreams: (device, property) -> type of the property; what is not in it may not be published.
    """

    def __init__(self, feed: Feed, datastreams: Mapping[tuple[str, str], PropertyType]) -> None:
        self._feed = feed
        self._datastreams = datastreams
        self._cells = Cells(feed)

    def scan(self, path: Path, *, progress: Callable[[int], None] | None = None) -> Scan:
        """Reads a whole file and reports every problem in it (ConfigurationError), each with file and line.

        Args:
            path: The file.
            progress: Told the number of samples found since the last call.
        """
        reading = _Reading(self._feed, self._datastreams, self._cells, path)
        first, last, samples, entries, repeated = -NOT_A_TIME - 1, NOT_A_TIME, 0, 0, 0
        before: dict[str, int] = {}
        begins, least, most = first, first, last
        for sample in reading.samples():
            first, last = min(first, sample.time), max(last, sample.time)
            delay = sample.leaves - sample.time
            begins, least, most = min(begins, sample.leaves), min(least, delay), max(most, delay)
            samples += 1
            entries += len(sample.properties)
            if before.get(sample.device) == sample.time:
                repeated += len(sample.properties)
            before[sample.device] = sample.time
            if progress and samples % _ROWS == 0:
                progress(_ROWS)
        if not samples and not reading.problems:
            reading.problems.append(f"{path.name}: there is nothing in it to publish: check separator and columns")
        reading.check()
        return Scan(
            path=path,
            first=first,
            last=last,
            samples=samples,
            entries=entries,
            missing=reading.missing,
            repeated=repeated,
            begins=begins,
            delay=(least, most),
        )

    def samples(self, path: Path) -> Iterator[Sample]:
        """The samples of a file in its order; ConfigurationError if it has problems after all."""
        reading = _Reading(self._feed, self._datastreams, self._cells, path)
        yield from reading.samples()
        reading.check()


class _Reading:
    """One pass through one file."""

    def __init__(
        self, feed: Feed, datastreams: Mapping[tuple[str, str], PropertyType], cells: Cells, path: Path
    ) -> None:
        self._feed = feed
        self._datastreams = datastreams
        self._cells = cells
        self._path = path
        self._name = path.name
        self._times = LocalTimes(feed.time)
        self._leaving = LocalTimes(feed.time)
        self.problems = Problems()
        self.missing = 0
        #: The last sample of a long table's chunk: its rows may go on in the next.
        self._open: Sample | None = None

    def check(self) -> None:
        if self.problems:
            raise ConfigurationError(f"recording {self._path}", list(self.problems))

    def samples(self) -> Iterator[Sample]:
        """Ends early at the first chunk with problems, once that chunk has told all of its own."""
        of_chunk = self._wide if self._feed.long is None else self._long
        try:
            with self._path.open(encoding=self._feed.encoding, newline="") as file:
                reader = csv.reader(file, delimiter=self._feed.separator, strict=True)
                names = [name.strip() for name in next(reader, [])]
                if not self._columns_fit(names):
                    return
                while chunk := list(islice(self._rows(reader, len(names)), _ROWS)):
                    lines, rows = zip(*chunk, strict=True)
                    yield from of_chunk(pd.DataFrame(list(rows), columns=names, index=list(lines), dtype=str))
                    if self.problems:
                        return
                if self._open:
                    yield self._open
        except (OSError, UnicodeError, csv.Error) as exc:
            self.problems.add(f"{self._name}: {exc}: check the file, its separator and its encoding")

    def _rows(self, reader: Any, width: int) -> Iterator[tuple[int, list[str]]]:  # noqa: ANN401 - csv names no type
        """Stripped rows with the line on which each ends, without blank ones; a torn row is a problem, not a row."""
        for raw in reader:
            row = [field.strip() for field in raw]
            if len(row) == width:
                yield reader.line_num, row
            elif any(row):
                self.problems.add(
                    f"{self._name}:{reader.line_num}: {len(row)} fields where the header has {width}: mend or remove it"
                )

    def _columns_fit(self, names: list[str]) -> bool:
        feed = self._feed
        if feed.long is None:
            wanted = {feed.time.column, *feed.columns, *filter(None, [feed.sent])}
        else:
            wanted = {feed.time.column, feed.long.series, feed.long.value}
            wanted |= set(filter(None, [feed.long.device, feed.sent]))
        for name in sorted(wanted - set(names)):
            self.problems.add(f"{self._name}:1: column {name!r} is missing: correct the descriptor or its separator")
        for name in dict.fromkeys(names):
            if name not in wanted and name not in feed.labels and name not in feed.ignore:
                self.problems.add(
                    f"{self._name}:1: column {name!r} is not described: add it to columns, labels or ignore"
                )
            if names.count(name) > 1:
                self.problems.add(f"{self._name}:1: column {name!r} stands twice: rename one")
        if feed.long is None:
            for series in feed.columns.values():
                self._kind(feed.device_of(series, path=self._path), series.property)
        return not self.problems

    def _kind(self, device: str, prop: str) -> PropertyType | None:
        kind = self._datastreams.get((device, prop))
        if kind is None:
            self.problems.add(f"{self._name}: {device} has no datastream {prop} in the feed's registry: add it there")
        return kind

    def _instants(self, texts: "pd.Series[str]", instants: NDArray[np.int64]) -> list[int]:
        why = f"is no time of format {self._feed.time.format} in {self._feed.time.zone}: correct format or zone"
        unusable(self._name, texts, instants == NOT_A_TIME, why, self.problems)
        listed: list[int] = instants.tolist()
        return listed

    def _sent(self, chunk: pd.DataFrame) -> list[int] | list[None]:
        if self._feed.sent is None:
            return [None] * len(chunk)
        texts = chunk[self._feed.sent]
        return self._instants(texts, self._leaving.micros(texts))

    def _wide(self, chunk: pd.DataFrame) -> Iterator[Sample]:
        feed = self._feed
        texts = chunk[feed.time.column]
        instants = self._instants(texts, self._times.micros(texts))
        sent = self._sent(chunk)
        by_device: dict[str, list[tuple[str, list[Value | None]]]] = {}
        for name, series in feed.columns.items():
            device = feed.device_of(series, path=self._path)
            boolean = self._datastreams[device, series.property] == "boolean"
            values = self._cells.values(self._name, chunk[name], series, boolean=boolean, problems=self.problems)
            self.missing += values.count(None)
            by_device.setdefault(device, []).append((series.property, values))
        if self.problems:
            return
        for i, time in enumerate(instants):
            for device, columns in by_device.items():
                found = {name: value for name, values in columns if (value := values[i]) is not None}
                if found:
                    yield Sample(device, time, found, sent[i])

    def _long(self, chunk: pd.DataFrame) -> Iterator[Sample]:
        feed, table = self._feed, self._feed.long
        if table is None or chunk.empty:
            return
        names = chunk[table.series].tolist()
        raw_devices = chunk[table.device].tolist() if table.device else [""] * len(names)
        keys = list(zip(raw_devices, names, strict=True))
        texts = chunk[feed.time.column]
        instants = self._instants(texts, self._times.micros(texts, keys))
        sent = self._sent(chunk)
        # By name, not by device and name: a town has hundreds of devices that measure the same.
        rows_of: dict[str, list[int]] = {}
        for row, name in enumerate(names):
            rows_of.setdefault(name, []).append(row)
        values: list[Value | None] = [None] * len(names)
        devices = [""] * len(names)
        for name, rows in rows_of.items():
            part = chunk[table.value].iloc[rows]
            series = feed.columns.get(name)
            if series is None:
                if name not in feed.ignore and name not in feed.labels:
                    where = f"{self._name}:{part.index[0]}"
                    self.problems.add(f"{where}: {name!r} is not described: add it to columns, labels or ignore")
                continue
            known: dict[str, str] = {}
            boolean = False
            for raw in dict.fromkeys(raw_devices[row] for row in rows):
                known[raw] = feed.device_of(series, path=self._path, device=raw)
                # One property is of one type, whichever device measures it.
                boolean |= self._kind(known[raw], series.property) == "boolean"
            found = self._cells.values(self._name, part, series, boolean=boolean, problems=self.problems)
            self.missing += found.count(None)
            for row, value in zip(rows, found, strict=True):
                values[row], devices[row] = value, known[raw_devices[row]]
        if not self.problems:
            yield from self._gathered(devices, instants, sent, names, values)

    def _gathered(
        self,
        devices: list[str],
        instants: list[int],
        sent: list[int] | list[None],
        names: list[str],
        values: list[Value | None],
    ) -> Iterator[Sample]:
        """Neighbouring rows of one device, one instant and one message make one sample."""
        sample = self._open
        for device, time, left, name, value in zip(devices, instants, sent, names, values, strict=True):
            if value is None:
                continue
            prop = self._feed.columns[name].property
            same = sample is not None and (sample.device, sample.time, sample.sent) == (device, time, left)
            if sample and same and prop not in sample.properties:
                sample.properties[prop] = value
                continue
            if sample:
                yield sample
            sample = Sample(device, time, {prop: value}, left)
        self._open = sample
