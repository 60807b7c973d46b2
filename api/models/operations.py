"""Dead letters, ingest counters and health on the wire."""

from pydantic import Field

from api.models.wire import Instant, Wire


class DeadLetter(Wire):
    """An entry that was not stored, and why."""

    id: int = Field(examples=[9])
    received_at: Instant
    partition: str = Field(examples=["all"])
    topic: str = Field(examples=["lifeline/330106/gas/gas-ch4-001/telemetry"])
    device: str | None = Field(examples=["gas-ch4-001"])
    reason: str = Field(examples=["not_finite"])
    detail: str = Field(examples=["value NaN of gas.ch4.chamber"])
    size: int = Field(description="Bytes of the payload.", examples=[48])
    exercise: int | None = Field(
        description="The exercise that it belongs to, by its topic; null: it is real.", examples=[None]
    )


class DeadLetterDetail(DeadLetter):
    """The same with the payload as the device sent it."""

    payload_base64: str = Field(description="Raw bytes, base64.", examples=["eyJ0aW1lIjowfQ=="])


class Reason(Wire):
    """How often one reason occurred in the period."""

    reason: str = Field(examples=["not_finite"])
    help: str | None = Field(description="What the reason means.")
    count: int = Field(examples=[3])
    last_at: Instant


class Reasons(Wire):
    """Counts by reason, most frequent first."""

    items: list[Reason]


class Partition(Wire):
    """One ingest partition. The counters count entries: one value of one property in one message."""

    partition: str = Field(examples=["all"])
    connected: bool
    messages: int = Field(description="MQTT messages whose fate is decided.")
    received: int
    stored: int
    duplicates: int
    conflicts: int
    rejected: int
    balanced: bool = Field(description="received = stored + duplicates + conflicts + rejected")
    session_losses: int = Field(description="Times the broker had forgotten the session.")
    lag_s: float | None = Field(description="Age of the instant up to which all that the broker had is stored.")
    heartbeat_age_s: float = Field(description="Age of the worker's last sign of life.")


class FollowerLag(Wire):
    """One follower of the journal on one partition."""

    follower: str = Field(examples=["rules"])
    partition: str = Field(examples=["all"])
    behind: int = Field(description="Batches that it has not passed.")
    lag_s: float = Field(description="Age of the oldest of them.")


class Ingest(Wire):
    """How ingest and its followers are."""

    partitions: list[Partition]
    followers: list[FollowerLag]


class Health(Wire):
    """Whether the process lives."""

    status: str = Field(examples=["alive"])


class Readiness(Wire):
    """Whether questions can be answered now."""

    ready: bool
    problems: dict[str, str] = Field(description="What stands in the way, by part.")
