"""Alerts: levels, kinds, states and the events of their lives (words of ISA-18.2)."""

from enum import IntEnum, StrEnum


class Level(IntEnum):
    """The four levels of 突发事件应对法; 1 is the highest."""

    RED = 1
    ORANGE = 2
    YELLOW = 3
    BLUE = 4

    @property
    def label(self) -> str:
        """The name as data, SQL and JSON carry it: red, orange, yellow, blue."""
        return self.name.lower()

    @classmethod
    def parse(cls, label: str) -> "Level":
        """The level of a name; KeyError if there is none."""
        return cls[label.upper()]


LEVEL_NAMES_ZH = {"red": "红色", "orange": "橙色", "yellow": "黄色", "blue": "蓝色"}


class AlertKind(StrEnum):
    """What an alert speaks of."""

    SAFETY = "safety"
    RESILIENCE = "resilience"
    EQUIPMENT = "equipment"


class AlertState(StrEnum):
    """Whether the condition holds. Acknowledgement is a second, independent fact."""

    ACTIVE = "active"
    RETURNED = "returned"


class AlertEvent(StrEnum):
    """What happened to an alert; events are appended, never edited."""

    # What the condition did, in event time.
    RAISED = "raised"
    LEVEL_CHANGED = "level_changed"
    CLEARED = "cleared"
    #: Late observations showed that one of the three above never was; the event names which.
    WITHDRAWN = "withdrawn"
    # What the system did about it.
    INHIBITED = "inhibited"
    RELEASED = "released"
    SUPPRESSED = "suppressed"
    UNSUPPRESSED = "unsuppressed"
    # What people did.
    ACKNOWLEDGED = "acknowledged"
    COMMENTED = "commented"
    #: Handed on to somebody above.
    ESCALATED = "escalated"
    SHELVED = "shelved"
    UNSHELVED = "unshelved"
    OUT_OF_SERVICE = "out_of_service"
    IN_SERVICE = "in_service"
    RESET = "reset"


#: Events of the condition itself.
CONDITION_EVENTS = (AlertEvent.RAISED, AlertEvent.LEVEL_CHANGED, AlertEvent.CLEARED)
#: Events that people are told of, while nothing holds the alert back.
TOLD = (
    *CONDITION_EVENTS,
    AlertEvent.WITHDRAWN,
    AlertEvent.RELEASED,
    AlertEvent.UNSUPPRESSED,
    AlertEvent.UNSHELVED,
    AlertEvent.IN_SERVICE,
    # A person's own doing: told whatever holds the alert back.
    AlertEvent.ESCALATED,
)
