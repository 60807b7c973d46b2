"""The real command line as a process, with its output kept."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]


def clean_environment() -> dict[str, str]:
    """This process's environment without settings of City Lifeline."""
    return {name: text for name, text in os.environ.items() if not name.startswith("LIFELINE_")}


class Lifeline:
    """`lifeline ARGUMENTS`, started at once; standard output and the log on standard error go to files of their own."""

    def __init__(self, arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.arguments = tuple(arguments)
        folder.mkdir(parents=True, exist_ok=True)
        number = len(list(folder.glob("*.log")))
        self._output = folder / f"{number:02d}-{arguments[0]}.out"
        self._log = folder / f"{number:02d}-{arguments[0]}.log"
        with self._output.open("wb") as output, self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "lifeline", *arguments],
                cwd=ROOT,
                env={**clean_environment(), "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT), **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=log,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    @property
    def resident_bytes(self) -> int:
        """Memory that the process holds now."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def output(self) -> str:
        """What it has printed so far."""
        return self._output.read_text(encoding="utf-8", errors="replace")

    def log(self) -> str:
        """What it has logged so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def wait_for_log(self, text: str, *, timeout_s: float = 20.0) -> None:
        """Waits until the log contains a text; fails early when the process has ended without it."""

        def seen() -> bool:
            ended = not self.running
            found = text in self.log()
            if ended and not found:
                raise AssertionError(
                    f"{self} ended with {self.process.returncode} before it logged {text!r}\n{self.log()}"
                )
            return found

        wait_until(seen, timeout_s=timeout_s, what=f"{self} logs {text!r}")

    def wait(self, *, timeout_s: float = 30.0) -> int:
        """The exit status, once it has ended by itself; negative for a signal."""
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self} did not end within {timeout_s} s\n{self.log()[-4000:]}") from None

    def terminate(self, *, timeout_s: float = 30.0) -> int:
        """Asks it to stop with SIGTERM and waits; returns the exit status."""
        if self.running:
            self.process.send_signal(signal.SIGTERM)
        return self.wait(timeout_s=timeout_s)

    def kill(self) -> None:
        """Ends it with SIGKILL, and waits."""
        if self.running:
            self.process.kill()
        self.process.wait(10)

    def close(self) -> None:
        """Ends it, if it still runs, and prints what it said: pytest shows that when the test has failed."""
        if self.running:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
        sys.stdout.write(f"--- {self}: exit {self.process.returncode}\n{self.output()[-2000:]}\n{self.log()[-6000:]}\n")

    def __str__(self) -> str:
        return f"lifeline {' '.join(self.arguments)}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
