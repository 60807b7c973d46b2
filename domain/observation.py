"""Observations: their quality, and the reasons why an entry is not stored."""

from dataclasses import dataclass
from enum import IntFlag, StrEnum


class Quality(IntFlag):
    """Flags stored beside a value; 0 is good. A value with any flag never counts as normal."""

    GOOD = 0
    #: Outside the physical range of its property: kept, but no rule and no average trusts it.
    OUT_OF_RANGE = 1
    #: The device itself marked the value as doubtful.
    DEVICE_DOUBT = 2
    #: Sent as history (store and forward): stored, never alarmed as current.
    HISTORICAL = 4


class RejectReason(StrEnum):
    """Why an entry became a dead letter. The text is shown to people and stands in docs/guarantees.md."""

    BAD_TOPIC = "bad_topic"
    BAD_ENCODING = "bad_encoding"
    BAD_JSON = "bad_json"
    BAD_SHAPE = "bad_shape"
    BAD_SENML = "bad_senml"
    TOO_LARGE = "too_large"
    BAD_TIME = "bad_time"
    TOO_LATE = "too_late"
    IN_FUTURE = "in_future"
    UNKNOWN_DEVICE = "unknown_device"
    UNKNOWN_PROPERTY = "unknown_property"
    WRONG_UNIT = "wrong_unit"
    WRONG_TYPE = "wrong_type"
    NOT_FINITE = "not_finite"
    DUPLICATE_KEY = "duplicate_key"
    CONFLICT = "conflict"
    REFUSED_BY_DATABASE = "refused_by_database"


REJECT_HELP: dict[RejectReason, str] = {
    RejectReason.BAD_TOPIC: "the topic is not lifeline/{area}/{network}/{device}/telemetry of a registered device",
    RejectReason.BAD_ENCODING: "the payload is not UTF-8",
    RejectReason.BAD_JSON: "the payload is empty or not JSON",
    RejectReason.BAD_SHAPE: "the JSON is neither an object with time and values, nor a list of them, nor a SenML pack",
    RejectReason.BAD_SENML: "the SenML pack breaks RFC 8428",
    RejectReason.TOO_LARGE: "the payload is larger than LIFELINE_PAYLOAD_LIMIT_BYTES",
    RejectReason.BAD_TIME: "the time is missing, has no zone, or is not a time",
    RejectReason.TOO_LATE: "the time lies further back than LIFELINE_LATENESS_S",
    RejectReason.IN_FUTURE: "the time lies further ahead than LIFELINE_SKEW_S",
    RejectReason.UNKNOWN_DEVICE: "no device of this id is registered",
    RejectReason.UNKNOWN_PROPERTY: "the device has no datastream of this property",
    RejectReason.WRONG_UNIT: "the message names another unit than the datastream's",
    RejectReason.WRONG_TYPE: "the value is not of the property's type",
    RejectReason.NOT_FINITE: "the value is NaN, infinite or beyond a double",
    RejectReason.DUPLICATE_KEY: "the object names a key twice",
    RejectReason.CONFLICT: "another value is already stored for this datastream and time",
    RejectReason.REFUSED_BY_DATABASE: "the database refused the row",
}


@dataclass(frozen=True, slots=True)
class Rejection:
    """One entry that is not stored: why, and a sentence that names the culprit."""

    reason: RejectReason
    detail: str
