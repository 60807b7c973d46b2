"""The condition of the whole pipeline: what is counted, and the pure judgement of what is wrong with it."""

from dataclasses import dataclass, field

#: What is behind by more than this is wrong.
LAG_LIMIT_S = 60.0
#: People who have not been told for so long are not being told.
OUTBOX_LIMIT_S = 300.0


@dataclass(frozen=True, kw_only=True, slots=True)
class PartitionCondition:
    """One partition of ingest. Ages are seconds by the database's clock."""

    partition: str
    connected: bool
    messages: int
    received: int
    stored: int
    duplicates: int
    conflicts: int
    rejected: int
    session_losses: int
    #: Age of the instant up to which everything that the broker had is stored; None if that was never so.
    lag_s: float | None
    #: Age of the worker's last sign of life.
    heartbeat_age_s: float

    @property
    def balanced(self) -> bool:
        """Whether every entry ended as exactly one of stored, duplicate, conflict, rejected."""
        return self.received == self.stored + self.duplicates + self.conflicts + self.rejected


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowerCondition:
    """One follower of the journal on one partition."""

    follower: str
    partition: str
    #: Journal rows that it has not passed.
    behind: int
    #: Age of the oldest of them; 0 when there is none.
    lag_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenAlerts:
    """How many alerts of a network and level are open."""

    network: str
    level: str
    active: int
    unacknowledged: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningExercise:
    """An exercise that has not ended. Nothing of it is counted anywhere else."""

    id: int
    title_en: str
    title_zh: str
    started_by: str
    #: Its open alerts.
    open: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Deliveries:
    """Who is still to be told."""

    #: Events that notify has not addressed yet.
    outbox: int
    outbox_age_s: float
    pending: int
    pending_age_s: float
    #: Given up within the last day.
    failed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceCount:
    """How many devices of a network report as they promised; silent is more than two intervals without a word."""

    network: str
    reporting: int
    silent: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CatalogueCondition:
    """The catalogue of rules in force, and a newer one that is refused."""

    #: None until the rules ran for the first time.
    digest: str | None
    rules: int
    refused_digest: str | None = None
    #: For how long it has been refused.
    refused_age_s: float | None = None
    problems: tuple[str, ...] = ()
    #: Rules whose evaluation has failed within the last minute.
    failing: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """Everything `lifeline status` shows."""

    server: str
    level: str
    schema_current: bool
    missing_migrations: tuple[int, ...] = ()
    partitions: tuple[PartitionCondition, ...] = ()
    followers: tuple[FollowerCondition, ...] = ()
    alerts: tuple[OpenAlerts, ...] = ()
    deliveries: Deliveries = field(
        default_factory=lambda: Deliveries(outbox=0, outbox_age_s=0.0, pending=0, pending_age_s=0.0, failed=0)
    )
    devices: tuple[DeviceCount, ...] = ()
    catalogue: CatalogueCondition | None = None
    exercises: tuple[RunningExercise, ...] = ()


def problems(condition: Condition) -> list[str]:
    """What is wrong, each as a sentence that says what to look at; empty when all is well.

    Alerts and silent devices are the city's condition, not the platform's: they are shown, never counted as wrong here.
    """
    if not condition.schema_current:
        missing = ", ".join(f"{n:04d}" for n in condition.missing_migrations)
        return [f"the database lacks migration(s) {missing}: run `lifeline db migrate`"]
    found: list[str] = []
    if not condition.partitions:
        found.append("no ingest worker has ever run on this database: start `lifeline ingest`")
    for partition in condition.partitions:
        found += _partition_problems(partition)
    for follower in condition.followers:
        if follower.lag_s > LAG_LIMIT_S:
            found.append(
                f"{follower.follower} is {follower.behind} journal row(s) and {follower.lag_s:.0f} s behind on "
                f"partition {follower.partition}: is it running?"
            )
    return found + _catalogue_problems(condition.catalogue) + _delivery_problems(condition.deliveries)


def _catalogue_problems(catalogue: CatalogueCondition | None) -> list[str]:
    found = []
    if catalogue is not None and catalogue.refused_digest is not None:
        found.append(
            f"the newest rule catalogue has been refused for {catalogue.refused_age_s or 0:.0f} s, the last good one "
            f"is in force: {len(catalogue.problems)} problem(s), the first: {catalogue.problems[0]}"
        )
    if catalogue is not None and catalogue.failing:
        found.append(f"{len(catalogue.failing)} rule(s) end in errors, such as {catalogue.failing[0]}: see the log")
    return found


def _partition_problems(partition: PartitionCondition) -> list[str]:
    name = f"ingest of partition {partition.partition}"
    found = []
    if partition.heartbeat_age_s > LAG_LIMIT_S:
        found.append(f"{name} has given no sign of life for {partition.heartbeat_age_s:.0f} s: is it running?")
    elif not partition.connected:
        found.append(f"{name} is not connected to the broker: see its log")
    elif partition.lag_s is None or partition.lag_s > LAG_LIMIT_S:
        lag = "has never caught up" if partition.lag_s is None else f"is {partition.lag_s:.0f} s behind"
        found.append(f"{name} {lag}: is the database keeping up?")
    if not partition.balanced:
        found.append(
            f"{name} does not balance: received {partition.received}, but stored {partition.stored} + duplicates "
            f"{partition.duplicates} + conflicts {partition.conflicts} + rejected {partition.rejected}"
        )
    return found


def _delivery_problems(deliveries: Deliveries) -> list[str]:
    found = []
    if deliveries.outbox_age_s > OUTBOX_LIMIT_S:
        found.append(
            f"{deliveries.outbox} event(s) of alerts wait for `lifeline notify`, the oldest for "
            f"{deliveries.outbox_age_s:.0f} s: is it running?"
        )
    if deliveries.pending_age_s > OUTBOX_LIMIT_S:
        found.append(
            f"{deliveries.pending} notification(s) could not be sent yet, the oldest for "
            f"{deliveries.pending_age_s:.0f} s: see the log of `lifeline notify`"
        )
    if deliveries.failed:
        found.append(f"{deliveries.failed} notification(s) failed for good within a day: check their addresses")
    return found
