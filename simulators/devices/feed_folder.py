"""A traffic as a folder for `lifeline replay`: descriptor, registry, readings as CSV and Parquet, and what happened.

The same traffic gives the same bytes: nothing of the clock, the machine or the order of a hash is in them.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from domain.errors import ConfigurationError
from domain.registry import Registry
from domain.registry_folder import write as write_registry
from domain.times import isoformat
from simulators.devices.traffic import LABELS, Traffic
from simulators.town.happenings import Happening

FORMATS = ("parquet", "csv")
#: Columns of the readings, in this order.
COLUMNS = ("sent", "time", "device", "property", "value", "truth", "label")
_BATCH_MESSAGES = 20_000
_MILLI = 1000
#: Truth is written to this many digits after the point: finer than any instrument, and a third of the size.
_TRUTH_DIGITS = 6
_README = """\
# {title_en}

Recorded by `lifeline simulate record` (scenario `{scenario}`, scale {scale}, seed {seed}) from {first} to {last}.
{readings:,} readings in {messages:,} messages of {devices:,} devices; {lost:,} readings never left their devices.

- `readings.parquet`, `readings.csv`: one reading a row, in the order in which messages left. `sent`: when the message
  left; `time`: what the device wrote beside the value; `value`: what it reported; `truth`: what was true at that
  moment; `label`: why the value is not what a sound instrument would say (several joined by `+`), empty if it is. Times
  are milliseconds since 1970 (UTC). Truth and labels are for judging detectors: they are never published.
- `events.csv`: what happened, to whom, from when until when.
- `registry/`: what stands in the field, for `lifeline registry import`.
- `feed.yaml`: how `lifeline replay` reads the CSV.

    lifeline registry import registry
    lifeline replay feed.yaml --speed max

# {title_zh}

由 `lifeline simulate record` 录制（场景 `{scenario}`，规模 {scale}，种子 {seed}），时间从{first}到{last}。
{devices:,}台设备，{messages:,}条消息，{readings:,}个读数；另有{lost:,}个读数从未发出。

- `readings.parquet`、`readings.csv`：每行一个读数，按消息发出的先后排列。
  `sent`为发出时间，`time`为设备所写时间，`value`为上报值，`truth`
  为当时的真实值，`label`说明读数为何失真（多个用`+`连接），正常为空。时间为1970年以来的毫秒数（UTC）。
  真实值和标签只用于评判，从不发布。
- `events.csv`：发生了什么、对象、起止时间。
- `registry/`：设施与设备台账，可用 `lifeline registry import` 导入。
- `feed.yaml`：供 `lifeline replay` 读取CSV的描述文件。
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where a recording comes from."""

    scenario: str
    title_en: str
    title_zh: str
    scale: str
    seed: int
    happenings: tuple[Happening, ...]


def write(folder: Path, traffic: Traffic, registry: Registry, source: Source, formats: Sequence[str] = FORMATS) -> None:
    """Writes the whole folder; it is made if it is not there.

    Args:
        folder: Where to.
        traffic: What was published.
        registry: Of the town that published it.
        source: Where it comes from.
        formats: `parquet`, `csv` or both; only a folder with CSV can be replayed.

    Raises:
        ConfigurationError: Nothing was published, or Parquet cannot be written here.
    """
    if not len(traffic.sent):
        raise ConfigurationError("recording", ["no device published anything: choose a longer scenario"])
    folder.mkdir(parents=True, exist_ok=True)
    _write_readings(folder, traffic, formats)
    write_registry(registry, folder / "registry")
    _write_events(folder / "events.csv", source.happenings)
    (folder / "feed.yaml").write_text(_descriptor(traffic, source), encoding="utf-8")
    text = _README.format(
        title_en=source.title_en,
        title_zh=source.title_zh,
        scenario=source.scenario,
        scale=source.scale,
        seed=source.seed,
        first=isoformat(int(traffic.sent[0])),
        last=isoformat(int(traffic.sent[-1])),
        readings=int(traffic.count.sum()),
        messages=len(traffic.sent),
        devices=len(traffic.devices),
        lost=traffic.lost,
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def _descriptor(traffic: Traffic, source: Source) -> str:
    """The feed, as `simulators.feed` reads it."""
    document = {
        "title": source.title_en,
        "files": "readings.csv",
        "time": {"column": "time", "format": "epoch_ms"},
        "sent": "sent",
        "labels": ["truth", "label"],
        "device": "{device}",
        "long": {"series": "property", "value": "value", "device": "device"},
        "columns": {name: {"property": name} for name in _properties(traffic)},
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def _write_events(path: Path, happenings: Sequence[Happening]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("kind", "target", "observed", "since", "until", "parameters"))
        for one in happenings:
            numbers = " ".join(f"{name}={value:g}" for name, value in sorted(one.parameters.items()))
            until = "" if one.until is None else isoformat(one.until)
            writer.writerow((one.kind, one.target or "", one.observed or "", isoformat(one.since), until, numbers))


def _write_readings(folder: Path, traffic: Traffic, formats: Sequence[str]) -> None:
    try:
        import pyarrow as pa
        from pyarrow import csv as arrow_csv
        from pyarrow import parquet
    except ImportError:
        raise ConfigurationError(
            "recording", ["pyarrow is not installed: uv sync --extra sim, or pip install 'city-lifeline[sim]'"]
        ) from None
    text = pa.dictionary(pa.int32(), pa.string())
    types = (pa.int64(), pa.int64(), text, text, pa.float64(), pa.float64(), text)
    schema = pa.schema(list(zip(COLUMNS, types, strict=True)))
    plain = pa.schema(
        [(name, pa.string() if kind == text else kind) for name, kind in zip(COLUMNS, types, strict=True)]
    )
    # Every word once: with repeated ones, the writer of Parquet does not give the same bytes twice.
    names = (
        pa.array(traffic.devices, pa.string()),
        pa.array(_properties(traffic), pa.string()),
        pa.array([_label(bits) for bits in range(1 << len(LABELS))], pa.string()),
    )
    table = (
        parquet.ParquetWriter(folder / "readings.parquet", schema, compression="zstd") if "parquet" in formats else None
    )
    # Quotes are needed nowhere: identifiers and labels hold neither commas nor line ends.
    style = arrow_csv.WriteOptions(quoting_style="none", batch_size=65_536)
    lines = arrow_csv.CSVWriter(folder / "readings.csv", plain, write_options=style) if "csv" in formats else None
    try:
        for batch in _batches(traffic, schema, names):
            if table is not None:
                table.write_batch(batch)
            if lines is not None:
                lines.write(batch.cast(plain))
    finally:
        for writer in (table, lines):
            if writer is not None:
                writer.close()


def _batches(traffic: Traffic, schema: Any, names: tuple[Any, Any, Any]) -> Iterator[Any]:  # noqa: ANN401 - untyped
    """Rows in the order of the messages, some thousand messages at a time."""
    import pyarrow as pa

    words = _properties(traffic)
    of_stream = np.array([words.index(name) for _, name in traffic.streams], dtype=np.int32)
    for begin in range(0, len(traffic.sent), _BATCH_MESSAGES):
        part = slice(begin, begin + _BATCH_MESSAGES)
        count = traffic.count[part]
        before = np.cumsum(count) - count
        rows = np.repeat(traffic.first[part] - before, count) + np.arange(int(count.sum()))
        indices = (
            np.repeat(traffic.device[part], count),
            of_stream[traffic.stream[rows]],
            traffic.labels[rows].astype(np.int32),
        )
        device, name, label = (
            pa.DictionaryArray.from_arrays(pa.array(index, pa.int32()), dictionary)
            for index, dictionary in zip(indices, names, strict=True)
        )
        truth = np.round(traffic.truth[rows], _TRUTH_DIGITS) + 0.0
        columns = [
            pa.array(np.repeat(traffic.sent[part] // _MILLI, count)),
            pa.array(traffic.sampled[rows] // _MILLI),
            device,
            name,
            pa.array(traffic.value[rows]),
            pa.array(truth),
            label,
        ]
        yield pa.record_batch(columns, schema=schema)


def _label(bits: int) -> str:
    return "+".join(word for bit, word in LABELS.items() if bits & bit)


def _properties(traffic: Traffic) -> list[str]:
    return sorted({name for _, name in traffic.streams})
