"""The twin of a town: the same equipment under the marks of its exercise, and the plan in its names."""

import numpy as np
import pytest

from commands import drill_twin
from commands.drill_page import page
from commands.drill_report import document
from domain.after_action import report
from domain.exercise import Exercise, Words
from domain.exercise_mark import exercise_of, original_id
from domain.topics import parse
from simulators.devices.letters import Desk
from simulators.devices.traffic import Traffic
from simulators.scenario import load, shipped
from simulators.town.build import build, registry
from simulators.town.layout import Town


@pytest.fixture(scope="module")
def town() -> Town:
    return build("test", 1)


def test_everything_of_the_twin_is_marked_and_stands_for_something_of_the_town(town: Town) -> None:
    real, own = registry(town), drill_twin.equipment(town, 7)
    assert {exercise_of(asset.area) for asset in own.assets} == {7}
    assert [original_id(asset.id) for asset in own.assets] == [asset.id for asset in real.assets]
    assert [original_id(device.asset) for device in own.devices] == [device.asset for device in real.devices]
    assert len(own.links) == len(real.links)
    assert len(own.datastreams) == len(real.datastreams)
    assert not {asset.id for asset in own.assets} & {asset.id for asset in real.assets}
    # As many districts as the town has, so that rules about areas work as there.
    assert len({asset.area for asset in own.assets}) == len({asset.area for asset in real.assets})
    for asset in own.assets:
        assert asset.name_en.startswith("EXERCISE – ")
        assert asset.name_zh.startswith("【演练】")


def test_every_message_of_the_twin_goes_to_a_topic_of_its_exercise(town: Town) -> None:
    devices = tuple(one.device for one in town.instruments)
    streams = tuple((one.device, one.properties[0]) for one in town.instruments)
    size = len(devices)
    traffic = Traffic(
        devices=devices, streams=streams, sent=np.arange(size, dtype=np.int64), device=np.arange(size, dtype=np.int32),
        first=np.arange(size, dtype=np.int64), count=np.ones(size, dtype=np.int32),
        stream=np.arange(size, dtype=np.int32), sampled=np.arange(size, dtype=np.int64), value=np.zeros(size),
        truth=np.zeros(size), labels=np.zeros(size, dtype=np.uint8),
    )  # fmt: skip
    own = {device.id for device in drill_twin.equipment(town, 7).devices}
    topics = [
        parse(letter.topic)
        for letter in Desk(drill_twin.publishing(town, 7)).letters(drill_twin.traffic_of(traffic, 7))
    ]
    assert len(topics) == size
    for topic in topics:
        assert topic is not None
        assert exercise_of(topic.area) == 7
        assert topic.device in own


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_scenario_makes_a_plan_and_a_report(town: Town, name: str) -> None:
    story = load(name)
    plan = drill_twin.plan(story, town, 7)
    known = {asset.id for asset in drill_twin.equipment(town, 7).assets}
    known |= {device.id for device in drill_twin.equipment(town, 7).devices}
    assert len(plan.expected) == len(story.expect)
    for own in plan.expected:
        assert all(place in known or place.startswith("area:990000007") for place in own.on)
        assert 0 <= own.since_s < own.by_s
    for step, told in zip(plan.steps, story.drill, strict=True):
        if isinstance(told.alert, str):
            assert step.expected is not None
            assert told.alert in plan.expected[step.expected].rules
    exercise = Exercise(
        id=7, title=Words(en=story.title.en, zh=story.title.zh), scenario=story.id, scale="test", seed=1,
        started_by="Wang", started_at=0, pace=None, ended_at=1, ended_by="Wang", plan=plan,
    )  # fmt: skip
    found = report(exercise, [], closing="over")
    assert found.missed == len(story.expect) + len(story.drill)
    assert document(found)["missed"] == found.missed
    for language, mark in (("en", "EXERCISE – "), ("zh", "【演练】")):
        shown = page(found, language=language, zone="Asia/Shanghai")
        assert mark in shown
        assert "http://" not in shown.replace("http://www.w3.org", "")


def test_what_is_left_out_of_the_begin_moves_every_time_of_the_plan(town: Town) -> None:
    story = load("cloudburst-power-loss")
    whole, later = (drill_twin.plan(story, town, 7, skipped_s=skipped) for skipped in (0, 4 * 3600))
    assert whole.duration_s - later.duration_s == whole.incident_s - later.incident_s == 4 * 3600
    for one, other in zip(whole.expected, later.expected, strict=True):
        assert (one.by_s - other.by_s, one.since_s - other.since_s) == (4 * 3600, 4 * 3600)
