"""The embedded broker and database: one owner, nothing lost by a kill, nothing left behind."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import psutil
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from runtime.embedded import EmbeddedBroker, EmbeddedDatabase, InUseError, StartError
from runtime.embedded.server import EmbeddedServer
from storage.database import connect
from tests.support.ports import free_port, listening
from tests.support.processes import ROOT
from tests.support.waiting import wait_until

KINDS: dict[str, type[EmbeddedServer]] = {"broker": EmbeddedBroker, "database": EmbeddedDatabase}
#: A process that starts a server, tells its pid, and waits to be killed.
OWNER = """
import sys, time
from pathlib import Path
import structlog
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
from runtime.embedded import EmbeddedBroker, EmbeddedDatabase, children
{before}
server = {kind}(Path({folder!r}))
server.start()
print(server.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture(params=sorted(KINDS))
def kind(request: pytest.FixtureRequest) -> type[EmbeddedServer]:
    return KINDS[request.param]


class Owner:
    """Another process with a server of its own."""

    def __init__(self, kind: type[EmbeddedServer], folder: Path, *, before: str = "") -> None:
        code = OWNER.format(kind=kind.__name__, folder=str(folder), before=before)
        self.process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.server = psutil.Process(int(self.process.stdout.readline()))

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)
        if self.process.stdout:
            self.process.stdout.close()


@pytest.fixture
def owner() -> Iterator[Callable[..., Owner]]:
    started: list[Owner] = []

    def start(kind: type[EmbeddedServer], folder: Path, *, before: str = "") -> Owner:
        started.append(Owner(kind, folder, before=before))
        return started[-1]

    yield start
    for one in started:
        one.kill()
        if not _gone(one.server):
            one.server.kill()


def _gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_second_start_on_the_same_folder_is_refused_and_names_the_owner(
    kind: type[EmbeddedServer], server_folder: Path, owner: Callable[..., Owner]
) -> None:
    first = owner(kind, server_folder)
    with pytest.raises(
        InUseError, match=f"{server_folder} is in use by process {first.process.pid}: stop that process"
    ):
        kind(server_folder).start()
    assert not _gone(first.server)


def test_two_servers_of_one_process_do_not_share_a_folder(kind: type[EmbeddedServer], server_folder: Path) -> None:
    with kind(server_folder) as first:
        with pytest.raises(InUseError, match=str(os.getpid())):
            kind(server_folder).start()
        assert first.healthy()
    with kind(server_folder) as second:
        assert second.healthy()


def test_a_killed_owner_leaves_no_server_running(
    kind: type[EmbeddedServer], server_folder: Path, owner: Callable[..., Owner]
) -> None:
    first = owner(kind, server_folder)
    first.kill()
    wait_until(lambda: _gone(first.server), what="the server follows its owner")


def test_the_folder_of_a_killed_owner_is_taken_over_from_its_orphan(
    kind: type[EmbeddedServer], server_folder: Path, owner: Callable[..., Owner]
) -> None:
    # Without the kernel's help, as on a system that has none, the orphan lives on.
    first = owner(kind, server_folder, before="children._prctl = None")
    first.kill()
    assert not _gone(first.server)
    with kind(server_folder) as second:
        assert second.healthy()
        assert _gone(first.server)


def test_orphaned_backends_of_a_killed_postmaster_do_not_hinder_a_new_one(
    server_folder: Path, owner: Callable[..., Owner]
) -> None:
    first = owner(EmbeddedDatabase, server_folder)
    backends = []
    for backend in first.server.children():
        # The backend of a health check may just have ended.
        with contextlib.suppress(psutil.NoSuchProcess):
            backend.suspend()
            backends.append(backend)
    assert backends
    first.process.send_signal(signal.SIGSTOP)
    first.server.kill()
    first.kill()
    with EmbeddedDatabase(server_folder) as second:
        assert second.healthy()
        assert all(_gone(backend) for backend in backends)


@pytest.mark.parametrize(("name", "pid_file"), [("broker", "nats.pid"), ("database", "data/postmaster.pid")])
def test_a_stranger_who_got_the_old_pid_is_left_alone(name: str, pid_file: str, server_folder: Path) -> None:
    with KINDS[name](server_folder):
        pass
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        (server_folder / pid_file).write_text(f"{stranger.pid}\n{server_folder}\n", encoding="ascii")
        with KINDS[name](server_folder) as server:
            assert server.healthy()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait(10)


def test_committed_rows_survive_kill_and_restart_on_the_same_port(server_folder: Path) -> None:
    with EmbeddedDatabase(server_folder) as database:
        url = database.url
        with connect(url, application="tests") as connection:
            connection.execute("CREATE TABLE kept (id int)")
            connection.execute("INSERT INTO kept VALUES (1)")
        database.kill()
        assert not database.healthy()
        database.start()
        assert database.url == url
        with connect(url, application="tests") as connection:
            assert connection.execute("SELECT id FROM kept").fetchall() == [(1,)]


def test_the_database_starts_anew_after_a_first_start_that_was_cut_short(server_folder: Path) -> None:
    (server_folder / "data.unfinished").mkdir()
    (server_folder / "data.unfinished" / "PG_VERSION").write_text("18", encoding="ascii")
    with EmbeddedDatabase(server_folder) as database:
        assert database.healthy()
        assert not (server_folder / "data.unfinished").exists()


def test_acknowledged_messages_for_an_absent_subscriber_survive_kill_and_restart(server_folder: Path) -> None:
    count = 500
    with EmbeddedBroker(server_folder) as broker:
        subscriber = Client("subscriber", broker)
        subscriber.subscribe("x/+")
        subscriber.close()
        publisher = Client("publisher", broker)
        publisher.publish("x/1", count)
        publisher.close()
        broker.kill()
        assert not broker.healthy()
        broker.start()
        subscriber = Client("subscriber", broker)
        assert subscriber.session_present
        wait_until(lambda: len(set(subscriber.received)) == count, what=f"{count} messages")
        subscriber.close()


def test_a_wildcard_for_everything_may_be_subscribed(nats_broker: EmbeddedBroker) -> None:
    client = Client("watcher", nats_broker)
    client.subscribe("lifeline/#")
    client.publish("lifeline/1/gas/d/telemetry", 3)
    wait_until(lambda: len(client.received) == 3, what="three messages")
    client.close()


def test_a_given_port_is_used_and_one_that_is_taken_is_an_error(
    kind: type[EmbeddedServer], server_folder: Path
) -> None:
    port = free_port()
    with kind(server_folder / "first", port) as server:
        assert server.port == port
        assert f":{port}" in server.url
        with pytest.raises(StartError, match=f"port {port} .* is taken"):
            kind(server_folder / "second", port).start()
    assert not listening(port)


def test_everything_listens_on_loopback_only(kind: type[EmbeddedServer], server_folder: Path) -> None:
    with kind(server_folder) as server:
        assert server.pid
        sockets = psutil.Process(server.pid).net_connections()
        addresses = {s.laddr.ip for s in sockets if s.status == psutil.CONN_LISTEN}
        assert addresses == {"127.0.0.1"}


class Client:
    """A persistent MQTT session."""

    def __init__(self, name: str, broker: EmbeddedBroker) -> None:
        self.received: list[bytes] = []
        self.session_present = False
        self._acknowledged = threading.Semaphore(0)
        self._connected, self._subscribed = threading.Event(), threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = lambda _c, _u, message: self.received.append(bytes(message.payload))
        self._client.on_publish = lambda *_: self._acknowledged.release()
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()
        assert self._connected.wait(10)

    def _on_connect(self, _client: mqtt.Client, _data: object, flags: mqtt.ConnectFlags, *_: object) -> None:
        self.session_present = flags.session_present
        self._connected.set()

    def subscribe(self, topic: str) -> None:
        self._client.subscribe(topic, 1)
        assert self._subscribed.wait(10)

    def publish(self, topic: str, count: int) -> None:
        for number in range(count):
            self._client.publish(topic, str(number), qos=1)
        for _ in range(count):
            assert self._acknowledged.acquire(timeout=10)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
