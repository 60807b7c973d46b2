"""Traffic through the rules: each reading once, in order of arrival, and people are told when the platform knows."""

import numpy as np
import pytest

from commands.scenario_engine import Outcome, alarms_of, heard
from domain.registry import Asset, Datastream, Device, Registry
from rules.load import Catalogue
from rules.rule import Cause, Rule
from runtime.settings import Settings, load
from simulators.devices.traffic import Traffic
from simulators.scenario_verdicts import Alarm
from tests.support.rulebook import SECOND, T0, above, silence

MINUTE = 60 * SECOND
METHANE = above("methane", blue=10, red=50, hysteresis=2)
SILENT = silence("silent", factor=2)
#: When it left, when it was sampled (minutes), device, value.
Message = tuple[float, float, int, float]


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load()


def registry() -> Registry:
    def well(number: int) -> Asset:
        name = f"well-{number}"
        return Asset(
            id=name, network="gas", kind="valve_well", name_en=name, name_zh=name, area="a",
            geometry={"type": "Point", "coordinates": [101.8, 25.1]}, longitude=101.8, latitude=25.1, tags={},
        )  # fmt: skip

    numbers = (1, 2)
    return Registry(
        assets=tuple(map(well, numbers)),
        devices=tuple(Device(id=f"d{n}", asset=f"well-{n}", model="m", reporting_interval_s=60) for n in numbers),
        datastreams=tuple(Datastream(device=f"d{n}", property="gas.ch4.chamber", unit="%{LEL}") for n in numbers),
        links=(),
    )


def traffic(*messages: Message) -> Traffic:
    """One reading a message; a message that is written twice carries the same row twice."""
    once = list(dict.fromkeys((sampled, device, value) for _, sampled, device, value in messages))
    ordered = sorted(messages)
    value = np.array([row[2] for row in once], dtype=np.float64)
    return Traffic(
        devices=("d1", "d2"),
        streams=(("d1", "gas.ch4.chamber"), ("d2", "gas.ch4.chamber")),
        sent=np.array([T0 + int(m[0] * MINUTE) for m in ordered], dtype=np.int64),
        device=np.array([m[2] - 1 for m in ordered], dtype=np.int32),
        first=np.array([once.index(m[1:]) for m in ordered], dtype=np.int64),
        count=np.ones(len(ordered), dtype=np.int32),
        stream=np.array([row[1] - 1 for row in once], dtype=np.int32),
        sampled=np.array([T0 + int(row[0] * MINUTE) for row in once], dtype=np.int64),
        value=value,
        truth=value,
        labels=np.zeros(len(once), dtype=np.uint8),
    )


def outcome(settings: Settings, *messages: Message, rules: tuple[Rule, ...] = (METHANE,), minutes: int = 30) -> Outcome:
    return alarms_of(
        traffic(*messages),
        registry(),
        Catalogue(rules=rules, overrides=(), digest=""),
        settings,
        since=T0,
        until=T0 + minutes * MINUTE,
    )


def told(alarm: Alarm) -> float | None:
    return None if alarm.told_at is None else (alarm.told_at - T0) / MINUTE


def steady(device: int, begin: int, end: int, value: float = 1.0) -> list[Message]:
    return [(minute + 0.1, minute, device, value) for minute in range(begin, end)]


def test_a_reading_is_stored_once_however_often_it_is_sent(settings: Settings) -> None:
    found = heard(traffic((1, 1, 1, 5), (2, 1, 1, 5), (3, 1, 1, 7), (2, 2, 1, 6)), registry(), settings)
    assert found.duplicates == 2
    assert found.observations.values.tolist() == [5, 6]
    assert found.observations.datastreams.tolist() == [1, 1]


def test_times_that_ingest_refuses_are_refused(settings: Settings) -> None:
    ahead, behind = settings.skew_s / 60, settings.lateness_s / 60
    messages = [(10.0, 10 + ahead, 1, 1.0), (10.0, 10.1 + ahead, 1, 2.0), (10.0, 9.9 - behind, 2, 3.0)]
    found = heard(traffic(*messages), registry(), settings)
    assert found.refused == 2
    assert found.observations.values.tolist() == [1.0]


def test_values_out_of_range_are_flagged(settings: Settings) -> None:
    found = heard(traffic((1, 1, 1, 130), (2, 2, 1, 50)), registry(), settings)
    assert (found.observations.qualities != 0).tolist() == [True, False]


def test_people_are_told_at_once_of_what_comes_in_time(settings: Settings) -> None:
    (alarm,) = outcome(settings, *steady(1, 0, 5), *steady(1, 5, 8, 20.0)).alarms
    assert told(alarm) == 5
    assert (alarm.rule, alarm.asset, alarm.device, alarm.kind, alarm.network) == (
        "methane", "well-1", "d1", "safety", "gas",
    )  # fmt: skip


def test_people_are_told_late_of_what_comes_late(settings: Settings) -> None:
    (alarm,) = outcome(settings, *steady(1, 0, 5), (20.5, 5, 1, 20.0), (20.6, 6, 1, 60.0)).alarms
    assert (alarm.raised_at - T0) / MINUTE == 5
    assert told(alarm) == 21
    assert [(at - T0) / MINUTE for at, _ in alarm.levels] == [21, 21]


def test_silence_is_noticed_while_nothing_comes(settings: Settings) -> None:
    (alarm,) = outcome(settings, *steady(1, 0, 5), *steady(2, 0, 30), rules=(SILENT,)).alarms
    assert alarm.device == "d1"
    assert told(alarm) == 6


def test_what_was_announced_and_never_was_stays_as_withdrawn(settings: Settings) -> None:
    gap = [(25.0, minute, 1, 1.0) for minute in range(5, 20)]
    found = outcome(settings, *steady(1, 0, 5), *gap, *steady(1, 20, 30), *steady(2, 0, 30), rules=(SILENT,)).alarms
    assert [(told(a), a.withdrawn) for a in found] == [(6, True)]


def test_what_a_cause_holds_back_is_not_told_until_the_cause_is_gone(settings: Settings) -> None:
    cause = METHANE.model_copy(update={"inhibited_by": (Cause.model_validate({"rule": "grave", "on": "area"}),)})
    grave = above("grave", red=90)
    leak = [*steady(1, 0, 3), *steady(1, 3, 12, 95.0), *steady(1, 12, 30)]
    short = [*steady(2, 0, 5), *steady(2, 5, 8, 20.0), *steady(2, 8, 30)]
    long = [*steady(2, 0, 5), *steady(2, 5, 20, 20.0), *steady(2, 20, 30)]
    for own, when in ((short, None), (long, 12.0)):
        found = outcome(settings, *leak, *own, rules=(cause, grave)).alarms
        (alarm,) = [a for a in found if a.rule == "methane" and a.device == "d2"]
        assert (told(alarm), alarm.held_by) == (when, "grave")


def test_nobody_is_told_of_conditions(settings: Settings) -> None:
    hidden = METHANE.model_copy(update={"class_": "condition"})
    assert outcome(settings, *steady(1, 0, 9, 20.0), rules=(hidden,)).alarms == ()
