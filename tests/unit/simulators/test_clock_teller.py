"""The clock of a replay is told after everything before it has arrived, at steps of recorded time."""

import json
import math
from typing import cast

from domain.topics import telemetry
from simulators.publisher import Publisher
from simulators.replay import ClockTeller

SECOND = 1_000_000
TOPICS = [telemetry("530102", "gas", "a"), telemetry("530103", "gas", "b"), telemetry("530102", "water", "c")]


class Recorder:
    """Stands where the network begins: notes what is handed over, and when it was waited for."""

    def __init__(self) -> None:
        self.done: list[tuple[str, object]] = []

    def drain(self, timeout_s: float) -> bool:  # noqa: ARG002
        self.done.append(("waited", None))
        return True

    def publish(self, topic: str, payload: bytes, entries: int, *, timeout_s: float) -> None:  # noqa: ARG002
        assert entries == 0
        self.done.append((topic, json.loads(payload)))

    def told(self) -> list[object]:
        return [said for topic, said in self.done if topic == "lifeline/530103/clock/clock/telemetry"]


def test_every_area_is_told_once_everything_before_is_acknowledged() -> None:
    recorder = Recorder()
    ClockTeller(cast("Publisher", recorder), 1.0, TOPICS).begin(5 * SECOND)
    said = {"time": 5000, "begins": True}
    assert recorder.done == [
        ("waited", None),
        ("lifeline/530102/clock/clock/telemetry", said),
        ("lifeline/530103/clock/clock/telemetry", said),
    ]


def test_it_is_told_at_steps_of_recorded_time_and_exactly_at_the_end() -> None:
    recorder = Recorder()
    teller = ClockTeller(cast("Publisher", recorder), math.inf, TOPICS)
    teller.begin(0)
    # What is late moves nothing.
    for second in (3, 9, 10, 12, 4, 19, 20, 100):
        teller.reach(second * SECOND)
    teller.end(100 * SECOND + 1)
    assert [said["time"] for said in recorder.told() if isinstance(said, dict)] == [
        0, 10_000, 20_000, 100_000, "1970-01-01T00:01:40.000001+00:00",
    ]  # fmt: skip


def test_a_slow_replay_tells_it_more_often() -> None:
    recorder = Recorder()
    teller = ClockTeller(cast("Publisher", recorder), 1.0, TOPICS)
    teller.begin(0)
    for tenth in range(1, 21):
        teller.reach(tenth * SECOND // 10)
    assert len(recorder.told()) == 1 + 6
