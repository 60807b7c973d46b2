"""Promises of devices are gathered, and written seldom."""

from ingest.promises import Promises


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_was_promised_first_is_due_at_once_and_the_next_after_half_a_minute() -> None:
    clock = Seconds()
    promises = Promises(clock)
    assert promises.due() == {}
    promises.heard({1: 60.0})
    assert promises.due() == {1: 60.0}
    promises.written({1: 60.0})
    promises.heard({1: 3600.0})
    assert promises.due() == {}
    clock.now = 30.0
    assert promises.due() == {1: 3600.0}


def test_the_same_promise_again_is_never_due() -> None:
    clock = Seconds()
    promises = Promises(clock)
    promises.heard({1: 60.0})
    promises.written({1: 60.0})
    for _ in range(100):
        clock.now += 60
        promises.heard({1: 61.0})
        assert promises.due() == {}


def test_what_was_not_kept_waits() -> None:
    clock = Seconds()
    promises = Promises(clock)
    promises.heard({1: 60.0, 2: 60.0})
    # The registry was busy; then the promise of 2 was still too new to be lowered.
    promises.written({})
    clock.now = 30.0
    promises.written({1: 60.0, 2: 3600.0})
    clock.now = 60.0
    assert promises.due() == {2: 60.0}
