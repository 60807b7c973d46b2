"""Scenarios: what a person writes is checked as a whole, and means the same instants everywhere."""

from pathlib import Path

import pytest

from domain.errors import ConfigurationError
from simulators.scenario import load, shipped
from simulators.scenario_times import clock, length, moment
from simulators.scenario_words import event_in_words, statement_in_words
from simulators.town.ground import ground
from simulators.town.happenings import KINDS
from simulators.town.layout import Instrument, Layout, Town, standing

HOUR = 3600 * 1_000_000

GOOD = """\
id: small
title: {en: Small, zh: 小}
summary: {en: A pump trips., zh: 水泵跳闸。}
starts: "10:00"
duration: 8h
timeline:
  - {at: "14:20", until: "+05:00", event: drainage.pump_trip, target: pump-station-001}
expect:
  - {rule: pump-tripped, on: pump-station-001, by: "14:22", level: yellow}
must_not:
  - {network: gas}
drill:
  - {step: acknowledge, alert: 1, within: 5m, text: {en: Take it., zh: 确认。}}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "own.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(written(folder, text))
    return [problem.removeprefix(f"{folder / 'own.yaml'}:") for problem in caught.value.problems]


def town() -> Town:
    here = ground("test")
    crossing = next(iter(here.crossings))
    asset = standing(here.at(crossing), network="drainage", kind="pump_station", number=1, names=("Station", "泵站"))
    instrument = Instrument(device="p1", asset=asset.id, model="PLC", properties=("pump.current",))
    return Town(
        scale="test",
        seed=1,
        layouts={"drainage": Layout(network="drainage", assets=(asset,), instruments=(instrument,))},
    )


def test_times_are_of_the_clock_of_a_later_day_or_after_the_begin() -> None:
    ten = moment("10:00")
    assert moment("14:20").after(ten) == 15_600
    assert moment("+1d 03:00").after(ten) == 17 * 3600
    assert moment("+00:10:30").after(ten) == 630
    assert moment("+26:00").after(ten) == 26 * 3600
    assert moment("09:00").after(ten) == -3600


@pytest.mark.parametrize("text", ["24:00", "7:00", "+1d", "14:20 ", "", "+00:61", 860, None])
def test_what_is_no_time_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="is no time"):
        moment(text)


def test_lengths_are_written_with_their_unit() -> None:
    assert [length(text) for text in ("90s", "15m", "8h", "14d", 60)] == [90, 900, 28_800, 1_209_600, 60]
    for text in ("0h", "h", "-1h", "1.5h", True, 0):
        with pytest.raises(ValueError, match="is no length"):
            length(text)


def test_a_scenario_moves_as_a_whole_when_it_begins_at_another_time(tmp_path: Path) -> None:
    scenario = load(written(tmp_path, GOOD))
    usual = scenario.begin()
    assert clock(usual) == "10:00"
    later = scenario.begin(usual + 90 * HOUR + 123_456)
    assert later == usual + 90 * HOUR
    one, other = scenario.happenings(usual)[0], scenario.happenings(later)[0]
    assert clock(one.since) == "14:20"
    assert clock(one.until or 0) == "15:00"
    assert (other.since - one.since, (other.until or 0) - (one.until or 0)) == (90 * HOUR, 90 * HOUR)
    assert scenario.span(usual).end == usual + 8 * HOUR


def test_defaults_of_an_event_are_filled_in(tmp_path: Path) -> None:
    scenario = load(written(tmp_path, GOOD.replace('until: "+05:00", ', "")))
    assert scenario.happenings(0)[0].parameters == {"pump": KINDS["drainage.pump_trip"].parameters["pump"].default}


def test_every_problem_of_the_shape_is_told_with_its_line(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        GOOD.replace("duration: 8h", "duration: soon")
        .replace('"14:20", until: "+05:00", event: drainage.pump_trip', "14:20, event: drainage.nothing")
        .replace("level: yellow", "level: purple")
        .replace("network: gas", "network: gas, nonsense: 1"),
    )
    assert [problem.split(":")[0] for problem in found] == ["5", "7", "9", "11"]
    assert "8h" in found[0]
    assert "in quotes" in found[1]


def test_every_problem_of_the_sense_is_told_with_its_line(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        GOOD.replace('by: "14:22"', 'by: "18:22"').replace("alert: 1", "alert: 2").replace("8h", "8h\nsampling: 7s"),
    )
    assert [problem.split(":")[0] for problem in found] == ["5", "10", "14"]


@pytest.mark.parametrize(
    ("was", "is_", "said"),
    [
        ("target: pump-station-001", "target: pump-station-001, pump: 12", "12 is not from 1 to 3"),
        ("target: pump-station-001", "target: pump-station-001, pumps: 2", "has no 'pumps'"),
        ("target: pump-station-001", "target: pump-station-001, pump: many", "is no number"),
        (", target: pump-station-001", "", "target: one of pump_station"),
        ("drainage.pump_trip, target: pump-station-001", "drainage.storm", "has no end"),
        ("target: pump-station-001", "target: pump-station-001, observed: pump.current", "only faults of devices"),
        ("{network: gas}", "{until: '12:00'}", "say what must not rise"),
        ("{network: gas}", "{network: gas, any: true}", "leaves nothing to choose"),
        ('until: "+05:00"', 'until: "14:20"', "ends before it begins"),
        ('starts: "10:00"', 'starts: "+00:10"', "no time of day"),
    ],
)
def test_what_makes_no_sense_is_refused(was: str, is_: str, said: str, tmp_path: Path) -> None:
    assert was in GOOD
    assert any(said in problem for problem in problems(tmp_path, GOOD.replace(was, is_)))


def test_a_town_without_what_a_scenario_names_is_refused_with_every_problem(tmp_path: Path) -> None:
    load(written(tmp_path, GOOD)).check(town())
    fault = "  - {at: '15:00', event: device.stuck, target: p1, observed: pump.voltage}\nexpect:"
    bad = GOOD.replace("pump-station-001}", "pump-station-009}").replace("{network: gas}", "{network: gas, on: area:x}")
    with pytest.raises(ConfigurationError) as caught:
        load(written(tmp_path, bad.replace("expect:", fault))).check(town())
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "timeline.0.target",
        "timeline.1.observed",
        "must_not.0.on",
    ]


def test_an_unknown_name_is_told_with_the_names_there_are() -> None:
    with pytest.raises(ConfigurationError, match="quiet-weekday"):
        load("no-such-thing")


@pytest.mark.parametrize("name", shipped())
def test_shipped_scenarios_can_be_used_and_read_in_both_languages(name: str) -> None:
    scenario = load(name)
    assert scenario.id == name
    assert scenario.statements
    assert scenario.span(scenario.begin()).steps > 0
    for language in ("en", "zh"):
        assert scenario.title.of(language)
        assert all(statement_in_words(one, language) for one in scenario.statements)
        assert all(event_in_words(one, language) for one in scenario.timeline)
    assert statement_in_words(scenario.statements[0], "en") != statement_in_words(scenario.statements[0], "zh")


def test_there_are_incidents_of_every_kind_and_quiet_days() -> None:
    found = [load(name) for name in shipped()]
    assert len(found) >= 30
    told = {event.event for scenario in found for event in scenario.timeline}
    assert told >= {name for name in KINDS if not name.startswith("device.")}
    quiet = [scenario for scenario in found if scenario.id.startswith("quiet-")]
    assert len(quiet) >= 3
    assert not any(scenario.expect for scenario in quiet)
