"""What a replay will do, found and checked before it starts: files, devices, topics, times."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from domain import topics
from domain.errors import ConfigurationError
from domain.registry import PropertyType, Registry
from domain.registry_folder import read as read_registry
from domain.registry_folder import shipped
from simulators import alignment
from simulators.alignment import Admission, Align
from simulators.feed import Feed, load
from simulators.programme import Programme, Reel
from simulators.recording import Recording, Scan


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One file and how far its instants are moved, in microseconds."""

    scan: Scan
    moved: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A replay that can start."""

    feed: Feed
    recording: Recording
    parts: tuple[Part, ...]
    #: Device -> the topic on which it publishes.
    topics: dict[str, str]

    @property
    def samples(self) -> int:
        """How many samples all files hold."""
        return sum(part.scan.samples for part in self.parts)

    def programme(self) -> Programme:
        """What is published, in which order."""
        return Programme(
            title=self.feed.title,
            reels=tuple(
                Reel(
                    samples=partial(self.recording.samples, part.scan.path),
                    first=part.scan.first,
                    last=part.scan.last,
                    moved=part.moved,
                    begins=part.scan.begins,
                )
                for part in self.parts
            ),
            topics=self.topics,
            one_clock=self.feed.clock == "feed",
            pack=self.feed.pack,
            samples=self.samples,
            missing=sum(part.scan.missing for part in self.parts),
            repeated=sum(part.scan.repeated for part in self.parts),
        )


def prepare(
    descriptor: Path,
    folders: Sequence[Path],
    *,
    files: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> tuple[Feed, Recording, tuple[Scan, ...], dict[str, str]]:
    """Reads descriptor, registry and every file; ConfigurationError with every problem found.

    Args:
        descriptor: The feed's YAML file.
        folders: Where recordings may lie, the first that has some wins.
        files: A pattern that replaces the descriptor's, for another recording of the same installation.
        progress: Told the number of samples found since the last call.
    """
    feed = load(descriptor)
    registry = read_registry(descriptor.parent / feed.registry)
    recording = Recording(feed, _types(registry))
    scans = []
    problems: list[str] = []
    for path in _find((files,) if files else feed.files, folders, descriptor):
        try:
            scans.append(recording.scan(path, progress=progress))
        except ConfigurationError as exc:
            problems.extend(exc.problems)
    if problems:
        raise ConfigurationError(f"recordings of {descriptor}", problems)
    return feed, recording, tuple(scans), _topics(registry)


def _find(patterns: Sequence[str], folders: Sequence[Path], descriptor: Path) -> list[Path]:
    for folder in folders:
        found = sorted({path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}, key=_natural)
        if found:
            return found
    places = ", ".join(str(folder) for folder in folders)
    raise ConfigurationError(
        f"feed {descriptor}",
        [f"no file matches {', '.join(patterns)} in {places}: name the folder of the recordings with --data"],
    )


def _natural(path: Path) -> tuple[str, int, str]:
    """2.csv before 10.csv."""
    return str(path.parent), int(path.stem) if path.stem.isdigit() else -1, path.name


def _types(registry: Registry) -> dict[tuple[str, str], PropertyType]:
    properties = dict(shipped().properties) | {p.id: p for p in registry.properties}
    return {(s.device, s.property): properties[s.property].type for s in registry.datastreams}


def _topics(registry: Registry) -> dict[str, str]:
    assets = {asset.id: asset for asset in registry.assets}
    return {
        device.id: topics.telemetry(assets[device.asset].area, assets[device.asset].network, device.id)
        for device in registry.devices
    }


def align(
    feed: Feed, scans: Sequence[Scan], *, how: Align, at: int, now: int, speed: float, admission: Admission
) -> tuple[Part, ...]:
    """The files with their shifts, in the order of the replay; ConfigurationError if the database would refuse values.

    Args:
        feed: The descriptor.
        scans: What the files hold.
        how: start, end or keep.
        at: The instant at which the recording is to start or end.
        now: When the replay starts.
        speed: Recorded seconds in one second; infinite for as fast as possible.
        admission: What the database admits.
    """
    if feed.clock == "file":
        spans = [(scan.first, scan.last) for scan in scans]
    else:
        spans = [(min(scan.first for scan in scans), max(scan.last for scan in scans))] * len(scans)
        scans = sorted(scans, key=lambda scan: scan.first)
    parts = []
    whole: alignment.Span | None = None
    starts = now
    for scan, (first, last) in zip(scans, spans, strict=True):
        moved = alignment.shift(first, last, how, at)
        parts.append(Part(scan=scan, moved=moved))
        # How long messages were on their way counts from the first on: that one is published at once.
        delay = tuple(micros - (scan.begins - scan.first) for micros in scan.delay)
        span = alignment.span(first, last, moved=moved, starts=starts, speed=speed, delay=(delay[0], delay[1]))
        whole = span if whole is None else whole.joined(span)
        if feed.clock == "file":
            # Files run one after another, and those that come later are older by then.
            starts += int((last - first) / speed)
    refusals = alignment.refusals(whole, align=how, admission=admission) if whole else []
    if refusals:
        raise ConfigurationError("the database would refuse this replay, so it has not been started", refusals)
    return tuple(parts)
