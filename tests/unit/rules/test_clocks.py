"""Each area has the clock of the partition that serves it."""

import numpy as np

from rules.clocks import Clocks
from rules.silence import NEVER
from storage.journal import Heads
from tests.support.rulebook import stream

AREAS = ("530102", "530103", "530102", "530104")
CLOCKS = Clocks([stream(number, area=area) for number, area in enumerate(AREAS)])


def heads(listening: dict[str, int] | None = None, **clocks: int | None) -> Heads:
    named = {name.removeprefix("p"): clock for name, clock in clocks.items()}
    return Heads(
        positions=dict.fromkeys(named, 1),
        clocks={name: clock for name, clock in named.items() if clock is not None},
        listening=listening or {},
    )


def numbers(found: object) -> object:
    return found.tolist() if isinstance(found, np.ndarray) else found


def test_one_partition_for_all_is_one_number() -> None:
    assert CLOCKS.of(heads(all=7)) == 7
    assert CLOCKS.listening(heads({"all": 3}, all=7)) == 3


def test_each_area_has_its_own() -> None:
    found = heads({"530103": 2}, p530102=7, p530103=9)
    assert numbers(CLOCKS.of(found)) == [7, 9, 7, NEVER]
    assert numbers(CLOCKS.listening(found)) == [NEVER, 2, NEVER, NEVER]


def test_of_two_that_serve_an_area_the_one_that_has_heard_further_counts() -> None:
    found = heads({"all": 1, "530102": 5}, all=7, p530102=9, p530103=3)
    assert numbers(CLOCKS.of(found)) == [9, 7, 9, 7]
    assert numbers(CLOCKS.listening(found)) == [5, 1, 5, 1]


def test_who_never_caught_up_has_no_clock_but_may_listen() -> None:
    assert CLOCKS.of(heads(all=None)) is None
    assert CLOCKS.listening(heads({"all": 4}, all=None)) == 4
    assert CLOCKS.of(heads()) is None


def test_an_empty_registry_has_the_clock_of_any_partition() -> None:
    assert Clocks([]).of(heads(all=7)) == 7
    assert Clocks([]).of(heads()) is None
