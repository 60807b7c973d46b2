"""The folder of an embedded server: one owner at a time, and readable for the user that the server runs as."""

import fcntl
import os
import stat
import time
from pathlib import Path
from typing import IO

from runtime.services import LOCK_FILE

#: Who asks for an address may hold the lock of a dead owner for a moment.
_ATTEMPTS, _PAUSE_S = 5, 0.05


class InUseError(Exception):
    """Another process runs a server on this folder; the message names it."""

    def __init__(self, folder: Path, owner: str) -> None:
        self.folder = folder
        self.owner = owner
        super().__init__(
            f"{folder} is in use by process {owner}: stop that process, or choose another folder (LIFELINE_DATA_DIR)"
        )


class FolderLock:
    """Ownership of a folder, held by a file lock: the kernel gives it back when its owner dies, however it dies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Takes the folder; raises InUseError when another process, or another server object, has it."""
        if self._file is not None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        file = (self._folder / LOCK_FILE).open("a+", encoding="ascii")
        if not _locked(file):
            file.seek(0)
            owner = file.readline().strip() or "?"
            file.close()
            raise InUseError(self._folder, owner)
        self._file = file
        self.tell("")

    def tell(self, address: str) -> None:
        """Lets others know where the server on the folder answers."""
        if self._file is not None:
            self._file.truncate(0)
            self._file.write(f"{os.getpid()}\n{address}\n")
            self._file.flush()

    def release(self) -> None:
        """Gives the folder back."""
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None


def _locked(file: IO[str]) -> bool:
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(_PAUSE_S)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        return True
    return False


def open_way_to(path: Path) -> None:
    """Lets every user pass through the folders above `path` (not list them), as a server under another user must."""
    for folder in path.resolve().parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)
