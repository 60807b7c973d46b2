"""`lifeline demo`: a county town that publishes, stored, watched and alerting, in this terminal."""

import json
import os
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.live import Live

from commands.demo_run import PARTS, Demo
from runtime.embedded.folder import FolderLock
from runtime.settings import PREFIX, Settings, load
from simulators.town.ground import Scale

_READY_S = 60.0
_REFRESH_S = 1.0
#: Below LIFELINE_DATA_DIR; begun afresh each time.
_FOLDER = "demo"
#: How often a line is written where no live view can be drawn.
_LINE_S = 5.0


def demo(
    language: Annotated[
        Literal["en", "zh"] | None, typer.Option(help="Language of the view; default LIFELINE_LANGUAGE.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port of the API; 0 takes a free one.", min=0, max=65_535)] = None,
    seed: Annotated[int, typer.Option(help="Another seed is another town.", min=0)] = 1,
    scale: Annotated[
        Literal["town", "test"], typer.Option(help="town: more than 350 devices; test: about 50, on small machines.")
    ] = "town",
    once: Annotated[
        bool, typer.Option("--once", help="Run for --duration in a temporary folder, then report.")
    ] = False,
    duration: Annotated[float, typer.Option(help="Seconds to publish for with --once.", min=1, max=3600)] = 20.0,
    as_json: Annotated[bool, typer.Option("--json", help="With --once: print one JSON object.")] = False,
) -> None:
    """Shows the whole platform at work on a fictitious county town of more than 350 devices on five networks.

    The networks run on hydraulic, gas and electric engines, which `uv sync --extra sim` installs. Something goes wrong
    on each of them within the first seconds, and again every few minutes. Each run begins with an empty database and
    goes on until Ctrl-C, then it stops in order. With --once it ends by itself: exit status 0 when every entry that was
    published is accounted for and every network has raised an alert, 1 otherwise. Exit status 2 when it cannot run.

    Example: `lifeline demo --language zh`
    """
    from runtime.embedded import InUseError, StartError
    from runtime.logs import configure
    from runtime.process import stop_on_signals
    from runtime.supervisor import StageFailedError

    settings = load()
    if port is None and f"{PREFIX}API_PORT" not in os.environ and _taken(settings.api_port):
        # Nobody asked for the usual port, so that its being taken need not stop a demonstration.
        port = 0
    changes = {"language": language, "api_port": port}
    settings = settings.model_copy(update={k: v for k, v in changes.items() if v is not None})
    configure("demo", settings.model_copy(update={"log_level": "error"}))
    stop = stop_on_signals()
    try:
        status = (
            _once(settings, seed, scale, duration, stop, as_json=as_json)
            if once
            else _live(settings, seed, scale, stop)
        )
    except (InUseError, StartError, StageFailedError) as exc:
        sys.stderr.write(f"lifeline demo: {exc}\n")
        status = 2
    raise typer.Exit(status)


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _once(
    settings: Settings, seed: int, scale: Scale, duration_s: float, stop: threading.Event, *, as_json: bool
) -> int:
    from commands.demo_report import run_once

    with tempfile.TemporaryDirectory(prefix="lifeline-demo-") as folder:
        own = {"data_dir": Path(folder), "api_port": 0, "api_host": "127.0.0.1"}
        report = run_once(settings.model_copy(update=own), seed=seed, scale=scale, duration_s=duration_s, stop=stop)
    typer.echo(json.dumps(report.document()) if as_json else report.text())
    for problem in report.problems():
        sys.stderr.write(f"lifeline demo: {problem}\n")
    return 1 if report.problems() else 0


def _live(settings: Settings, seed: int, scale: Scale, stop: threading.Event) -> int:
    console = Console()
    zh = settings.language == "zh"
    folder = settings.data_dir / _FOLDER
    own = settings.model_copy(update={"data_dir": folder})
    with _fresh(folder), Demo(own, seed, stop, console.print, scale=scale) as running:
        running.start(_READY_S)
        if not stop.is_set():
            if console.is_terminal:
                _draw(running, console, stop)
            else:
                _write_lines(running, stop)
        console.print("正在有序停止……" if zh else "stopping in order …")
    console.print("[green]已全部停止[/]" if zh else "[green]everything has stopped[/]")
    return 0


@contextmanager
def _fresh(folder: Path) -> Iterator[None]:
    """Owns the folder of the demo and empties it: a town that was switched off for a night is no good first sight."""
    lock = FolderLock(folder)
    lock.acquire()
    try:
        for part in PARTS:
            shutil.rmtree(folder / part, ignore_errors=True)
        yield
    finally:
        lock.release()


def _draw(running: Demo, console: Console, stop: threading.Event) -> None:
    """The live view, until stopped."""
    watch, view = running.watch(), running.view()
    with Live(console=console, screen=True, auto_refresh=False, redirect_stderr=False) as live:
        while not stop.is_set():
            live.update(view.draw(watch.moment(), console.height), refresh=True)
            stop.wait(_REFRESH_S)
    watch.close()


def _write_lines(running: Demo, stop: threading.Event) -> None:
    """One line every few seconds, for logs and pipes."""
    watch, view = running.watch(), running.view()
    while not stop.is_set():
        typer.echo(view.line(watch.moment()))
        stop.wait(_LINE_S)
    watch.close()
