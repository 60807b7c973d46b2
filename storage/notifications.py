"""The outbox and what became of it: one row for each event and address, leased while it is being sent.

The order of writes is the guarantee: a delivery is recorded after the receiver took it, so that a crash in between
repeats it and never loses it. The id of a row never changes; receivers recognise a repetition by it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from domain.times import from_datetime
from storage.database import Pool, translated
from storage.sql import queries

#: One number for everybody who addresses events in this database ("outbox" in ASCII, shortened).
_LOCK = 0x6F757462
#: The channel of an event for which nobody is configured.
NOBODY = "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboxEvent:
    """An event that is not addressed yet."""

    event: int
    alert: int
    network: str
    level: str
    #: Channels that were told of the same alert before.
    told: tuple[str, ...]
    #: Of an escalation: whom the alert was handed on to; perhaps the name of a channel.
    addressee: str | None = None
    #: The exercise that it belongs to; None: it is real.
    exercise: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipient:
    """Where an event goes: a channel's name and its language."""

    channel: str
    language: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Addressed:
    """What one fan-out did."""

    events: int
    channels: frozenset[str]
    unaddressed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One notification that this process has leased."""

    id: str
    event: int
    alert: int
    channel: str
    language: str
    #: Attempts including this one.
    attempts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """A name in both languages."""

    en: str
    zh: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """Everything a message about one event may say. Instants are microseconds since 1970 (UTC)."""

    event: str
    level: str
    #: The level before this event; None when the alert is new.
    previous_level: str | None
    #: The kind of event that late observations took back, if this one says so.
    withdraws: str | None = None
    time: int
    raised_at: int
    value: float | None
    threshold: float | None
    network: Names
    area: str
    asset: str | None
    asset_name: Names | None
    device: str | None
    property_name: Names | None
    unit: str | None
    title: Names
    text: Names
    #: Of what a person did: who, to whom the alert was handed on, and what was said.
    actor: str | None = None
    addressee: str | None = None
    comment: str | None = None
    #: The exercise that it belongs to; None: it is real.
    exercise: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelBacklog:
    """What waits on one channel."""

    channel: str
    pending: int
    oldest_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Backlog:
    """What waits: events without addresses, and deliveries by channel."""

    outbox: int
    outbox_oldest_s: float
    channels: tuple[ChannelBacklog, ...]


def fan_out(
    pool: Pool, route: Callable[[OutboxEvent], Sequence[Recipient]], *, language: str, limit: int = 500
) -> Addressed:
    """Turns the oldest events of the outbox into notifications, all in one transaction.

    An event that `route` gives no recipient becomes one visible row in the state `unaddressed`. Returns at once with
    nothing done while another worker is addressing events.
    """
    sql = queries("notifications")
    channels: set[str] = set()
    unaddressed = 0
    with translated(), pool.connection() as connection, connection.transaction():
        granted = connection.execute(sql["fan_out_lock"], {"key": _LOCK}).fetchone()
        rows = connection.execute(sql["take_outbox"], {"limit": limit}).fetchall() if granted and granted[0] else []
        intentions = []
        told: dict[int, set[str]] = {}
        for event, alert, level, network, addressee, exercise, earlier in rows:
            known = told.setdefault(alert, set(earlier))
            outgoing = OutboxEvent(
                event=event,
                alert=alert,
                network=network,
                level=level,
                told=tuple(sorted(known)),
                addressee=addressee,
                exercise=exercise,
            )
            recipients = route(outgoing)
            known.update(r.channel for r in recipients)
            channels.update(r.channel for r in recipients)
            state = "pending" if recipients else "unaddressed"
            unaddressed += not recipients
            intentions += [
                {"event": event, "alert": alert, "channel": r.channel, "language": r.language, "state": state}
                for r in recipients or [Recipient(channel=NOBODY, language=language)]
            ]
        for intention in intentions:
            connection.execute(sql["add_notification"], intention)
    return Addressed(events=len(rows), channels=frozenset(channels), unaddressed=unaddressed)


def claim(pool: Pool, channel: str, *, lease_s: float) -> Delivery | None:
    """Leases the oldest due delivery of a channel, if there is one; nobody else gets it until the lease ends."""
    with translated(), pool.connection() as connection:
        row = connection.execute(
            queries("notifications")["claim_notification"], {"channel": channel, "lease_s": lease_s}
        ).fetchone()
    if row is None:
        return None
    id_, event, alert, channel, language, attempts = row
    return Delivery(id=id_, event=event, alert=alert, channel=channel, language=language, attempts=attempts)


def notice(pool: Pool, event: int) -> Notice:
    """What a message about an event says."""
    with translated(), pool.connection() as connection:
        row = connection.execute(queries("notifications")["notice"], {"event": event}).fetchone()
    if row is None:
        raise LookupError(f"alert event {event} does not exist")
    (kind, level, time, value, threshold, previous, raised_at, network, area, asset, device, property_) = row[:12]
    (network_en, network_zh, asset_en, asset_zh, property_en, property_zh, unit) = row[12:19]
    title_en, title_zh, text_en, text_zh, withdraws, actor, addressee, comment, exercise = row[19:]
    return Notice(
        event=kind,
        level=level,
        previous_level=previous,
        withdraws=withdraws,
        time=from_datetime(time),
        raised_at=from_datetime(raised_at),
        value=value,
        threshold=threshold,
        network=Names(en=network_en or network, zh=network_zh or network),
        area=area,
        asset=asset,
        asset_name=Names(en=asset_en, zh=asset_zh) if asset_en else None,
        device=device,
        property_name=Names(en=property_en or property_, zh=property_zh or property_) if property_ else None,
        unit=unit,
        title=Names(en=title_en, zh=title_zh),
        text=Names(en=text_en, zh=text_zh),
        actor=actor,
        addressee=addressee,
        comment=comment,
        exercise=exercise,
    )


def record_sent(pool: Pool, delivery: Delivery) -> None:
    """Remembers that the receiver took a delivery."""
    with translated(), pool.connection() as connection:
        connection.execute(queries("notifications")["record_sent"], {"id": delivery.id})


def record_failure(pool: Pool, delivery: Delivery, *, error: str, delay_s: float, give_up_s: float) -> str:
    """Remembers that an attempt failed; returns the state after it: pending (due again in `delay_s`) or failed."""
    parameters = {"id": delivery.id, "error": error, "delay_s": delay_s, "give_up_s": give_up_s}
    with translated(), pool.connection() as connection:
        row = connection.execute(queries("notifications")["record_failure"], parameters).fetchone()
    return str(row[0]) if row else "sent"


def give_up(pool: Pool, *, give_up_s: float) -> tuple[str, ...]:
    """Fails deliveries that are older than we try and that nobody is sending; returns the channel of each."""
    with translated(), pool.connection() as connection:
        rows = connection.execute(queries("notifications")["give_up"], {"give_up_s": give_up_s}).fetchall()
    return tuple(row[0] for row in rows)


def backlog(pool: Pool) -> Backlog:
    """What waits to be addressed and to be sent."""
    sql = queries("notifications")
    with translated(), pool.connection() as connection:
        head = connection.execute(sql["backlog"]).fetchone()
        rows = connection.execute(sql["pending_by_channel"]).fetchall()
    oldest_s, waiting = head or (0.0, 0)
    channels = tuple(ChannelBacklog(channel=channel, pending=pending, oldest_s=age) for channel, pending, age in rows)
    return Backlog(outbox=waiting, outbox_oldest_s=oldest_s, channels=channels)
