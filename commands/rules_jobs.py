"""The runner of backtests: a process of low priority beside the rules engine, started and stopped with it."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog
import typer

log = structlog.get_logger(__name__)

_ROOT = Path(__file__).parents[1]
#: How much the runner yields to everything else: the most there is.
_NICE = 19
#: The engine is to lead before the runner starts.
_AFTER_S = 3.0
_AGAIN_S = 5.0
_PATIENCE_S = 5.0


def jobs(
    beside: int | None = typer.Option(None, hidden=True, help="Process without which this one is not to live on."),
) -> None:
    """Works off backtests that were asked for over the API; `lifeline rules run` starts it.

    Example: `LIFELINE_DATABASE_URL=postgresql://lifeline@db/lifeline lifeline rules jobs`
    """
    from rules.jobs import Runner
    from runtime.logs import configure
    from runtime.process import stop_on_signals
    from runtime.settings import load

    settings = load()
    configure("backtests", settings)
    os.nice(_NICE)
    # Who is told its parent knows it even if that was gone before this line.
    parent = beside or os.getppid()
    stop = stop_on_signals()
    Runner(
        settings.database_url.get_secret_value(),
        settings.rules_dir,
        name=f"{os.uname().nodename}:{os.getpid()}",
        stop=stop,
        orphaned=lambda: os.getppid() != parent,
        zone=ZoneInfo(settings.zone),
    ).run()


@contextmanager
def runner_beside() -> Iterator[None]:
    """Keeps one runner going while the block runs; its end never touches the engine."""
    over = threading.Event()
    keeper = threading.Thread(target=_keep, args=(over,), name="backtests", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join(2 * _PATIENCE_S)


def _keep(over: threading.Event) -> None:
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    over.wait(_AFTER_S)
    while not over.is_set():
        # -P: the folder in which a person happens to stand must not shadow our modules.
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "lifeline", "rules", "jobs", "--beside", str(os.getpid())],
            env=os.environ | {"PYTHONPATH": path},
            # Ctrl-C is for the engine, which then ends the runner in order.
            start_new_session=True,
        )
        while child.poll() is None and not over.wait(0.2):
            pass
        if not over.is_set():
            log.warning("backtest_runner_ended", status=child.returncode, again_in_s=_AGAIN_S)
            over.wait(_AGAIN_S)
            continue
        child.terminate()
        try:
            child.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
