"""Silence counts only while somebody listens."""

from rules.listening import Listening
from rules.silence import NEVER


def test_a_clock_that_stood_for_long_begins_anew_where_it_moves_again() -> None:
    now = 0.0
    listening = Listening(lambda: now)
    assert listening.of({"a": 100, "b": 7}) == {"a": NEVER, "b": NEVER}
    now = 5.0
    assert listening.of({"a": 105, "b": 7}) == {"a": NEVER, "b": NEVER}
    now = 9.0
    assert listening.of({"a": 109, "b": 7}) == {"a": NEVER, "b": NEVER}
    now = 12.0
    assert listening.of({"a": 112, "b": 300}) == {"a": NEVER, "b": 300}
    now = 13.0
    assert listening.of({"a": 113, "b": 301}) == {"a": NEVER, "b": 300}
