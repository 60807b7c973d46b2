"""The page of promises names tests that exist, every reason of a dead letter, and the numbers that are shipped."""

import ast
import re
from pathlib import Path

from domain.observation import REJECT_HELP, RejectReason

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def _tests_of(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_named_test_exists() -> None:
    named = _TEST.findall(PAGE)
    assert len(named) > 40
    assert [f"{path}::{name}" for path, name in named if name not in _tests_of(path)] == []


def test_every_promise_but_the_last_names_a_test_in_each_line() -> None:
    for number in range(1, 9):
        section = PAGE.split(f"\n## {number}. ")[1].split("\n## ")[0]
        rows = [
            line for line in section.splitlines() if line.startswith("| ") and not line.startswith("| what happens")
        ]
        promises = [line for line in rows if not any(f"| `{reason}` |" in line for reason in RejectReason)]
        promises = [line for line in promises if not line.startswith("| reason |")]
        assert promises, number
        assert [line for line in promises if not _TEST.search(line)] == []


def test_every_reason_of_a_dead_letter_stands_in_the_table() -> None:
    assert set(REJECT_HELP) == set(RejectReason)
    table = "\n".join(f"| `{reason}` | {text} |" for reason, text in REJECT_HELP.items())
    assert table in PAGE, f"the table of reasons in docs/guarantees.md must read\n{table}"


def test_the_queue_on_the_page_is_the_queue_that_is_shipped() -> None:
    shipped = (ROOT / "deploy" / "mosquitto" / "mosquitto.conf").read_text(encoding="utf-8")
    queue = re.search(r"^max_queued_messages (\d+)$", shipped, re.MULTILINE)
    size = re.search(r"^max_queued_bytes (\d+)$", shipped, re.MULTILINE)
    assert queue
    assert size
    messages = int(queue[1])
    hours, minutes = messages // 100 * 10 // 3600 / 10, messages // 2000 // 60
    assert (
        f"| {messages:,} messages, {int(size[1]) // 2**20} MiB of payload | {hours} hours | {minutes} minutes |" in PAGE
    )
