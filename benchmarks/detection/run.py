"""Plain rules over every recording in a folder, by the engine that backtests, and what they are worth."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.detection import limits
from benchmarks.detection.figures import Counts, Figures, alarmed, count, figures, together
from benchmarks.detection.recordings import (
    BATADAL,
    SKAB,
    Layout,
    Recording,
    find,
    halves,
    labelled,
    material,
    read,
    registry_of,
    vocabulary,
)
from domain.errors import ConfigurationError
from domain.times import MICROS_PER_SECOND
from rules.backtest import backtest
from rules.load import Catalogue, load_catalogue

FOLDER = Path(__file__).parent
#: The limits of the clean recordings that were published, for folders that hold none.
SHIPPED_LIMITS = FOLDER / "limits.json"
SETS = {"batadal": BATADAL, "skab": SKAB, "skab-commissioned": SKAB}
Limits = dict[str, dict[str, float]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One file, or all files of a set together."""

    file: str
    #: Whether the limits were learned from it: its figures then say nothing of what is unseen.
    clean: bool
    figures: Figures
    #: Rules by the number of alerts they raised.
    alerts: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """One set of rules on its files."""

    name: str
    #: The data set it was run on.
    data: str
    rules: int
    #: The clean file that limits were learned from, or that they are the shipped ones.
    learned_from: str
    lines: tuple[Line, ...]
    #: The clean record of C-Town in halves, each with the limits of the other: alarms where nothing is wrong.
    crossed: Figures | None
    #: All files but the clean ones.
    total: Figures | None


def run(
    folder: Path, chosen: str | None = None, progress: Callable[[str], object] = lambda _name: None
) -> list[Result]:
    """Every set of rules on every file of its layout; ConfigurationError if there is none.

    Args:
        folder: Where recordings lie, at any depth.
        chosen: Only this data set: batadal or skab.
        progress: Told before each file.
    """
    found = [(path, layout) for path, layout in find(folder) if chosen in (None, layout.name)]
    if not found:
        what = chosen or "BATADAL or SKAB"
        raise ConfigurationError(f"data in {folder}", [f"holds no recording of {what}: name its folder with --data"])
    return [
        _judged(name, layout, [path for path, own in found if own == layout], folder, progress)
        for name, layout in SETS.items()
        if any(own == layout for _, own in found)
    ]


def work(folder: Path, chosen: str | None = None) -> int:
    """How many files will be told to `progress`."""
    found = [layout for _, layout in find(folder) if chosen in (None, layout.name)]
    return sum(found.count(layout) for layout in SETS.values())


def learn(name: str, clean: Recording) -> Limits:
    """The limits of a set of rules, from a clean recording: by asset, or for all runs of the bench."""
    if name == "batadal":
        return limits.water_limits(clean)
    bench = registry_of(SKAB).assets[0].id
    return {bench: limits.bench_movements(clean) if name == "skab" else limits.bench_departures(clean)}


def shipped_limits() -> dict[str, Limits]:
    """What `learn` made of the published clean recordings, by set."""
    found: dict[str, Limits] = json.loads(SHIPPED_LIMITS.read_text(encoding="utf-8"))
    return found


def ship(folder: Path) -> None:
    """Writes the limits of the clean recordings in a folder as the shipped ones, whole: both sets must be there."""
    clean = {layout.name: path for path, layout in find(folder) if layout.is_clean(path)}
    made = {name: learn(name, read(clean[layout.name], layout)) for name, layout in SETS.items()}
    rounded = {
        name: {
            asset: {tag: float(f"{number:.6g}") for tag, number in sorted(own.items())} for asset, own in sets.items()
        }
        for name, sets in made.items()
    }
    SHIPPED_LIMITS.write_text(json.dumps(rounded, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _judged(name: str, layout: Layout, paths: list[Path], folder: Path, progress: Callable[[str], object]) -> Result:
    catalogue = load_catalogue(FOLDER / name, known=vocabulary(layout).values())
    clean = [path for path in paths if layout.is_clean(path)]
    learned = learn(name, read(clean[0], layout)) if clean else shipped_limits()[name]
    lines, counts = [], []
    for path in paths:
        progress(f"{name}: {path.name}")
        line, own = _line(name, catalogue, read(path, layout), learned, folder)
        lines.append(line)
        if not line.clean:
            counts.append(own)
    return Result(
        name=name,
        data=layout.name,
        rules=len(catalogue.rules),
        learned_from=clean[0].relative_to(folder).as_posix() if clean else "the shipped limits",
        lines=tuple(lines),
        crossed=_crossed(catalogue, read(clean[0], layout)) if name == "batadal" and clean else None,
        total=figures(together(counts)) if counts else None,
    )


def _crossed(catalogue: Catalogue, clean: Recording) -> Figures:
    earlier, later = halves(clean)
    counts = []
    for half, other in ((earlier, later), (later, earlier)):
        outcome = backtest(catalogue, material(half, learn("batadal", other)))
        flags = alarmed(half.times, ((e.raised_at, e.cleared_at) for e in outcome.episodes))
        # Clean by its name: nothing in it is wrong, whether or not it has a column that says so.
        counts.append(count(half.times, flags, np.zeros(flags.size, dtype=np.int8), clean.layout.interval_s))
    return figures(together(counts))


def _line(name: str, catalogue: Catalogue, recording: Recording, learned: Limits, folder: Path) -> tuple[Line, Counts]:
    since, tags = None, learned
    if name == "skab-commissioned":
        since = int(recording.times[0]) + limits.COMMISSIONING_S * MICROS_PER_SECOND
        tags = {asset: limits.commissioned(recording, own) for asset, own in learned.items()}
    outcome = backtest(catalogue, material(recording, tags, since=since))
    if outcome.failures:
        raise RuntimeError(f"rules failed on {recording.path}: {outcome.failures}")
    flags = alarmed(recording.times, ((e.raised_at, e.cleared_at) for e in outcome.episodes))
    truth = labelled(recording.path, recording.layout)
    own = count(recording.times, flags, truth, recording.layout.interval_s)
    rules = sorted(e.rule for e in outcome.episodes)
    line = Line(
        file=recording.path.relative_to(folder).as_posix(),
        clean=recording.layout.is_clean(recording.path),
        figures=figures(own),
        alerts={rule: rules.count(rule) for rule in dict.fromkeys(rules)},
    )
    return line, own
