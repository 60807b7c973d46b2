"""The tests of rules: what a file may hold, what is said about a wrong one, and how a case is judged."""

from pathlib import Path

import pytest

from domain.errors import ConfigurationError
from rules.rule import Rule
from rules.rulebook import duration, load
from rules.trial import Verdict, try_out, written
from tests.support.rulebook import above, silence

METHANE = above("methane", blue=10, red=50, hysteresis=2)
SILENT = silence("silent", factor=2, grace_s=5)


def book(folder: Path, text: str) -> Path:
    (folder / "tests").mkdir()
    (folder / "tests" / "gas.yaml").write_text(text, encoding="utf-8")
    return folder


def verdicts(folder: Path, text: str, *rules: Rule) -> list[Verdict]:
    chosen = rules or (METHANE, SILENT)
    by_id = {rule.id: rule for rule in chosen}
    return [verdict for tests in load(book(folder, text), chosen) for verdict in try_out(by_id, tests)]


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(book(folder, text), (METHANE, SILENT))
    return caught.value.problems


def test_a_case_passes_when_exactly_what_was_expected_happened(tmp_path: Path) -> None:
    found = verdicts(
        tmp_path,
        """
tests:
  - rule: methane
    fires:
      - name: steps up
        feed: {gas.ch4.chamber: 0x10 12x5 60x3 0x5}
        expect: [{at: 10m, raised: blue}, {at: 15m, level: red}, {at: 18m, cleared: red}]
    quiet:
      - {name: doubtful, feed: {gas.ch4.chamber: 0x3 !80x5 0}}
""",
    )
    assert [(v.way, v.passed) for v in found] == [("fires", True), ("quiet", True)]


@pytest.mark.parametrize(
    "expect",
    [
        "[{at: 11m, raised: blue}]",
        "[{at: 10m, raised: red}]",
        "[{at: 10m, raised: blue}, {at: 12m, cleared: blue}]",
        "[{at: 8m, within: 1m, raised: blue}]",
        "[{at: 10m, raised: blue, subject: d1/gas.flow}]",
    ],
)
def test_anything_else_fails(tmp_path: Path, expect: str) -> None:
    text = f"tests: [{{rule: methane, fires: [{{name: x, feed: {{gas.ch4.chamber: 0x10 12x5}}, expect: {expect}}}]}}]"
    assert not verdicts(tmp_path, text)[0].passed


def test_a_time_may_lie_within_a_tolerance(tmp_path: Path) -> None:
    expect = "[{at: 9m, within: 1m, raised: blue, subject: d1/gas.ch4.chamber}]"
    text = f"tests: [{{rule: methane, fires: [{{name: x, feed: {{gas.ch4.chamber: 0x10 12x5}}, expect: {expect}}}]}}]"
    assert verdicts(tmp_path, text)[0].passed


def test_what_a_quiet_case_raises_is_shown_beside_nothing(tmp_path: Path) -> None:
    found = verdicts(tmp_path, "tests: [{rule: methane, quiet: [{name: x, feed: {gas.ch4.chamber: 0 60x2}}]}]")[0]
    assert not found.passed
    assert [(line.expected, line.got) for line in found.lines] == [(None, "1m raised red")]


def test_silence_is_seen_though_the_device_speaks_again_in_the_same_feed(tmp_path: Path) -> None:
    found = verdicts(
        tmp_path,
        """
tests:
  - rule: silent
    clears:
      - name: back after ten minutes
        feed: {device.battery: 3x5 _x5 3}
        expect: [{at: 6m5s, raised: yellow, subject: "device:d1"}, {at: 10m, cleared: yellow}]
    fires:
      - name: one of two, which never spoke
        assets: [{id: w, kind: valve_well, network: gas}]
        devices: [{id: a, asset: w, interval_s: 30}, {id: b, asset: w}]
        feed: {a/device.battery: 3x40}
        until: 30m
        expect: [{at: 2m5s, raised: yellow, subject: "device:b"}, {at: 20m35s, raised: yellow, subject: "device:a"}]
""",
    )
    assert [(v.way, v.passed, v.lines) for v in found if not v.passed] == []


def test_every_problem_is_named_with_its_line(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        """tests:
  - rule: methane
    fires:
      - name: a
        feed: {gas.ch4.chambre: 1x2}
        expect: [{at: 10m, raised: blue}]
  - rule: nothing-like-it
    quiet:
      - name: b
        feed: {gas.ch4.chamber: 5}
  - rule: silent
    quiet:
      - name: c
        feed: {gas.ch4.chamber: 1y2}
""",
    )
    assert any("gas.yaml:5: tests of methane: unknown property 'gas.ch4.chambre'" in p for p in found)
    assert any("gas.yaml:7: no rule 'nothing-like-it'" in p for p in found)
    assert any("gas.yaml:14: tests of silent" in p and "'1y2'" in p for p in found)


@pytest.mark.parametrize(
    ("case", "problem"),
    [
        ("fires: [{name: x, feed: {gas.ch4.chamber: 1}}]", "holds no `raised`"),
        ("clears: [{name: x, feed: {gas.ch4.chamber: 1}, expect: [{at: 0, raised: red}]}]", "holds no `cleared`"),
        ("quiet: [{name: x, feed: {gas.ch4.chamber: 1}, expect: [{at: 0, raised: red}]}]", "move it to `fires`"),
        ("quiet: [{name: x, feed: {gas.ch4.chamber: 1}, until: 10 minutes}]", "write it like 90s"),
        ("quiet: [{name: x, feed: {d2/gas.ch4.chamber: 1}}]", "no device 'd2'"),
        ("quiet: [{name: x, feed: {gas.ch4.chamber: 1}, devices: [{id: d, asset: w}]}]", "names the asset 'w'"),
        ("quiet: [{name: x, feed: {gas.ch4.chamber: 1}, start: 2026-05-01T08:00:00}]", "without a zone"),
        ("fires: [{name: x, feed: {gas.ch4.chamber: 1}, expect: [{at: 0, raised: red, level: red}]}]", "exactly one"),
    ],
)
def test_a_case_that_cannot_mean_anything_is_refused(tmp_path: Path, case: str, problem: str) -> None:
    found = problems(tmp_path, f"tests:\n  - rule: methane\n    {case}\n")
    assert any(problem in text for text in found), found


def test_a_series_that_yaml_takes_for_a_number_is_read_as_it_was_written(tmp_path: Path) -> None:
    tests = load(
        book(tmp_path, "tests: [{rule: methane, quiet: [{name: x, feed: {gas.ch4.chamber: 0x10}}]}]"), [METHANE]
    )
    assert len(tests[0].quiet[0].feed["gas.ch4.chamber"]) == 10


def test_durations_are_read_and_written_alike() -> None:
    for text in ("90s", "1m30.5s", "2h", "1d2h3m4s", "0s"):
        assert duration(written(duration(text))) == duration(text)
    assert written(duration("90s")) == "1m30s"
