import random

import pytest

from notify.channel import default_pause_s, redacted, send
from notify.lane import LONGEST_RETRY_S, retry_delay_s
from tests.support.ports import free_port

# Apprise loads every plugin that it has, and one of them a module that Python 3.13 no longer brings.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


def test_delays_double_within_their_jitter_and_stay_below_five_minutes() -> None:
    rng = random.Random(1)
    for attempts, step in [(1, 2), (2, 4), (3, 8), (7, 128), (8, 256), (9, 300), (1000, 300)]:
        for _ in range(50):
            assert step / 2 <= retry_delay_s(attempts, rng) <= min(step, LONGEST_RETRY_S)


def test_an_unknown_service_is_told_apart_without_being_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert default_pause_s("nonsense://secret-key") is None
    assert default_pause_s("json://127.0.0.1/hook") == 0.0
    assert "secret-key" not in caplog.text


@pytest.mark.parametrize(
    ("text", "url", "expected"),
    [
        ("to bob:hunter2@host/a-key failed", "json://bob:hunter2@host/a-key", "to ***:***@host/*** failed"),
        ("bad token t0ken%2B1 and t0ken+1", "jsons://host?x=t0ken%2B1", "bad token *** and ***"),
        ("robot 0123abcd does not exist", "wecombot://0123abcd", "robot *** does not exist"),
    ],
)
def test_errors_hold_no_part_of_an_address_that_may_be_secret(text: str, url: str, expected: str) -> None:
    assert redacted(text, url) == expected


def test_a_receiver_that_is_not_there_is_a_failure_with_a_reason() -> None:
    outcome = send(
        f"json://user:hunter2@127.0.0.1:{free_port()}/path-key", title="t", body="b", facts={}, timeout_s=2.0
    )
    assert not outcome.sent
    assert outcome.error
    assert "hunter2" not in outcome.error
    assert "path-key" not in outcome.error
