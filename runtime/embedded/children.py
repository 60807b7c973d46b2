"""Child processes that do not outlive us, and orphans of a life before.

On Linux the kernel sends each child a signal when its parent is gone, even after kill -9. It watches the parent's
*thread*, so all children are started by one thread that lives as long as the process.
"""

import ctypes
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import psutil

_PR_SET_PDEATHSIG = 1
_POLL_S = 0.005
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
_lock = threading.Lock()
_requests: SimpleQueue[tuple[Callable[[], psutil.Popen], Future[psutil.Popen]]] = SimpleQueue()
_keeper: threading.Thread | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """The system user that a child runs as."""

    uid: int
    gid: int


def spawn(
    argv: Sequence[str],
    *,
    output: Path | None,
    account: Account | None,
    farewell: signal.Signals,
    environment: Mapping[str, str] | None = None,
    folder: Path = Path("/"),
) -> psutil.Popen:
    """Starts a child in a session of its own, so that Ctrl-C in a terminal reaches only us.

    Args:
        argv: The command.
        output: File to which its output is appended; None for our own standard error.
        account: User to run as; None for our own.
        farewell: The signal it gets when this process ends without stopping it.
        environment: Its whole environment; None for our own.
        folder: Its working directory.
    """

    def die_with_parent() -> None:
        if _prctl is not None:
            _prctl(_PR_SET_PDEATHSIG, int(farewell), 0, 0, 0)

    def start() -> psutil.Popen:
        with output.open("ab") if output else nullcontext(sys.stderr) as sink:
            return psutil.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=folder,
                env=None if environment is None else dict(environment),
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
                # One system call through a function bound before the fork.
                preexec_fn=die_with_parent,
            )

    return _from_keeper(start)


def _from_keeper(start: Callable[[], psutil.Popen]) -> psutil.Popen:
    global _keeper  # noqa: PLW0603 - one thread for the whole process
    with _lock:
        if _keeper is None or not _keeper.is_alive():
            _keeper = threading.Thread(target=_keep, name="keeper of children", daemon=True)
            _keeper.start()
    future: Future[psutil.Popen] = Future()
    _requests.put((start, future))
    return future.result()


def _keep() -> None:
    while True:
        start, future = _requests.get()
        try:
            future.set_result(start())
        except BaseException as exc:  # noqa: BLE001 - handed to the thread that asked
            future.set_exception(exc)


def end(process: psutil.Process, signals: Sequence[tuple[signal.Signals, float]]) -> None:
    """Sends each signal in turn, waits its seconds for the process to be gone, and ends with SIGKILL."""
    for number, patience_s in (*signals, (signal.SIGKILL, 10.0)):
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            return
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if _gone(process):
                return
            time.sleep(_POLL_S)


def _gone(process: psutil.Process) -> bool:
    if isinstance(process, psutil.Popen):
        return process.poll() is not None
    try:
        # Somebody else's dead child stays a zombie until its parent looks.
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def orphan(pid_file: Path, mark: str) -> psutil.Process | None:
    """The process that a pid file names, if its command line bears our mark: pids are used again by strangers."""
    try:
        process = psutil.Process(int(pid_file.read_text(encoding="ascii").split()[0]))
        return process if any(mark in argument for argument in process.cmdline()) else None
    except (OSError, ValueError, IndexError, psutil.Error):
        return None


def working_in(folder: Path) -> Iterator[psutil.Process]:
    """Processes whose working directory is this folder."""
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(folder):
                yield process
        except psutil.Error:
            continue


def free_port() -> int:
    """A TCP port of 127.0.0.1 that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this port of 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
