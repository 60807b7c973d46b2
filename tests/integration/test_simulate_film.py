"""`lifeline simulate film`: what a person gets who asks for the film of a scenario."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import ROOT, clean_environment

_STORM = ("simulate", "film", "cloudburst-power-loss", "--scale", "test", "--from", "14:00", "--to", "15:30")


def _run(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "lifeline", *words]
    return subprocess.run(command, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("language", "station"), [("en", "Drainage pump station 1"), ("zh", "1号排水泵站")])
def test_a_cloudburst_shows_water_on_the_street_and_the_alerts_of_the_station(
    tmp_path: Path, language: str, station: str
) -> None:
    out = tmp_path / "film.svg"
    done = _run(*_STORM, "--pictures", "12", "--language", language, "--out", str(out))
    assert done.returncode == 0, done.stderr
    text = out.read_text(encoding="utf-8")
    assert re.search(r'<circle [^>]*fill="#3fa7ff"', text), "no water on any street"
    assert station in text
    # The loss of power at 14:20 is told within two minutes.
    assert re.search(r">14:2[0-2]</text>", text)


def test_a_time_that_is_none_is_refused_before_anything_is_solved(tmp_path: Path) -> None:
    done = _run("simulate", "film", "contamination", "--from", "half past six", "--out", str(tmp_path / "film.svg"))
    assert done.returncode == 2
    assert "is no time" in done.stderr
    assert not (tmp_path / "film.svg").exists()
