"""Keeps the stages of one process group alive: started in order, started again after a crash, stopped in order.

Each stage is a child process with a health page of its own, which tells when it is ready. A child does not outlive this
process, even when that is killed.
"""

import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import structlog

from runtime.backoff import Backoff
from runtime.embedded.children import end, spawn

log = structlog.get_logger(__name__)

_LOOK_S = 0.1
#: A stage that ran this long had started well: the next crash is a first one.
_STEADY_S = 60.0
#: "Cannot run: usage, configuration": starting again would end the same way.
CANNOT_RUN = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """What is kept alive."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    #: Answers 200 once the stage is ready.
    ready_url: str
    #: Where it works; relative paths in its settings start here.
    folder: Path
    #: File for its output; None for our own standard error.
    output: Path | None = None
    #: How long it may take to stop by itself.
    patience_s: float = 20.0


class StageFailedError(Exception):
    """A stage did not become ready, or cannot run at all."""


class _Child:
    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.process: psutil.Popen | None = None
        self.started_at = 0.0
        self.start_again_at = 0.0
        self.backoff = Backoff(0.5, 30.0)
        self.hopeless = False
        self.wanted = False

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        self.process = spawn(
            self.stage.argv,
            output=self.stage.output,
            account=None,
            farewell=signal.SIGTERM,
            environment=self.stage.environment,
            folder=self.stage.folder,
        )
        self.started_at = time.monotonic()
        self.wanted = True
        log.info("stage_started", stage_name=self.stage.name, pid=self.process.pid)


class Supervisor:
    """Owns the stages from `start` to `stop`.

    Args:
        stages: In the order of starting; they are stopped in the same order, so that the source runs dry first.
    """

    def __init__(self, stages: Sequence[Stage]) -> None:
        self._children = [_Child(stage) for stage in stages]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def start(self, *names: str) -> None:
        """Starts the named stages, or all, and goes on watching them; may be called again for others."""
        for child in self._children:
            if not child.wanted and (not names or child.stage.name in names):
                child.start()
        if not self._thread.is_alive():
            self._thread.start()

    def running(self) -> dict[str, bool]:
        """Each stage, and whether its process runs."""
        return {child.stage.name: child.running for child in self._children}

    def wait_ready(self, timeout_s: float, stopped: Callable[[], bool] = lambda: False) -> None:
        """Returns when every stage that was started is ready, or `stopped` says that nobody waits any more.

        Raises:
            StageFailedError: One was not ready in time, or cannot run; the message carries the end of its output.
        """
        deadline = time.monotonic() + timeout_s
        waiting = [child for child in self._children if child.wanted]
        while waiting and not stopped():
            waiting = [child for child in waiting if not _ready(child.stage.ready_url)]
            for child in waiting:
                if child.hopeless or time.monotonic() > deadline:
                    problem = "cannot run" if child.hopeless else f"was not ready within {timeout_s:g} s"
                    raise StageFailedError(f"{child.stage.name} {problem}{_last_words(child.stage.output)}")
            self._stop.wait(_LOOK_S)

    def stop(self, told: Callable[[str], object] = lambda _name: None) -> None:
        """Stops every stage in order, each after the one before has ended; `told` hears the name of each."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        for child in self._children:
            if child.process is None:
                continue
            end(child.process, [(signal.SIGTERM, child.stage.patience_s)])
            log.info("stage_stopped", stage_name=child.stage.name, status=child.process.returncode)
            told(child.stage.name)

    def _watch(self) -> None:
        while not self._stop.wait(_LOOK_S):
            for child in self._children:
                if child.wanted and not child.running and not child.hopeless:
                    self._revive(child)

    def _revive(self, child: _Child) -> None:
        now = time.monotonic()
        if child.process is not None:
            status = child.process.returncode
            if now - child.started_at > _STEADY_S:
                child.backoff.reset()
            child.process = None
            child.hopeless = status == CANNOT_RUN
            child.start_again_at = now + child.backoff.next_s()
            log.error("stage_ended", stage_name=child.stage.name, status=status, starts_again=not child.hopeless)
        elif now >= child.start_again_at:
            child.start()


def _ready(url: str) -> bool:
    try:
        # Our own health page on loopback.
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _last_words(output: Path | None) -> str:
    if output is None or not output.exists():
        return ""
    lines = output.read_text(encoding="utf-8", errors="replace").splitlines()[-10:]
    return "".join(f"\n  {line}" for line in lines)
