"""One channel, one lane: a thread that claims, sends and records, so that a slow receiver holds up nobody else.

Send, then record. A process that dies in between leaves a lease that runs out, and the delivery is made again with the
same id.
"""

import random
import threading
import time

import structlog

from domain.errors import UnavailableError
from notify.addresses import Address
from notify.channel import Outcome, send
from notify.message import Message, render
from runtime import metrics
from runtime.backoff import Backoff
from storage import notifications
from storage.database import Pool
from storage.notifications import Delivery

log = structlog.get_logger(__name__)

FIRST_RETRY_S = 2.0
LONGEST_RETRY_S = 300.0
#: Attempts that a receiver may leave hanging at the same time before the lane waits for one of them to end.
_MOST_HANGING = 4
#: Beyond the delivery itself: rendering, recording, a busy database.
_LEASE_MARGIN_S = 5.0


def retry_delay_s(attempts: int, rng: random.Random) -> float:
    """How long to wait after the given number of attempts: doubling, jittered in its upper half, 5 minutes at most."""
    step = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(attempts - 1, 20))
    return step * rng.uniform(0.5, 1.0)


class Lane:
    """Delivers what is due to one address until stopped.

    Args:
        pool: Database.
        address: The receiver.
        zone: Time zone of the times in messages.
        timeout_s: Longest time one delivery may take.
        poll_s: How often to look for due deliveries that nothing announced.
        give_up_s: Age at which a delivery that keeps failing has failed for good.
        stop: Set to end the lane after the delivery that is under way.
        rng: Source of jitter.
    """

    def __init__(
        self,
        pool: Pool,
        address: Address,
        *,
        zone: str,
        timeout_s: float,
        poll_s: float,
        give_up_s: float,
        stop: threading.Event,
        rng: random.Random,
    ) -> None:
        self.address = address
        self._pool = pool
        self._zone = zone
        self._timeout_s = timeout_s
        self._poll_s = poll_s
        self._give_up_s = give_up_s
        self._stop = stop
        self._rng = rng
        self._wake = threading.Event()
        self._hanging: list[threading.Thread] = []
        self._thread = threading.Thread(target=self._run, name=f"lane {address.name}", daemon=True)

    def start(self) -> None:
        """Begins to deliver."""
        self._thread.start()

    def wake(self) -> None:
        """Says that something may be due."""
        self._wake.set()

    def join(self, timeout_s: float) -> None:
        """Waits for the delivery that is under way."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        backoff = Backoff(0.5, 15.0, self._rng)
        while not self._stop.is_set():
            try:
                delivered = self._deliver_one()
                backoff.reset()
            except UnavailableError as exc:
                log.warning("database_unavailable", channel=self.address.name, error=str(exc))
                self._stop.wait(backoff.next_s())
                continue
            if delivered:
                self._stop.wait(self.address.pause_s)
            else:
                self._wake.wait(self._poll_s)
                self._wake.clear()

    def _deliver_one(self) -> bool:
        self._hanging = [thread for thread in self._hanging if thread.is_alive()]
        if len(self._hanging) >= _MOST_HANGING:
            return False
        delivery = notifications.claim(self._pool, self.address.name, lease_s=self._timeout_s + _LEASE_MARGIN_S)
        if delivery is None:
            return False
        message = render(notifications.notice(self._pool, delivery.event), delivery, self._zone)
        started = time.monotonic()
        outcome = self._attempt(message)
        self._record(delivery, outcome, time.monotonic() - started)
        return True

    def _attempt(self, message: Message) -> Outcome:
        """One delivery on a thread of its own, so that a receiver that drips byte by byte cannot hold the lane."""
        answer: list[Outcome] = []

        def work() -> None:
            try:
                outcome = send(
                    self.address.url,
                    title=message.title,
                    body=message.body,
                    facts=message.facts,
                    timeout_s=self._timeout_s,
                )
            except Exception as exc:  # noqa: BLE001
                # A plugin that fails on one message must not end the process, and with it every other channel.
                # Without its text and its trace, which may hold the address.
                log.error("channel_failed", channel=self.address.name, error=type(exc).__name__)  # noqa: TRY400
                outcome = Outcome(sent=False, error=type(exc).__name__)
            answer.append(outcome)

        thread = threading.Thread(target=work, name=f"delivery {self.address.name}", daemon=True)
        thread.start()
        thread.join(self._timeout_s)
        if answer:
            return answer[0]
        self._hanging.append(thread)
        return Outcome(sent=False, error=f"no answer within {self._timeout_s:g} s")

    def _record(self, delivery: Delivery, outcome: Outcome, took_s: float) -> None:
        """Writes down what happened; while the database is away it is tried again, or the message would go twice."""
        backoff = Backoff(0.2, 5.0, self._rng)
        while True:
            try:
                state = self._write(delivery, outcome)
                break
            except UnavailableError as exc:
                log.warning("outcome_not_recorded_yet", notification=delivery.id, error=str(exc))
                if self._stop.wait(backoff.next_s()):
                    return
        result = "retried" if state == "pending" else state
        metrics.notifications.labels(result).inc()
        log.log(
            20 if outcome.sent else 30,
            "notification_sent" if outcome.sent else "notification_not_sent",
            notification=delivery.id,
            alert=delivery.alert,
            channel=delivery.channel,
            attempts=delivery.attempts,
            state=state,
            seconds=round(took_s, 3),
            error=outcome.error or None,
        )

    def _write(self, delivery: Delivery, outcome: Outcome) -> str:
        if outcome.sent:
            notifications.record_sent(self._pool, delivery)
            return "sent"
        return notifications.record_failure(
            self._pool,
            delivery,
            error=outcome.error,
            delay_s=retry_delay_s(delivery.attempts, self._rng),
            give_up_s=self._give_up_s,
        )
