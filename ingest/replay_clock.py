"""The clock of a replay: on a test platform it stands in the place of the system's (LIFELINE_CLOCK=replay).

A replay says among its telemetry how far it has come, after the broker has acknowledged everything before that. Such
a message is no observation. It ends the batch in which it comes, and is committed with it: whoever sees the clock
sees all that it stands for. What is too late or too far ahead is judged by it too, as it was when the recording was
made.
"""

from dataclasses import dataclass
from datetime import datetime

import msgspec
import structlog

from domain.times import Clock
from domain.topics import CLOCK_SUFFIX
from ingest.connection import Inbox
from ingest.entry import BadPayloadError
from ingest.message import micros_of
from storage.clock import Reached

log = structlog.get_logger(__name__)


class _Said(msgspec.Struct, frozen=True):
    time: datetime | int
    begins: bool = False


@dataclass(slots=True)
class ReplayClock:
    """What ingest has heard of the replay.

    Attributes:
        system: Until a replay has begun, time is the system's.
        time: How far the replay has come, in microseconds since 1970 (UTC).
    """

    system: Clock
    time: int | None = None

    def now(self) -> int:
        """The instant at which what comes next counts as received."""
        return self.system() if self.time is None else self.time

    @staticmethod
    def upto(inbox: Inbox, most: int) -> int:
        """How many messages may be handed over together: those up to the next one of the clock, or `most`."""
        waiting = enumerate(inbox.topics[:most], start=1)
        return next((number for number, topic in waiting if topic.endswith(CLOCK_SUFFIX)), most)

    def take(self, taken: Inbox) -> Reached | None:
        """Removes a message of the clock from the end of what was taken; its packet identifier stays to be answered."""
        if not taken.topics or not taken.topics[-1].endswith(CLOCK_SUFFIX):
            return None
        taken.topics.pop()
        payload = taken.payloads.pop()
        try:
            said = msgspec.json.decode(payload, type=_Said)
            instant = micros_of(said.time)
        except (msgspec.DecodeError, UnicodeDecodeError, BadPayloadError) as exc:
            log.warning("clock_not_understood", error=str(exc))
            return None
        self.time = instant if self.time is None else max(self.time, instant)
        return Reached(time=instant, begins=said.begins)
