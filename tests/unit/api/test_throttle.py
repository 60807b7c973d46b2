from api.throttle import FailureThrottle

SECOND = 1_000_000


class FakeClock:
    def __init__(self) -> None:
        self.now = 1_800_000_000 * SECOND

    def __call__(self) -> int:
        return self.now


def test_failures_beyond_the_limit_must_wait_for_the_window_to_end() -> None:
    clock = FakeClock()
    throttle = FailureThrottle(clock, limit=3, window_s=60)
    assert [throttle.failed("a") for _ in range(3)] == [0, 0, 0]
    assert throttle.failed("a") == 60
    clock.now += 59 * SECOND + 1
    assert throttle.failed("a") == 1
    clock.now += SECOND
    assert throttle.failed("a") == 0


def test_one_client_never_throttles_another() -> None:
    throttle = FailureThrottle(FakeClock(), limit=1)
    throttle.failed("a")
    assert throttle.failed("a") > 0
    assert throttle.failed("b") == 0


def test_a_clock_that_steps_back_locks_nobody_out() -> None:
    clock = FakeClock()
    throttle = FailureThrottle(clock, limit=1, window_s=60)
    throttle.failed("a")
    clock.now -= 3600 * SECOND
    assert throttle.failed("a") == 0


def test_memory_is_bounded_by_forgetting_the_client_seen_longest_ago() -> None:
    throttle = FailureThrottle(FakeClock(), limit=1, clients=2)
    for client in ("a", "b", "a", "c"):
        throttle.failed(client)
    assert throttle.failed("a") > 0
    assert throttle.failed("b") == 0
