"""docs/rules.md is true: its files are written, its changes made, its commands run, and every output is what comes."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from commands.rules import app

PAGE = Path(__file__).resolve().parents[2] / "docs" / "rules.md"
_BLOCK = re.compile(r"```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL)
_FILE = re.compile(r"`(?P<path>our-rules/[\w/.-]+)`:[^\n]*\n\Z")
_COLUMNS = {"COLUMNS": "100"}


class Block(NamedTuple):
    kind: str
    text: str
    #: The file that the line above names.
    path: str | None


def blocks() -> Iterator[Block]:
    text = PAGE.read_text(encoding="utf-8")
    for match in _BLOCK.finditer(text):
        named = _FILE.search(text, 0, match.start())
        yield Block(match["kind"], match["text"], named["path"] if named else None)


def run(command: str) -> list[str]:
    words = shlex.split(command)
    assert words[:2] == ["lifeline", "rules"]
    done = CliRunner().invoke(app, words[2:], env=_COLUMNS)
    error = "" if done.exception is None or isinstance(done.exception, SystemExit) else str(done.exception)
    return [line.rstrip() for line in (done.output + error).splitlines()]


def agrees(shown: list[str], got: list[str]) -> bool:
    """Whether the lines are the same but for the size of the catalogue; `…` stands for any number of lines."""
    pattern = "".join("(?:.*\n)*?" if line == "…" else re.escape(_sized(line)) + "\n" for line in shown)
    return re.fullmatch(pattern, "".join(_sized(line) + "\n" for line in got)) is not None


def _sized(line: str) -> str:
    return re.sub(r"\b\d+ (rules|files)\b", r"N \1", line)


def change(path: Path, diff: str) -> None:
    lines = diff.splitlines()
    before = "\n".join(line[1:] for line in lines if line[0] in " -")
    after = "\n".join(line[1:] for line in lines if line[0] in " +")
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def test_every_command_of_the_page_prints_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LIFELINE_RULES_DIR", raising=False)
    found = list(blocks())
    outputs = 0
    for block, after in zip(found, [*found[1:], None], strict=True):
        if block.path and block.kind == "yaml":
            (tmp_path / block.path).write_text(block.text, encoding="utf-8")
        elif block.path and block.kind == "diff":
            change(tmp_path / block.path, block.text)
        elif block.kind == "sh" and after is not None and after.kind == "text":
            got = run(block.text)
            assert agrees(after.text.splitlines(), got), f"{block.text}prints:\n" + "\n".join(got)
            outputs += 1
    assert outputs >= 6
    assert (tmp_path / "report.html").stat().st_size > 10_000
