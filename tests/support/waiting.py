"""Waiting for something to become true: poll with a deadline, never sleep and hope."""

import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


def wait_until(predicate: Callable[[], _T], *, timeout_s: float = 10.0, what: str, poll_s: float = 0.01) -> _T:
    """Returns the first truthy value of `predicate`; fails with `what` and the last value when time is up."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"waited {timeout_s} s in vain for: {what} (last: {value!r})")
        time.sleep(poll_s)
