"""Any life of an alert: after each event the database and the state table agree, and people hear what they should."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.alert import CONDITION_EVENTS, AlertEvent
from domain.lifecycle import Facts, NotAllowedError, after
from domain.times import now_micros, to_datetime
from storage.database import connect
from storage.lifecycle import acknowledge, escalate, reset, return_to_service, shelve, take_out_of_service, unshelve
from storage.maintenance import Scope, cancel, plan
from tests.support.history import Ledger, change, inhibition

E = AlertEvent
LETS_GO = {E.RELEASED, E.UNSUPPRESSED, E.UNSHELVED, E.IN_SERVICE}
EVENTS = st.sampled_from([event for event in E if event not in {E.WITHDRAWN, E.COMMENTED}])


@dataclass
class Life:
    """One alert in the database; each event happens as it does in the product."""

    ledger: Ledger
    now: int = 10
    window: int = 0
    acts: dict[AlertEvent, Callable[[], object]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        connection: Connection[TupleRow] = self.ledger.connection
        by = {"operator": "Wang"}
        acts: dict[AlertEvent, Callable[[int], object]] = {
            E.ACKNOWLEDGED: lambda n: acknowledge(connection, n, comment=None, **by),
            E.SHELVED: lambda n: shelve(
                connection, n, mode="timed", seconds=600, reason="x", now=now_micros(), operator="Wang"
            ),
            E.UNSHELVED: lambda n: unshelve(connection, n, comment=None, now=now_micros(), operator="Wang"),
            E.OUT_OF_SERVICE: lambda n: take_out_of_service(
                connection, n, scope="device", reason="x", now=now_micros(), operator="Wang"
            ),
            E.IN_SERVICE: lambda n: return_to_service(connection, n, comment=None, now=now_micros(), operator="Wang"),
            E.ESCALATED: lambda n: escalate(connection, n, addressee="Li", comment=None, **by),
            E.RESET: lambda n: reset(connection, n, comment=None, **by),
        }
        self.acts = {event: lambda act=act: act(self.alert) for event, act in acts.items()}  # type: ignore[misc]

    @property
    def alert(self) -> int:
        """The newest alert of the rule."""
        return int(str(self.ledger.rows("SELECT max(id) FROM alerts WHERE rule = 'r'")[0][0]))

    def happens(self, event: AlertEvent) -> None:
        """One event."""
        self.now += 1
        if event in CONDITION_EVENTS:
            self.ledger.write(change(event.value, self.now, "red", worse=True, latching=True))
        elif event in {E.INHIBITED, E.RELEASED}:
            cause = ("cause", "device:d9") if event is E.INHIBITED else None
            self.ledger.write(restraints=[inhibition(self.now, cause)])
        elif event is E.SUPPRESSED:
            now = now_micros()
            begins = to_datetime(now) - timedelta(seconds=60)
            self.window = plan(
                self.ledger.connection, Scope(device="d1"), starts_at=begins, ends_at=begins + timedelta(hours=1),
                reason="x", operator="Wang", now=now,
            ).id  # fmt: skip
        elif event is E.UNSUPPRESSED:
            cancel(self.ledger.connection, self.window, operator="Wang", now=now_micros())
        else:
            self.acts[event]()


@given(events=st.lists(EVENTS, max_size=25))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_database_does_what_the_table_says(plain_database_url: str, events: list[AlertEvent]) -> None:
    with connect(plain_database_url, application="tests") as connection:
        connection.execute(
            "TRUNCATE alerts, alert_events, outbox, shelvings, out_of_service, maintenance_windows"
            " RESTART IDENTITY CASCADE"
        )
        life = Life(Ledger(connection))
        life.ledger.write(change("raised", 1, rule="cause", subject="device:d9", device="d9"))
        life.ledger.write(change("raised", 10, "red", latching=True))
        facts = Facts(active=True, latched=True)
        for event in events:
            told = len(life.ledger.told())
            if not facts.open and event is E.RAISED:
                # A new alert: only what holds back its rule and subject, its device or its asset goes on.
                facts = replace(facts, latched=True, inhibited=False, announced=False)
            elif event is E.SUPPRESSED and (facts.suppressed or not facts.open):
                continue
            try:
                new = after(facts, event, worse=True)
            except NotAllowedError:
                refused(life, event)
                assert len(life.ledger.told()) == told
                continue
            life.happens(event)
            heard = new.announced and not facts.held_back and event in CONDITION_EVENTS
            # A person's own doing is told whatever holds the alert back.
            heard = heard or event is E.ESCALATED or (event in LETS_GO and new.active and not new.held_back)
            assert len(life.ledger.told()) - told == heard, event
            row = life.ledger.alert("alarm_state, open, acknowledged, announced, latched", life.alert)
            assert row == (new.state, new.open, new.acknowledged, new.announced, new.latched), (event, facts)
            facts = new


def refused(life: Life, event: AlertEvent) -> None:
    """What the table forbids, the database refuses; an acknowledgement that is there already changes nothing."""
    act = life.acts.get(event)
    if act is None:
        return
    try:
        act()
    except NotAllowedError:
        return
    assert event is E.ACKNOWLEDGED
