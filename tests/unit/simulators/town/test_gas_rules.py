"""What the rules make of the truth of gas and manholes: nothing of a quiet day, the right thing of an incident."""

import pytest

from domain.alert import Level
from rules.history import Episode
from simulators.town.truth import Span
from tests.support.gas_town import QUIET, at, event, raised

#: Three quiet days, so that the rules know what is usual, and most of a fourth.
FOURTH_DAY = Span(start=at(-72), steps=4 * (72 + 16), step_s=900)
DAYTIME = Span(start=at(10), steps=481)
WELL, BESIDE = "valve-well-001", "deep-manhole-001"


def rules(episodes: tuple[Episode, ...]) -> set[str]:
    return {one.rule for one in episodes}


def since(episodes: tuple[Episode, ...], rule: str) -> float:
    """Hours of the day at which a rule raised first."""
    return min((one.raised_at - at(0)) / 3.6e9 for one in episodes if one.rule == rule)


@pytest.mark.parametrize(("scale", "seed"), [("test", 2), ("town", 1)])
def test_on_a_quiet_day_no_rule_finds_anything(scale: str, seed: int) -> None:
    assert raised(span=QUIET, scale="town" if scale == "town" else "test", seed=seed) == ()


def test_on_quiet_days_nothing_leaves_what_is_usual_at_its_hour() -> None:
    assert raised(span=Span(start=at(-96), steps=480, step_s=900)) == ()


def test_a_leak_of_3_mm_is_found_by_methane_and_by_nothing_else() -> None:
    found = rules(raised(event("gas.leak", WELL, 11, hole=3), span=FOURTH_DAY))
    assert {"gas-methane-in-chamber", "chain-h1-gas-into-sewer"} <= found
    assert not {rule for rule in found if "pressure" in rule or "flow" in rule}


def test_a_leak_of_10_mm_is_gas_in_the_sewer_and_no_biogas() -> None:
    episodes = raised(event("gas.leak", WELL, 11, hole=10), span=DAYTIME)
    found = rules(episodes)
    assert "gas-methane-rising" in found
    assert since(episodes, "gas-methane-in-chamber") < 12
    assert since(episodes, "chain-h1-gas-into-sewer") < 12.5
    assert "chain-h2-biogas-not-gas" not in found
    assert "manhole-hydrogen-sulfide" not in found


def test_a_leak_of_25_mm_is_seen_by_the_meter_of_the_station_too() -> None:
    found = rules(raised(event("gas.leak", WELL, 11, hole=25), span=FOURTH_DAY))
    assert "gas-flow-unusual" in found


def test_sewage_that_rots_is_biogas_and_no_business_of_the_gas_company() -> None:
    episodes = raised(event("manhole.biogas", BESIDE, 11, 15), span=FOURTH_DAY)
    found = rules(episodes)
    assert {"chain-h2-biogas-not-gas", "manhole-hydrogen-sulfide", "manhole-oxygen-low"} <= found
    assert "chain-h1-gas-into-sewer" not in found
    assert not {rule for rule in found if rule.startswith("gas")}
    assert {one.subject for one in episodes if one.rule == "chain-h2-biogas-not-gas"} == {f"asset:{BESIDE}"}


def test_an_excavator_is_told_from_other_falls_of_pressure() -> None:
    episodes = raised(event("gas.dig", "gas-main-001", 11, 14), span=DAYTIME)
    assert since(episodes, "chain-h12-dig-near-gas") < 11.1
    assert since(episodes, "chain-h1-gas-into-sewer") < 12.25
    dig = next(one for one in episodes if one.rule == "chain-h12-dig-near-gas")
    assert [level for _, level in dig.levels] == [Level.ORANGE]


def test_a_detector_that_is_under_water_is_known_to_be_blind() -> None:
    episodes = raised(event("manhole.flooded_well", WELL, 11), event("gas.leak", WELL, 11.5, hole=10), span=DAYTIME)
    assert since(episodes, "gas-valve-well-flooded") < 11.1
    assert since(episodes, "chain-h11-flooded-well") < 12.2
    assert "gas-methane-in-chamber" not in rules(episodes)


def test_a_cover_that_water_has_lifted_is_no_theft_and_a_stolen_one_is() -> None:
    storm = (event("drainage.storm", None, 14, depth=80.0), event("power.lost", "pump-station-001", 14.25, 17))
    lifted = raised(*storm, span=DAYTIME)
    assert since(lifted, "chain-h9-surcharge-lifts-cover") < 15.2
    assert "chain-h10-cover-theft" not in rules(lifted)
    stolen = raised(event("manhole.cover_open", "manhole-001", 1.5, tilt=60), span=Span(start=at(0), steps=240))
    assert since(stolen, "chain-h10-cover-theft") < 1.6
    assert "chain-h9-surcharge-lifts-cover" not in rules(stolen)


def test_a_regulator_that_fails_is_found() -> None:
    found = raised(event("gas.regulator", "regulator-station-001", 11, 12.5, outlet=4), span=DAYTIME)
    assert rules(found) == {"gas-outlet-pressure-high"}
    assert since(found, "gas-outlet-pressure-high") < 11.15
