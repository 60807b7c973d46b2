"""Histories of a rule on a subject, written through the commits of the rules, and read back as they count."""

from collections.abc import Iterable, Sequence

from psycopg import Connection
from psycopg.rows import TupleRow

from domain.alert import AlertEvent, AlertKind, Level
from domain.times import to_datetime
from domain.transition import Account, AlertChange, Fact, Restraint, Revision
from storage.alerts import Commit, commit, take_lead

SECOND = 1_000_000
#: 2026-05-01T00:00:00Z
T0 = 1_777_593_600 * SECOND

#: Event, seconds after T0, level.
Moment = tuple[str, int, str]


def change(
    event: str,
    at: int,
    level: str = "yellow",
    *,
    rule: str = "r",
    subject: str = "device:d1",
    class_: str = "alarm",
    latching: bool = False,
    worse: bool = False,
    device: str = "d1",
    area: str = "530102",
) -> AlertChange:
    """A transition, with its account where it needs one."""
    account = Account(
        kind=AlertKind.SAFETY,
        class_=class_,
        network="gas",
        area=area,
        asset="well-1",
        device=device,
        property="gas.ch4.chamber",
        title_en=f"{level} at {at}",
        title_zh=f"{at}秒{level}",
        text_en=f"it is {level}",
        text_zh=f"现为{level}",
        latching=latching,
        facts=(
            Fact(
                datastream=1,
                device=device,
                asset="well-1",
                property="gas.ch4.chamber",
                unit="%{LEL}",
                value=float(at),
                threshold=1.0,
                relation="above",
                since=T0 + at * SECOND,
            ),
        ),
    )
    return AlertChange(
        rule=rule,
        subject=subject,
        event=AlertEvent(event),
        time=T0 + at * SECOND,
        level=Level.parse(level),
        value=float(at),
        threshold=1.0,
        worse=worse,
        account=None if event == "cleared" else account,
    )


def revision(
    since: int, moments: Iterable[Moment], *, rule: str = "r", subject: str = "device:d1", latching: bool = False
) -> Revision:
    """What is so from some seconds after T0 on."""
    changes = tuple(change(*moment, rule=rule, subject=subject, latching=latching) for moment in moments)
    return Revision(rule=rule, subject=subject, since=T0 + since * SECOND, changes=changes)


def inhibition(at: int, cause: tuple[str, str] | None, *, rule: str = "r", subject: str = "device:d1") -> Restraint:
    """An alert is explained by another one from now on, or (None) no longer."""
    return Restraint(rule=rule, subject=subject, how="inhibited", cause=cause, time=T0 + at * SECOND)


class Ledger:
    """Commits as the leader of the rules, and what the database says afterwards."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self.connection = connection
        self._version = take_lead(connection, "test")

    def write(
        self,
        *changes: AlertChange,
        revisions: Sequence[Revision] = (),
        restraints: Sequence[Restraint] = (),
    ) -> None:
        """One commit."""
        work = Commit(changes=changes, revisions=revisions, restraints=restraints, positions={})
        self._version = commit(self.connection, work, leader="test", version=self._version)

    def effective(self, rule: str = "r", subject: str = "device:d1") -> list[Moment]:
        """The history in event time."""
        found = self.connection.execute(
            "SELECT e.event, extract(epoch FROM e.time - %s)::integer, e.level FROM effective_alert_events e"
            " JOIN alerts a ON a.id = e.alert WHERE a.rule = %s AND a.subject = %s ORDER BY e.time, e.id",
            (to_datetime(T0), rule, subject),
        )
        return [(event, at, level) for event, at, level in found]

    def rows(self, sql: str, *parameters: object) -> list[tuple[object, ...]]:
        """What a query of the test finds."""
        return list(self.connection.execute(sql.encode(), parameters))

    def told(self) -> list[str]:
        """The events that people are to be told of, in order."""
        return [
            str(row[0])
            for row in self.rows("SELECT e.event FROM outbox o JOIN alert_events e ON e.id = o.event ORDER BY e.id")
        ]

    def alert(self, columns: str, id_: int = 1) -> tuple[object, ...]:
        """Some columns of an alert."""
        return self.rows(f"SELECT {columns} FROM alerts WHERE id = %s", id_)[0]  # noqa: S608 - the test's own columns

    def acknowledge(self, id_: int = 1) -> None:
        """A person takes an alert."""
        self.connection.execute(
            "UPDATE alerts SET acknowledged = true, acknowledged_at = now(), acknowledged_by = 'Wang' WHERE id = %s",
            (id_,),
        )
