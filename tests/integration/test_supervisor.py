"""The supervisor: stages come back after a crash, hopeless ones do not, and all stop in order."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from runtime.supervisor import Stage, StageFailedError, Supervisor
from tests.support.ports import free_port
from tests.support.processes import ROOT, clean_environment
from tests.support.waiting import wait_until

#: A stage: appends its pid to a file, serves its health page, and on SIGTERM writes its name.
STAGE = """
import os, sys
from pathlib import Path
from runtime.health import HealthServer
from runtime.process import stop_on_signals
name, port, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
stop = stop_on_signals()
with (folder / f"{name}.pids").open("a") as file:
    file.write(f"{os.getpid()}\\n")
if (folder / f"{name}.refuses").exists():
    print("the configuration is wrong")
    sys.exit(2)
HealthServer("127.0.0.1", port, dict).start()
stop.wait()
with (folder / "stopped").open("a") as file:
    file.write(f"{name}\\n")
"""


def _stage(name: str, folder: Path) -> Stage:
    port = free_port()
    return Stage(
        name=name,
        argv=[sys.executable, "-c", STAGE, name, str(port), str(folder)],
        environment={**clean_environment(), "PYTHONPATH": str(ROOT)},
        ready_url=f"http://127.0.0.1:{port}/readyz",
        folder=ROOT,
        output=folder / f"{name}.log",
    )


def _pids(name: str, folder: Path) -> list[int]:
    file = folder / f"{name}.pids"
    return [int(line) for line in file.read_text(encoding="ascii").split()] if file.exists() else []


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[..., Supervisor]]:
    started: list[Supervisor] = []

    def start(*names: str) -> Supervisor:
        supervisor = Supervisor([_stage(name, tmp_path) for name in names])
        started.append(supervisor)
        supervisor.start()
        return supervisor

    yield start
    for supervisor in started:
        supervisor.stop()


def test_stages_stop_in_the_order_in_which_they_were_started(
    supervise: Callable[..., Supervisor], tmp_path: Path
) -> None:
    supervisor = supervise("ingest", "rules", "notify")
    supervisor.wait_ready(20)
    assert supervisor.running() == {"ingest": True, "rules": True, "notify": True}
    told: list[str] = []
    supervisor.stop(told.append)
    assert told == ["ingest", "rules", "notify"]
    assert (tmp_path / "stopped").read_text(encoding="ascii").split() == told
    assert not any(psutil.pid_exists(pid) for name in told for pid in _pids(name, tmp_path))


def test_a_killed_stage_is_started_again_and_the_others_stay(
    supervise: Callable[..., Supervisor], tmp_path: Path
) -> None:
    supervisor = supervise("ingest", "rules")
    supervisor.wait_ready(20)
    psutil.Process(_pids("ingest", tmp_path)[0]).send_signal(signal.SIGKILL)
    wait_until(lambda: len(_pids("ingest", tmp_path)) == 2, what="ingest runs again")
    supervisor.wait_ready(20)
    assert len(_pids("rules", tmp_path)) == 1


def test_a_stage_that_cannot_run_is_not_tried_again_and_its_last_words_are_told(
    supervise: Callable[..., Supervisor], tmp_path: Path
) -> None:
    (tmp_path / "rules.refuses").touch()
    supervisor = supervise("ingest", "rules")
    with pytest.raises(StageFailedError, match=r"rules cannot run\n.*the configuration is wrong"):
        supervisor.wait_ready(20)
    assert len(_pids("rules", tmp_path)) == 1
    assert supervisor.running()["ingest"]


def test_stages_do_not_outlive_a_killed_supervisor(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from runtime.supervisor import Supervisor\n"
        "from tests.integration.test_supervisor import _stage\n"
        "s = Supervisor([_stage('ingest', Path(sys.argv[1]))]); s.start(); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as owner:
        wait_until(lambda: _pids("ingest", tmp_path), timeout_s=20, what="the stage runs")
        stage = psutil.Process(_pids("ingest", tmp_path)[0])
        owner.kill()

    def gone() -> bool:
        try:
            return not stage.is_running() or stage.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    wait_until(gone, what="the stage follows its supervisor")
