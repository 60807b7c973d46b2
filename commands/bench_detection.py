"""`lifeline bench detection`: its table."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from domain.errors import ConfigurationError

if TYPE_CHECKING:
    from benchmarks.detection.figures import Figures
    from benchmarks.detection.run import Result

#: Where recordings lie beside a checkout.
_BESIDE = Path("../shared/data")
_SETS = ("batadal", "skab")
_COLUMNS = ("file", "found", "before", "delay", "longest", "TPR", "FPR", "prec.", "F1", "alarms", "false/day", "S")
#: A table is no wider than a page where nobody sees it.
_WIDTH = 130
_HOUR_S = 3600
_LEGEND = """\
before: of those found, by an alarm that was active before they began. delay: median. TPR, FPR, prec., F1: of samples.
false/day: alarms that began where nothing is labelled. S: the score of BATADAL (Taormina et al., 2018).
c: clean, limits come from it. crossed: each half with the limits of the other.
p: labels are partial, what is not labelled counts as normal."""


def judge(data: Path | None, chosen: str | None, *, as_json: bool) -> None:
    """Runs every set of rules and prints what came of it.

    Args:
        data: Folder of the recordings; the usual places if None.
        chosen: Only this data set.
        as_json: Print JSON instead of tables.
    """
    from benchmarks.detection.run import run, work
    from runtime.progress import Steps
    from runtime.settings import load

    if chosen not in (None, *_SETS):
        raise ConfigurationError(f"--set {chosen}", [f"no such data set: use one of {', '.join(_SETS)}"])
    folder = data or (_BESIDE if _BESIDE.is_dir() else load().recordings_dir)
    if not folder.is_dir():
        raise ConfigurationError(f"data in {folder}", ["no such folder: name the one of the recordings with --data"])
    with Steps(work(folder, chosen)) as steps:
        results = run(folder, chosen, steps.next)
    if as_json:
        typer.echo(json.dumps([asdict(result) for result in results], ensure_ascii=False, indent=1))
        return
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    for result in results:
        console.print(_table(result))
    console.print(_LEGEND, highlight=False)


def _table(result: "Result") -> Table:
    table = Table(
        title=f"{result.name}: {result.rules} rules, limits from {result.learned_from}",
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    for name in _COLUMNS:
        table.add_column(name, justify="left" if name == "file" else "right", no_wrap=True)
    for line in result.lines:
        marks = " c" if line.clean else " p" if line.figures.unlabelled else ""
        table.add_row(line.file.removeprefix(f"{result.data}/") + marks, *_cells(line.figures))
    if result.crossed is not None:
        table.add_row("clean, halves crossed", *_cells(result.crossed))
    if result.total is not None:
        table.add_section()
        table.add_row("all but clean", *_cells(result.total), style="bold")
    return table


def _cells(own: "Figures") -> tuple[str, ...]:
    return (
        "–" if not own.labelled else f"{own.found} of {own.labelled}",
        str(own.already) if own.labelled else "–",
        _lasting(own.delay_median_s),
        _lasting(own.delay_longest_s),
        _share(own.true_positive_rate),
        _share(own.false_positive_rate),
        _share(own.precision),
        _share(own.f1),
        str(own.alarms),
        _share(own.false_alarms_per_day),
        _share(own.score),
    )


def _lasting(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return f"{seconds / 3600:g} h" if seconds >= 3600 else f"{seconds:g} s"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
