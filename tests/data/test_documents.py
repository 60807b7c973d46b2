"""Documents are held true: generated pages are fresh, links lead somewhere, commands that are shown exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from lifeline import COMMANDS
from runtime.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")],
)
_LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
_COMMAND = re.compile(r"\blifeline ([a-z]+)(?: ([a-z]+))?")
_BLOCK = re.compile(r"```(?:sh|bash|shell)\n(.*?)```", re.DOTALL)


def test_the_reference_page_is_what_the_code_says() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/docs.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    lost = [link for link in _LINK.findall(text) if not (page.parent / link).exists()]
    assert not lost


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_and_settings_that_are_shown_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    shown = {name for block in _BLOCK.findall(text) for name, _ in _COMMAND.findall(block)}
    assert shown <= set(COMMANDS)
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    # What docker compose itself reads, and what only tests read.
    known |= set(re.findall(r"\$\{(LIFELINE_[A-Z_]+)", (ROOT / "docker-compose.yml").read_text(encoding="utf-8")))
    named = {name for name in re.findall(r"`(LIFELINE_[A-Z0-9_]+)`?=?", text) if not name.startswith("LIFELINE_TEST_")}
    assert {name if name in known else name.removesuffix("_FILE") for name in named} <= known


def test_the_readmes_open_with_the_same_two_commands() -> None:
    for name in ("README.md", "README.zh-CN.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert text.index("make demo") < text.index("make test") < len(text) // 2
        assert "docs/images/" in text
