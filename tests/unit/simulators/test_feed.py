"""Feed descriptors say every mistake at once, each with its line."""

from pathlib import Path

import pytest

from domain.errors import ConfigurationError
from simulators.feed import Series, parse

GOOD = """\
title: Pump
files: pump.csv
time: {column: t}
missing: [-999, n/a]
device: pump-{stem}
columns:
  flow: {property: water.flow, scale: 3.6}
"""


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    return caught.value.problems


def test_numbers_among_missing_marks_are_taken_as_texts() -> None:
    assert parse(GOOD).missing == ("-999", "n/a")


def test_a_device_may_be_named_after_its_file() -> None:
    feed = parse(GOOD)
    assert feed.device_of(feed.columns["flow"], path=Path("runs/7.csv")) == "pump-7"
    assert feed.device_of(Series(property="x", device="{folder}-{stem}"), path=Path("runs/7.csv")) == "runs-7"


def test_all_mistakes_are_told_with_their_lines() -> None:
    found = problems(
        GOOD.replace("{column: t}", "{column: t, zone: Europe/Atlantis, format: yyyy}")
        .replace("scale: 3.6", "scale: much")
        .replace("title: Pump", "titel: Pump")
    )
    lines = {problem.split(":")[0]: problem for problem in found}
    assert "Extra inputs" in lines["line 1"]
    assert any("Europe/Atlantis" in problem and problem.startswith("line 3") for problem in found)
    assert any("yyyy" in problem and problem.startswith("line 3") for problem in found)
    assert "columns.flow.scale" in lines["line 7"]
    assert any("title: Field required" in problem for problem in found)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("device: pump-{stem}\n", ""), "column 'flow' has no device"),
        (("{stem}", "{name}"), "names {name}"),
        (("{stem}", "{device}"), "needs long.device"),
        (("scale: 3.6", "states: {on: true}, offset: 1"), "states cannot be scaled"),
        (("files: pump.csv", "files: pump.csv\nlabels: flow"), "both published and not"),
        (("files: pump.csv", "files: pump.csv\nencoding: klingon"), "no encoding"),
        (("files: pump.csv", "files: a.csv\nfiles: b.csv"), "'files' stands twice"),
        (("columns:\n", "columns:\n  inflow: {property: water.flow}\n"), "one property of one device"),
        (("title: Pump", "title: ["), "not YAML"),
    ],
)
def test_contradictions_are_refused(change: tuple[str, str], expected: str) -> None:
    assert expected in "\n".join(problems(GOOD.replace(*change)))


def test_a_file_that_is_no_mapping_is_refused() -> None:
    assert "not a mapping" in problems("- one\n- two\n")[0]
