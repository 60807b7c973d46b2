"""The state table of an alert: every state against every event."""

from dataclasses import replace
from itertools import product

import pytest

from domain.alert import AlertEvent
from domain.lifecycle import AlarmState, Facts, NotAllowedError, after, check

NAMES = ("active", "acknowledged", "latched", "shelved", "suppressed", "inhibited", "out_of_service", "announced")
EVERY = [Facts(**dict(zip(NAMES, values, strict=True))) for values in product((False, True), repeat=len(NAMES))]

#: One alert in each state, as it most plainly comes to be there.
PLAIN = {
    "normal": Facts(active=False, acknowledged=True),
    "unacknowledged": Facts(active=True),
    "acknowledged": Facts(active=True, acknowledged=True),
    "returned_unacknowledged": Facts(active=False),
    "shelved": Facts(active=True, shelved=True),
    "suppressed": Facts(active=True, suppressed=True),
    "out_of_service": Facts(active=True, out_of_service=True),
}

# What each event makes of each state; "-": it cannot happen there. The letters are those of ISA-18.2: A normal,
# B unacknowledged, C acknowledged, D returned_unacknowledged, E shelved, F suppressed, G out_of_service.
TABLE = """
event           A  B  C  D  E  F  G
raised          B  -  -  B  -  -  -
level_changed   -  B  C  -  E  F  G
worse           -  B  B  -  E  F  G
cleared         -  D  A  -  E  F  G
withdrawn       A  D  A  D  E  F  G
inhibited       -  F  F  -  E  F  G
released        -  -  -  -  -  -  -
suppressed      -  F  F  F  E  F  G
unsuppressed    -  -  -  -  -  B  -
acknowledged    -  C  -  A  E  F  G
commented       A  B  C  D  E  F  G
escalated       -  B  C  D  E  F  G
shelved         -  E  E  E  -  E  -
unshelved       -  -  -  -  B  -  -
out_of_service  A  G  G  G  G  G  -
in_service      -  -  -  -  -  -  B
reset           -  -  -  -  -  -  -
"""
_, *ROWS = [line.split() for line in TABLE.strip().splitlines()]
LETTERS = dict(zip("ABCDEFG", AlarmState, strict=True))
CELLS = [(event, state, target) for event, *targets in ROWS for state, target in zip(AlarmState, targets, strict=True)]


def test_every_event_of_an_alert_has_a_row() -> None:
    assert {event for event, *_ in ROWS} - {"worse"} == set(AlertEvent)


@pytest.mark.parametrize(("event", "state", "target"), CELLS)
def test_every_cell_of_the_table(event: str, state: AlarmState, target: str) -> None:
    facts = PLAIN[state]
    assert facts.state is state
    worse = event == "worse"
    kind = AlertEvent.LEVEL_CHANGED if worse else AlertEvent(event)
    if target == "-":
        with pytest.raises(NotAllowedError) as refused:
            after(facts, kind, worse=worse)
        assert refused.value.state is state
        assert refused.value.reason
    else:
        assert after(facts, kind, worse=worse).state is LETTERS[target]


@pytest.mark.parametrize("facts", EVERY)
def test_each_state_follows_from_its_facts(facts: Facts) -> None:
    waiting = facts.announced and not facts.acknowledged
    expected = "normal"
    if facts.active or facts.latched or waiting:
        expected = "unacknowledged" if facts.active else "returned_unacknowledged"
        if facts.acknowledged:
            expected = "acknowledged"
        if facts.suppressed or facts.inhibited:
            expected = "suppressed"
        if facts.shelved:
            expected = "shelved"
        if facts.out_of_service:
            expected = "out_of_service"
    assert facts.state == expected
    assert facts.open is (expected != "normal")


@pytest.mark.parametrize(
    ("holder", "begins", "ends"),
    [
        ("inhibited", AlertEvent.INHIBITED, AlertEvent.RELEASED),
        ("suppressed", AlertEvent.SUPPRESSED, AlertEvent.UNSUPPRESSED),
        ("shelved", AlertEvent.SHELVED, AlertEvent.UNSHELVED),
        ("out_of_service", AlertEvent.OUT_OF_SERVICE, AlertEvent.IN_SERVICE),
    ],
)
def test_what_is_let_go_while_active_is_to_be_acknowledged_again(
    holder: str, begins: AlertEvent, ends: AlertEvent
) -> None:
    held = after(Facts(active=True, acknowledged=True), begins)
    assert getattr(held, holder)
    free = after(held, ends)
    assert free == Facts(active=True, acknowledged=False)


def test_what_two_things_hold_back_is_announced_when_the_last_lets_go() -> None:
    held = Facts(active=True, acknowledged=True, shelved=True, inhibited=True, announced=False)
    once = after(held, AlertEvent.RELEASED)
    assert (once.state, once.acknowledged, once.announced) == (AlarmState.SHELVED, True, False)
    assert after(once, AlertEvent.UNSHELVED) == Facts(active=True)


def test_what_nobody_was_told_of_is_over_with_its_condition() -> None:
    held = replace(Facts(active=True, inhibited=True), announced=False)
    assert after(held, AlertEvent.CLEARED).state is AlarmState.NORMAL


def test_a_one_shot_shelving_ends_with_the_condition_and_a_timed_one_goes_on() -> None:
    shelved = Facts(active=True, shelved=True)
    assert not after(shelved, AlertEvent.CLEARED, one_shot=True).shelved
    assert after(shelved, AlertEvent.CLEARED).shelved


def test_a_latched_alert_is_open_until_it_is_reset() -> None:
    latched = Facts(active=True, latched=True)
    returned = after(latched, AlertEvent.CLEARED)
    for facts, reason in ((latched, "still holds"), (returned, "not acknowledged")):
        with pytest.raises(NotAllowedError, match=reason):
            check(facts, AlertEvent.RESET)
    taken = after(returned, AlertEvent.ACKNOWLEDGED)
    assert taken.state is AlarmState.ACKNOWLEDGED
    assert after(taken, AlertEvent.RESET).state is AlarmState.NORMAL
