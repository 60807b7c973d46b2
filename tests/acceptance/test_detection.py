"""`lifeline bench detection` on the public recordings, which lie beside the project or are not there."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.detection.recordings import find, read
from benchmarks.detection.run import SETS, learn, shipped_limits

ROOT = Path(__file__).resolve().parents[2]
RECORDINGS = Path(os.environ.get("LIFELINE_TEST_RECORDINGS", ROOT.parent / "shared" / "data"))
PAGE = ROOT / "docs" / "detection.md"

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(not RECORDINGS.is_dir(), reason=f"there are no recordings in {RECORDINGS}"),
]


def _run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "lifeline.py", "bench", "detection", "--data", str(RECORDINGS), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.long
def test_the_page_shows_what_the_command_prints() -> None:
    shown = PAGE.read_text(encoding="utf-8")
    printed = "\n".join(line.rstrip() for line in _run().splitlines() if line.strip())
    block = shown.partition("```text\n")[2].partition("```")[0]
    assert "\n".join(line.rstrip() for line in block.splitlines() if line.strip()) == printed


def test_the_same_data_gives_the_same_bytes() -> None:
    first = _run("--set", "skab", "--json")
    assert _run("--set", "skab", "--json") == first
    assert {result["name"] for result in json.loads(first)} == {"skab", "skab-commissioned"}


def test_the_shipped_limits_are_those_of_the_clean_recordings() -> None:
    clean = {layout.name: path for path, layout in find(RECORDINGS) if layout.is_clean(path)}
    for name, layout in SETS.items():
        for asset, own in learn(name, read(clean[layout.name], layout)).items():
            assert shipped_limits()[name][asset] == pytest.approx(own, rel=1e-5, abs=1e-9)
