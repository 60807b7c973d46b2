"""How far ingest says that it has come: never further than what is stored, never on while nobody listens."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.progress import SETTLE_MICROS, Progress

SECOND = 1_000_000
START = 1_777_622_400 * SECOND
HEARD = START + SETTLE_MICROS


def listening() -> Progress:
    progress = Progress()
    progress.subscribed(START)
    return progress


def test_nothing_is_known_before_the_broker_had_time_to_send_what_it_kept() -> None:
    progress = listening()
    progress.emptied(HEARD - 1, window=100)
    assert progress.caught_up_at is None
    progress.emptied(HEARD, window=100)
    assert progress.caught_up_at == HEARD


def test_it_stands_still_at_the_oldest_message_that_is_not_stored() -> None:
    progress = listening()
    progress.arrived(2, HEARD + 5)
    progress.arrived(1, HEARD + 9)
    progress.emptied(HEARD + 20, window=100)
    assert progress.caught_up_at == HEARD + 5
    progress.finished(2)
    assert progress.caught_up_at == HEARD + 9
    progress.finished(1)
    assert progress.caught_up_at == HEARD + 20
    assert progress.held == 0


def test_a_full_window_tells_nothing_of_what_the_broker_still_has() -> None:
    progress = listening()
    progress.emptied(HEARD, window=2)
    progress.arrived(2, HEARD + 5)
    progress.emptied(HEARD + 20, window=2)
    progress.finished(2)
    assert progress.caught_up_at == HEARD


def test_it_stands_still_without_a_connection() -> None:
    progress = listening()
    progress.emptied(HEARD, window=2)
    progress.lost()
    progress.emptied(HEARD + SECOND, window=2)
    assert progress.caught_up_at == HEARD
    progress.subscribed(HEARD + 2 * SECOND)
    progress.emptied(HEARD + 2 * SECOND, window=2)
    assert progress.caught_up_at == HEARD


def test_messages_left_to_the_broker_are_not_held_any_more() -> None:
    progress = listening()
    progress.arrived(5, HEARD + 1)
    progress.arrived(4, HEARD + 2)
    progress.dropped(6)
    assert progress.held == 3
    progress.finished(3)
    progress.emptied(HEARD + 10, window=100)
    assert (progress.held, progress.caught_up_at) == (0, HEARD + 10)


def test_the_lag_is_the_age_of_what_is_stored() -> None:
    progress = Progress()
    assert progress.lag_s(START) == 0
    progress.arrived(1, START)
    assert progress.lag_s(START + 3 * SECOND) == 3
    progress.subscribed(START)
    progress.finished(1)
    progress.emptied(HEARD, window=2)
    assert progress.lag_s(HEARD + 2 * SECOND) == 2


steps = st.lists(
    st.tuples(st.sampled_from(["arrived", "finished", "emptied", "lost", "subscribed", "dropped"]), st.integers(1, 5)),
    max_size=60,
)


@given(steps)
def test_it_never_goes_back_and_never_passes_a_held_message(moves: list[tuple[str, int]]) -> None:
    progress = listening()
    now, held, last = HEARD, list[int](), 0
    for move, number in moves:
        now += 1
        if move == "arrived":
            progress.arrived(number, now)
            held += [now] * number
        elif move == "finished":
            progress.finished(min(number, len(held)))
            del held[:number]
        elif move == "dropped":
            progress.dropped(min(number, len(held)))
            del held[max(0, len(held) - number) :]
        elif move == "emptied":
            progress.emptied(now, window=1000)
        elif move == "lost":
            progress.lost()
        else:
            progress.subscribed(now - SETTLE_MICROS)
        assert progress.held == len(held)
        reached = progress.caught_up_at or 0
        assert reached >= last
        assert not held or reached <= held[0]
        last = reached
