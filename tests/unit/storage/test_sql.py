"""Named queries: every statement has a name, a description, and is found."""

import re
from pathlib import Path

import pytest

import storage
from storage.sql import parse, queries

FOLDER = Path(storage.__file__).parent / "queries"
TOPICS = sorted(file.stem for file in FOLDER.glob("*.sql"))


def test_a_file_is_split_by_name_and_loses_its_semicolons() -> None:
    found = parse("-- head\n-- name: one\n-- First.\nSELECT 1;\n\n-- name: two\nSELECT 2;")
    assert found == {"one": "-- First.\nSELECT 1", "two": "SELECT 2"}


def test_a_name_used_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="one is defined twice"):
        parse("-- name: one\nSELECT 1;\n-- name: one\nSELECT 2;")


def _names_in_sources() -> re.Pattern[str]:
    """What storage asks for, and dashboards through it: names in quotes, f-strings with any word in their braces."""
    sources = "\n".join(
        file.read_text(encoding="utf-8")
        for folder in (FOLDER.parent, FOLDER.parents[1] / "dashboards")
        for file in folder.glob("*.py")
    )
    literal = {re.escape(name) for name in re.findall(r'"([a-z][a-z0-9_]*)"', sources)}
    built = {
        re.sub(r"\{[^}]*\}", "[a-z0-9_]+", name)
        for name in re.findall(r'f"((?:[a-z0-9_]+\{[a-z_.]+\})[a-z0-9_]*)"', sources)
    }
    return re.compile("|".join(literal | built))


@pytest.mark.parametrize("topic", TOPICS)
def test_every_query_is_described_and_used(topic: str) -> None:
    asked_for = _names_in_sources()
    for name, text in queries(topic).items():
        assert text.startswith("-- "), f"{topic}.{name} lacks the line that describes it"
        assert asked_for.fullmatch(name), f"{topic}.{name} is used nowhere"
