"""What a payload is taken apart into, whatever its shape: entries, rejections, or one reason against all of it."""

from typing import NamedTuple

from domain.observation import Rejection, RejectReason


class Entry(NamedTuple):
    """One value of one property, not yet looked up."""

    property: str
    #: Microseconds since 1970 (UTC).
    time: int
    value: float | bool
    unit: str | None = None
    #: The most seconds until the next value of this property, if the device says so (SenML `ut`).
    promise_s: float | None = None


class Decoded(NamedTuple):
    """What a payload holds."""

    entries: list[Entry]
    rejections: list[Rejection]


class BadPayloadError(Exception):
    """The whole payload cannot be used; carries the one reason."""

    def __init__(self, reason: RejectReason, detail: str) -> None:
        self.rejection = Rejection(reason, detail)
        super().__init__(detail)
