"""The twin of a town for one exercise: its equipment, what its devices publish, and what its scenario expects.

Pure: names and areas are changed and nothing else, so that the twin behaves as the town does.
"""

from dataclasses import replace

from domain.exercise import Expected, Plan, Step, Words, twin
from domain.exercise_mark import area_of, twin_id
from domain.registry import Registry
from simulators.devices.traffic import Traffic
from simulators.scenario import Scenario
from simulators.scenario_parts import Expectation
from simulators.scenario_parts import Words as ScenarioWords
from simulators.town.build import registry
from simulators.town.layout import Layout, Town

#: All of a twin is one layout: only its devices and their areas are asked for.
_ONE = "exercise"


def equipment(town: Town, exercise: int) -> Registry:
    """What is registered for the exercise."""
    return twin(registry(town), exercise)


def publishing(town: Town, exercise: int) -> Town:
    """The town whose devices publish in the exercise, on topics that carry its mark."""
    instruments = tuple(
        replace(one, device=twin_id(exercise, one.device), asset=twin_id(exercise, one.asset))
        for one in town.instruments
    )
    layout = Layout(network=_ONE, assets=equipment(town, exercise).assets, instruments=instruments)
    return replace(town, layouts={_ONE: layout}, links=())


def traffic_of(traffic: Traffic, exercise: int) -> Traffic:
    """The same messages, from the devices of the exercise."""
    return replace(
        traffic,
        devices=tuple(twin_id(exercise, device) for device in traffic.devices),
        streams=tuple((twin_id(exercise, device), name) for device, name in traffic.streams),
    )


def plan(story: Scenario, town: Town, exercise: int, *, skipped_s: int = 0) -> Plan:
    """What the scenario expects of the platform and of people, with the names of the twin.

    Times count from where it is played on, so many seconds after the scenario's own begin.
    """
    incident = max(0, min((event.at.after(story.starts) for event in story.timeline), default=0) - skipped_s)
    return Plan(
        duration_s=story.duration - skipped_s,
        incident_s=incident,
        summary=_words(story.summary),
        expected=tuple(_expected(one, story, town, exercise, incident, skipped_s) for one in story.expect),
        steps=tuple(
            Step(name=one.step, expected=_number(one.alert, story), within_s=one.within, text=_words(one.text))
            for one in story.drill
        ),
    )


def _expected(one: Expectation, story: Scenario, town: Town, exercise: int, incident: int, skipped_s: int) -> Expected:
    return Expected(
        rules=one.rule,
        on=tuple(place for name in one.on for place in _places(name, town, exercise)),
        since_s=incident if one.since is None else one.since.after(story.starts) - skipped_s,
        # What comes at 14:31:58 has come by 14:31, to the minute.
        by_s=one.by.after(story.starts) + one.by.lasts - skipped_s,
        level=one.level,
    )


def _places(name: str, town: Town, exercise: int) -> list[str]:
    """Where an expectation looks, by names of the twin."""
    head, _, rest = name.rpartition(":")
    if head == "area":
        return [f"area:{area_of(exercise, asset.area)}" for asset in town.assets if asset.id == rest]
    if head == "kind":
        return [twin_id(exercise, asset.id) for asset in town.assets if asset.kind == rest]
    return [twin_id(exercise, name)]


def _number(alert: int | str | None, story: Scenario) -> int | None:
    """The expectation that a step is about, from 0 on."""
    if isinstance(alert, str):
        return next(number for number, one in enumerate(story.expect) if alert in one.rule)
    return None if alert is None else alert - 1


def _words(words: ScenarioWords) -> Words:
    return Words(en=words.en, zh=words.zh)
