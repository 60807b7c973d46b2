"""Feed descriptors: how the columns of a recorded CSV become devices and properties. Pure data, checked as a whole.

A descriptor is a small YAML file; every problem is reported at once, with its line.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from domain.errors import ConfigurationError

_OFFSET = re.compile(r"[+-]\d{2}:\d{2}")
#: What a device template may name: parts of the file's path and, in long tables, the device column.
_PLACEHOLDER = re.compile(r"\{(\w*)\}")
_PLACEHOLDERS = ("stem", "folder", "device")


def _as_text(given: object) -> object:
    """YAML reads -999 as a number; here it is the text that stands in the file."""
    return str(given) if isinstance(given, int | float) and not isinstance(given, bool) else given


class _Loader(yaml.SafeLoader):
    """Only true and false are booleans: ON, OFF, yes and no are names of states here."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool" or first in "tTfF"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TimeColumn(_Model):
    """Where the time stands and how it is written."""

    column: str
    #: iso8601, epoch_s, epoch_ms, epoch_us, or a strptime pattern such as `%d/%m/%y %H`.
    format: str = "iso8601"
    #: Zone of times that name none: an IANA name, or a fixed offset such as +08:00.
    zone: str = "UTC"

    @field_validator("format")
    @classmethod
    def _known_format(cls, text: str) -> str:
        if text not in ("iso8601", "epoch_s", "epoch_ms", "epoch_us") and "%" not in text:
            raise ValueError(f"{text!r} is no format: iso8601, epoch_s, epoch_ms, epoch_us or a strptime pattern")
        return text

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, text: str) -> str:
        if not _OFFSET.fullmatch(text):
            try:
                ZoneInfo(text)
            except (ValueError, OSError, KeyError):
                raise ValueError(f"{text!r} is no zone: write a name such as Asia/Shanghai, or +08:00") from None
        return text


class Series(_Model):
    """What a column (or, in long tables, a name) is: a property of a device, perhaps in another unit."""

    property: str
    #: Device id; may hold {stem} and {folder} of the file and {device} of a long table. Default: the feed's.
    device: str | None = None
    #: published = recorded * scale + offset.
    scale: float = Field(default=1.0, allow_inf_nan=False)
    offset: float = Field(default=0.0, allow_inf_nan=False)
    #: For states: recorded text -> true or false. Default: 0 is false, 1 is true.
    states: dict[str, bool] | None = None

    @field_validator("states", mode="before")
    @classmethod
    def _texts(cls, given: object) -> object:
        return {_as_text(key): value for key, value in given.items()} if isinstance(given, dict) else given

    @model_validator(mode="after")
    def _one_meaning(self) -> "Series":
        if self.states is not None and (self.scale, self.offset) != (1.0, 0.0):
            raise ValueError("states cannot be scaled: leave out scale and offset, or states")
        return self


class LongTable(_Model):
    """Columns of a table that holds one value a row."""

    series: str
    value: str
    device: str | None = None


class Feed(_Model):
    """A whole descriptor."""

    title: str
    #: Folder of the registry that describes the devices, relative to the descriptor.
    registry: str = "registry"
    #: Patterns of files, relative to the folder of the recordings.
    files: Annotated[tuple[str, ...], Field(min_length=1)]
    separator: str = Field(default=",", min_length=1, max_length=1)
    encoding: str = "utf-8-sig"
    decimal: str = Field(default=".", pattern=r"^[.,]$")
    time: TimeColumn
    #: Column of the instant at which the message of a row left, written as the time is. Rows stand in this order and
    #: are paced by it: for recordings that know what was late, or came twice.
    sent: str | None = None
    #: Marks of a missing value, beside the empty text; compared as texts, and as numbers if they are numbers.
    missing: tuple[str, ...] = ()
    #: Columns that say what is true, for judging detectors: never published.
    labels: tuple[str, ...] = ()
    #: Further columns that are not published.
    ignore: tuple[str, ...] = ()
    #: `feed`: all files share one time line. `file`: each file is shifted by itself and they run one after another.
    clock: Literal["feed", "file"] = "feed"
    #: Rows of a device that make one message.
    pack: int = Field(default=1, ge=1, le=500)
    device: str | None = None
    long: LongTable | None = None
    #: Column (in long tables: name in the series column) -> what it is.
    columns: Annotated[dict[str, Series], Field(min_length=1)]

    @field_validator("files", "missing", "labels", "ignore", mode="before")
    @classmethod
    def _one_or_many(cls, given: object) -> object:
        many = given if isinstance(given, list) else [given]
        return tuple(_as_text(item) for item in many)

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, name: str) -> str:
        try:
            "".encode(name)
        except LookupError:
            raise ValueError(f"{name!r} is no encoding: write utf-8, gb18030, …") from None
        return name

    @model_validator(mode="after")
    def _consistent(self) -> "Feed":
        problems = []
        for name, series in self.columns.items():
            device = series.device or self.device
            if device is None:
                problems.append(f"column {name!r} has no device: give it one, or the feed")
            elif bad := [p for p in _PLACEHOLDER.findall(device) if p not in _PLACEHOLDERS]:
                problems.append(f"device {device!r} names {{{bad[0]}}}: use {{stem}}, {{folder}} or {{device}}")
            elif "{device}" in device and (self.long is None or self.long.device is None):
                problems.append(f"device {device!r} needs long.device, the column of the device")
        if self.sent is not None and self.pack > 1:
            problems.append("sent says when each message left: pack cannot put several into one")
        twice = sorted({*self.labels, *self.ignore} & set(self.columns)) if self.long is None else []
        problems.extend(f"column {name!r} is both published and not: choose one" for name in twice)
        seen: dict[tuple[str, str], str] = {}
        for name, series in self.columns.items():
            key = (series.device or self.device or "", series.property)
            first = seen.setdefault(key, name)
            if first is not name:
                problems.append(f"columns {first!r} and {name!r} are one property of one device: tell them apart")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def device_of(self, series: Series, *, path: Path, device: str = "") -> str:
        """The device of a series in a file; `device` is what the device column of a long table says."""
        template = series.device or self.device or ""
        values = {"stem": path.stem, "folder": path.parent.name, "device": device}
        return _PLACEHOLDER.sub(lambda match: values[match[1]], template)


def load(path: Path) -> Feed:
    """Reads a descriptor; ConfigurationError with every problem and its line."""
    what = f"feed {path}"
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as exc:
        raise ConfigurationError(what, [f"{exc.strerror or exc}: name a descriptor that may be read"]) from None
    except UnicodeDecodeError as exc:
        raise ConfigurationError(what, [f"not UTF-8 ({exc}): save it as UTF-8"]) from None
    return parse(text, what)


def parse(text: str, what: str = "feed") -> Feed:
    """The feed that a YAML text describes; ConfigurationError with every problem and its line."""
    try:
        tree = yaml.compose(text, Loader=_Loader)
        document = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader with fewer surprises
    except yaml.YAMLError as exc:
        raise ConfigurationError(what, [f"not YAML: {exc}"]) from None
    problems = list(_repeated(tree))
    if not isinstance(document, dict):
        raise ConfigurationError(what, [*problems, "line 1: not a mapping: begin with `title: …`"])
    try:
        feed = Feed.model_validate(document)
    except ValidationError as exc:
        for error in exc.errors(include_url=False, include_input=False):
            name = ".".join(str(part) for part in error["loc"])
            message = error["msg"].removeprefix("Value error, ")
            problems.append(f"line {_line(tree, error['loc'])}: {name or 'feed'}: {message}")
        raise ConfigurationError(what, problems) from None
    if problems:
        raise ConfigurationError(what, problems)
    return feed


def _line(node: yaml.Node | None, location: Sequence[int | str]) -> int:
    """The line of the deepest part of the location that the text has."""
    line = node.start_mark.line + 1 if node else 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            return line
    return line


def _repeated(node: yaml.Node | None) -> Iterator[str]:
    """YAML keeps the last of two equal keys without a word; a person meant something else."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield f"line {key.start_mark.line + 1}: {key.value!r} stands twice: remove one"
            seen.add(key.value)
            yield from _repeated(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeated(value)
