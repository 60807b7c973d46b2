"""Where the embedded broker and database of a data folder answer: for commands beside the platform that runs there."""

import fcntl
from pathlib import Path

#: Folders below LIFELINE_DATA_DIR.
DATABASE, BROKER = "database", "broker"
#: Locked by the owner of an embedded server; holds its process id, and the address of the server once it answers.
LOCK_FILE = "owner.lock"


def address_of(folder: Path) -> str | None:
    """The address of the server that runs on a folder; None if none does.

    Nothing is believed of a file that its owner has left behind: the kernel lets go of a lock when its owner dies.
    """
    try:
        with (folder / LOCK_FILE).open(encoding="ascii") as file:
            _, _, address = file.read().partition("\n")
            if not address.strip():
                return None
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return address.strip()
            return None
    except OSError:
        return None
