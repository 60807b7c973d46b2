"""What the rules of the catalogue make of the truth of storm water: silent on a quiet day, early in a disaster."""

import pytest

from rules.history import Episode
from simulators.town.happenings import Happening
from simulators.town.truth import Span
from tests.support.ruled_truth import episodes
from tests.support.storm_water import NO_POWER, STATION, STORM, TRIP, at, clock, event, laid, pump, solved


def raised(*happenings: Happening, span: Span, scale: str = "test", seed: int = 1) -> tuple[Episode, ...]:
    """What all rules raise on the truth itself, by its beginning."""
    return episodes(solved(*happenings, span=span, scale=scale, seed=seed), laid(scale, seed))


def begins(episodes: tuple[Episode, ...], rule: str) -> str:
    """The clock when a rule raised first."""
    return min(clock(one.raised_at) for one in episodes if one.rule == rule)


AFTERNOON = Span(start=at(13), steps=360)


@pytest.mark.parametrize("seed", [1, 2])
def test_on_a_quiet_day_no_rule_finds_anything_in_the_whole_town(seed: int) -> None:
    assert raised(span=Span(start=at(0), steps=1440), scale="town", seed=seed) == ()


def test_pumps_start_far_less_often_than_six_times_an_hour() -> None:
    """GB 50014-2021, 6.3.1; on a quiet day, and in every hour of a storm."""
    for happenings, most in (((), 3), ((STORM,), 6)):
        truth = solved(*happenings)
        for number in (1, 2, 3):
            starts = pump(truth, number, "starts")
            assert (starts[60:] - starts[:-60]).max() <= most


def test_without_power_the_warnings_come_before_the_water() -> None:
    found = raised(STORM, NO_POWER, span=AFTERNOON)
    assert begins(found, "pump-power-lost") <= "14:21"
    assert begins(found, "station-drowns-without-power") <= "14:35"
    assert begins(found, "chain-h3-flood-pump-dead") <= "14:40"
    assert begins(found, "drain-road-flooded") >= "14:52"
    assert begins(found, "drain-underpass-closed") <= "15:00"


def test_a_pump_that_trips_is_no_flood() -> None:
    found = {one.rule for one in raised(STORM, TRIP, span=AFTERNOON)}
    assert "pump-tripped" in found
    assert found <= {"pump-tripped", "pump-wetwell-high", "pump-wetwell-overflows-soon"}


@pytest.mark.parametrize(
    ("kind", "wanted"), [("pump_no_flow", {"pump-runs-dry"}), ("pump_locked", {"pump-overload", "pump-tripped"})]
)
def test_what_befalls_a_pump_is_told_apart(kind: str, wanted: set[str]) -> None:
    assert {one.rule for one in raised(event(f"drainage.{kind}", STATION, at(14)), span=AFTERNOON)} == wanted
