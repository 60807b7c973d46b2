import pytest

from domain.topics import clock as clock_topic
from domain.topics import parse, telemetry
from ingest.connection import Inbox
from ingest.replay_clock import ReplayClock
from storage.clock import Reached

SECOND = 1_000_000
TOLD = clock_topic("530102")
SAID = telemetry("530102", "gas", "d1")


def inbox(*topics: str, payload: bytes = b'{"time":1000}') -> Inbox:
    return Inbox(list(range(len(topics))), list(topics), [payload for _ in topics])


def test_the_clock_comes_by_the_subscription_of_the_telemetry() -> None:
    found = parse(TOLD)
    assert found is not None
    assert (found.area, found.network, found.device) == ("530102", "clock", "clock")


def test_a_batch_ends_with_the_next_message_of_the_clock() -> None:
    waiting = inbox(SAID, SAID, TOLD, SAID, TOLD)
    assert ReplayClock.upto(waiting, 100) == 3
    assert ReplayClock.upto(waiting, 2) == 2
    assert ReplayClock.upto(inbox(SAID), 100) == 100


def test_until_a_replay_has_begun_time_is_the_systems_and_then_it_never_goes_back() -> None:
    clock = ReplayClock(lambda: 77)
    assert clock.now() == 77
    assert clock.take(inbox(SAID, TOLD, payload=b'{"time":"1970-01-01T00:00:02.000001Z","begins":true}')) == Reached(
        time=2_000_001, begins=True
    )
    assert clock.now() == 2_000_001
    assert clock.take(inbox(TOLD, payload=b'{"time":1000}')) == Reached(time=SECOND, begins=False)
    assert clock.now() == 2_000_001


def test_a_message_of_the_clock_is_no_observation_and_is_answered_all_the_same() -> None:
    taken = inbox(SAID, TOLD)
    assert ReplayClock(lambda: 0).take(taken) is not None
    assert (taken.topics, len(taken.payloads), taken.mids) == ([SAID], 1, [0, 1])
    assert ReplayClock(lambda: 0).take(taken) is None
    assert taken.topics == [SAID]


@pytest.mark.parametrize("payload", [b"", b"{}", b'{"time":"noon"}', b'{"time":true}', b'{"time":9e99}', b"\xff"])
def test_a_clock_that_cannot_be_understood_changes_nothing(payload: bytes) -> None:
    clock = ReplayClock(lambda: 5, time=9)
    taken = inbox(TOLD, payload=payload)
    assert clock.take(taken) is None
    assert clock.now() == 9
    assert taken.topics == []
