"""The judge: told in time or not, and nothing else; what a cause explains is neither an alert nor a false alarm."""

from dataclasses import replace

from domain.alert import Level
from simulators.scenario import Scenario
from simulators.scenario_verdicts import Alarm, Judgement, judge

MINUTE = 60 * 1_000_000
BEGIN = 1_000_000 * MINUTE
KINDS = {"well-1": "valve_well", "well-2": "valve_well", "point-1": "pressure_point"}
AREAS = {"well-1": "a", "well-2": "b", "point-1": "a"}


def at(hour: int, minute: int = 0) -> int:
    """An instant by the local clock; the scenario begins at 10:00."""
    return BEGIN + ((hour - 10) * 60 + minute) * MINUTE


def alarm(rule: str = "methane", told: int | None = at(11, 10), **fields: object) -> Alarm:
    data: dict[str, object] = {
        "rule": rule,
        "kind": "safety",
        "network": "gas",
        "area": "a",
        "asset": "well-1",
        "device": "well-1-d",
        "raised_at": told if told is not None else at(11),
        "told_at": told,
        "levels": ((told if told is not None else at(11), Level.YELLOW),),
    }
    return Alarm(**(data | fields))  # type: ignore[arg-type]


def judged(*alarms: Alarm, expect: list[object] | None = None, must_not: list[object] | None = None) -> Judgement:
    words = {"en": "x", "zh": "x"}
    scenario = Scenario.model_validate(
        {
            "id": "s",
            "title": words,
            "summary": words,
            "starts": "10:00",
            "duration": "8h",
            "timeline": [{"at": "11:00", "event": "gas.leak", "target": "well-1"}],
            "expect": expect or [],
            "must_not": must_not or [],
        }
    )
    return judge(scenario, BEGIN, alarms, KINDS, AREAS)


def held(*alarms: Alarm, **expectation: object) -> bool:
    return judged(*alarms, expect=[{"rule": "methane", "by": "11:30"} | expectation]).held == 1


def quiet(*alarms: Alarm, **ban: object) -> bool:
    return judged(*alarms, must_not=[ban]).held == 1


def test_what_is_told_in_time_holds_and_its_delay_counts_from_the_event() -> None:
    (verdict,) = judged(alarm(), expect=[{"rule": "methane", "by": "11:30"}]).verdicts
    assert verdict.held
    assert verdict.delay_s == 600
    assert held(alarm(told=at(11, 31) - 1))
    assert held(alarm(told=at(11, 30)), by="11:30:00")
    assert not held(alarm(told=at(11, 30) + 1_000_000), by="11:30:00")


def test_what_comes_too_late_too_early_or_not_at_all_is_missed() -> None:
    assert not held(alarm(told=at(11, 31)))
    assert not held(alarm(told=at(10, 59)))
    assert not held(alarm(told=at(11, 5)), **{"from": "11:06"})
    assert not held()
    assert not held(alarm(rule="other"))


def test_a_level_counts_from_when_people_knew_of_it() -> None:
    rising = alarm(told=at(11, 5), levels=((at(11, 5), Level.BLUE), (at(11, 20), Level.ORANGE)))
    assert held(rising, level="yellow")
    assert not held(rising, level="red")
    assert not held(rising, level="yellow", by="11:19")
    late = replace(rising, told_at=at(11, 25))
    (verdict,) = judged(late, expect=[{"rule": "methane", "by": "11:30", "level": "orange"}]).verdicts
    assert verdict.told_at == at(11, 25)


def test_what_is_held_back_fulfils_nothing_and_breaks_nothing() -> None:
    back = alarm(told=None, held_by="gateway")
    assert not held(back)
    assert quiet(back, any=True)
    judgement = judged(back, must_not=[{"any": True}])
    assert judgement.held_back == (back,)
    assert not judgement.told


def test_what_was_announced_and_taken_back_was_announced() -> None:
    assert not quiet(alarm(withdrawn=True), any=True)


def test_places_are_assets_devices_kinds_and_areas() -> None:
    assert held(alarm(), on="well-1")
    assert held(alarm(), on="well-1-d")
    assert not held(alarm(), on="well-2")
    assert held(alarm(), on=["well-2", "well-1"])
    assert held(alarm(), on="kind:valve_well")
    assert not held(alarm(), on="kind:pressure_point")
    assert held(alarm(asset=None, device=None), on="area:point-1")
    assert not held(alarm(asset=None, device=None), on="area:well-2")


def test_any_of_several_rules_will_do() -> None:
    assert held(alarm(rule="b"), rule=["a", "b"])


def test_bans_name_rules_kinds_and_networks_and_all_of_them_must_fit() -> None:
    assert not quiet(alarm(), rule="methane")
    assert quiet(alarm(), rules=["a", "b"])
    assert not quiet(alarm(), network="gas", kind="safety")
    assert quiet(alarm(), network="gas", kind="resilience")
    assert quiet(alarm(), network="water")
    assert quiet(alarm(), **{"any": True, "except": ["methane"]})
    assert not quiet(alarm(), **{"any": True, "except": ["other"]})


def test_bans_hold_for_their_time() -> None:
    assert quiet(alarm(), any=True, until="11:10")
    assert not quiet(alarm(), any=True, until="11:11")
    assert quiet(alarm(), **{"any": True, "from": "11:11"})


def test_a_false_alarm_counts_once_and_the_rest_is_further() -> None:
    expected, wrong, other = alarm(), alarm(rule="wrong"), alarm(rule="other")
    judgement = judged(
        expected,
        wrong,
        other,
        expect=[{"rule": "methane", "by": "12:00"}],
        must_not=[{"rule": "wrong"}, {"rules": ["wrong", "b"]}],
    )
    assert judgement.held == 1
    assert judgement.false_alarms == (wrong,)
    assert judgement.further == (other,)


def test_a_known_miss_is_a_miss_that_is_explained() -> None:
    why = {"en": "It rests on a week of history.", "zh": "需要一周历史。"}
    judgement = judged(expect=[{"rule": "methane", "by": "12:00", "miss": why}, {"rule": "methane", "by": "12:00"}])
    assert [verdict.explained for verdict in judgement.misses] == [True, False]
