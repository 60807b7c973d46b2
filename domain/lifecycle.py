"""The life of an alert as one table: which state its facts make (ISA-18.2), and what may happen to it then.

The same states are computed by the database (`alerts.alarm_state`); a test holds the two together.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from domain.alert import AlertEvent
from domain.errors import LifelineError


class AlarmState(StrEnum):
    """The states of ISA-18.2, A to G."""

    NORMAL = "normal"
    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED_UNACKNOWLEDGED = "returned_unacknowledged"
    SHELVED = "shelved"
    SUPPRESSED = "suppressed"
    OUT_OF_SERVICE = "out_of_service"


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What is so of an alert, each independent of the others."""

    #: The condition holds.
    active: bool
    acknowledged: bool = False
    #: Stays open after its return until a person resets it.
    latched: bool = False
    #: By a person, for a while.
    shelved: bool = False
    #: By design: another condition or a maintenance window makes it mean nothing.
    suppressed: bool = False
    #: Another active alert explains it.
    inhibited: bool = False
    out_of_service: bool = False
    #: People were told of it; what nobody was told of, nobody needs to acknowledge.
    announced: bool = True

    @property
    def open(self) -> bool:
        """Whether it is still somebody's business."""
        return self.active or self.latched or (self.announced and not self.acknowledged)

    @property
    def held_back(self) -> bool:
        """Whether nothing of it is announced now."""
        return self.shelved or self.suppressed or self.inhibited or self.out_of_service

    @property
    def state(self) -> AlarmState:
        """The state of ISA-18.2. Of several things that hold it back, the one that people decided counts first."""
        if not self.open:
            return AlarmState.NORMAL
        if self.out_of_service:
            return AlarmState.OUT_OF_SERVICE
        if self.shelved:
            return AlarmState.SHELVED
        if self.suppressed or self.inhibited:
            return AlarmState.SUPPRESSED
        if self.acknowledged:
            return AlarmState.ACKNOWLEDGED
        return AlarmState.UNACKNOWLEDGED if self.active else AlarmState.RETURNED_UNACKNOWLEDGED


class NotAllowedError(LifelineError):
    """The state of the alert does not allow this; says why, and what would."""

    def __init__(self, event: AlertEvent, state: AlarmState, reason: str) -> None:
        self.event = event
        self.state = state
        self.reason = reason
        super().__init__(reason)


Refusal = tuple[Callable[[Facts], bool], str]
_OVER: Refusal = (lambda f: not f.open, "the alert is over")
_ACTIVE: Refusal = (lambda f: f.active, "its condition holds already")
_NOT_ACTIVE: Refusal = (lambda f: not f.active, "its condition does not hold")

#: What stands in the way of each event; the first that applies is named. Not here: allowed in every state.
_REFUSALS: dict[AlertEvent, tuple[Refusal, ...]] = {
    AlertEvent.RAISED: (_ACTIVE,),
    AlertEvent.LEVEL_CHANGED: (_NOT_ACTIVE,),
    AlertEvent.CLEARED: (_NOT_ACTIVE,),
    AlertEvent.INHIBITED: (_NOT_ACTIVE,),
    AlertEvent.RELEASED: ((lambda f: not f.inhibited, "no other alert inhibits it"),),
    AlertEvent.SUPPRESSED: (_OVER,),
    AlertEvent.UNSUPPRESSED: ((lambda f: not f.suppressed, "it is not suppressed"),),
    AlertEvent.ACKNOWLEDGED: (
        (lambda f: f.acknowledged, "it is acknowledged already"),
        _OVER,
    ),
    AlertEvent.ESCALATED: (_OVER,),
    AlertEvent.SHELVED: (
        (lambda f: f.shelved, "it is shelved already: unshelve it first to shelve it anew"),
        _OVER,
        (lambda f: f.out_of_service, "it is out of service: nothing of it is announced anyway"),
    ),
    AlertEvent.UNSHELVED: ((lambda f: not f.shelved, "it is not shelved"),),
    AlertEvent.OUT_OF_SERVICE: ((lambda f: f.out_of_service, "it is out of service already"),),
    AlertEvent.IN_SERVICE: ((lambda f: not f.out_of_service, "it is not out of service"),),
    AlertEvent.RESET: (
        (lambda f: not f.latched, "it is not latched: there is nothing to reset"),
        (lambda f: f.active, "its condition still holds: it can be reset once it has returned"),
        (lambda f: not f.acknowledged, "it is not acknowledged: acknowledge it first"),
    ),
}


def check(facts: Facts, event: AlertEvent) -> None:
    """Raises NotAllowedError unless the event may happen to an alert of these facts."""
    for applies, reason in _REFUSALS.get(event, ()):
        if applies(facts):
            raise NotAllowedError(event, facts.state, reason)


def after(facts: Facts, event: AlertEvent, *, worse: bool = False, one_shot: bool = False) -> Facts:
    """The facts after an event; NotAllowedError where it cannot happen.

    Args:
        facts: Before it.
        event: What happens; `withdrawn` speaks of the only raise.
        worse: Whether a changed level is a worse one.
        one_shot: Whether the alert is shelved until it clears.
    """
    check(facts, event)
    new = replace(facts, **_EFFECTS.get(event, {}))
    if (event is AlertEvent.LEVEL_CHANGED and worse) or event is AlertEvent.RAISED:
        new = replace(new, acknowledged=False)
    if event in _RETURNS:
        # What explained or suppressed it spoke of the condition; people and windows may still hold it back.
        new = replace(new, inhibited=False, shelved=new.shelved and not one_shot)
    if event in _LETS_GO and new.active and not new.held_back:
        new = replace(new, acknowledged=False)
    return replace(new, announced=new.announced or (new.active and not new.held_back))


_RETURNS = (AlertEvent.CLEARED, AlertEvent.WITHDRAWN)
#: After these an active alert is announced again, and is to be acknowledged.
_LETS_GO = (AlertEvent.RELEASED, AlertEvent.UNSUPPRESSED, AlertEvent.UNSHELVED, AlertEvent.IN_SERVICE)
_EFFECTS: dict[AlertEvent, dict[str, bool]] = {
    AlertEvent.RAISED: {"active": True},
    AlertEvent.CLEARED: {"active": False},
    AlertEvent.WITHDRAWN: {"active": False, "latched": False},
    AlertEvent.INHIBITED: {"inhibited": True},
    AlertEvent.RELEASED: {"inhibited": False},
    AlertEvent.SUPPRESSED: {"suppressed": True},
    AlertEvent.UNSUPPRESSED: {"suppressed": False},
    AlertEvent.ACKNOWLEDGED: {"acknowledged": True},
    AlertEvent.SHELVED: {"shelved": True},
    AlertEvent.UNSHELVED: {"shelved": False},
    AlertEvent.OUT_OF_SERVICE: {"out_of_service": True},
    AlertEvent.IN_SERVICE: {"out_of_service": False},
    AlertEvent.RESET: {"latched": False},
}
