"""What the demo looks at once a second: the database, as every other reader sees it, and the devices' own ledger."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from commands.demo_view import Moment
from domain.alert import AlertState
from domain.condition import Condition, PartitionCondition
from domain.errors import UnavailableError
from domain.times import MICROS_PER_SECOND, now_micros
from rules.condition import Absence
from rules.load import load as load_rules
from simulators.devices.live import Broadcast
from simulators.streets import COUNTY_EN, COUNTY_ZH
from storage import latencies, status
from storage.alert_reading import AlertEntry, AlertFilter, alerts
from storage.database import connect
from storage.latencies import Latency

#: Rates and latencies are those of the last seconds.
_RATE_S = 10.0
_LATENCY_S = 60
_ALERTS = 60
COUNTERS = ("received", "stored", "duplicates", "conflicts", "rejected")


def undelayed_rules(folder: Path | None) -> tuple[str, ...]:
    """The rules that raise at once, so that a raise carries the time of the sample that caused it."""
    return tuple(
        rule.id
        for rule in load_rules(folder)
        if not isinstance(rule.condition, Absence) and rule.condition.on_delay_s == 0
    )


class Watch:
    """Reads one moment after the other.

    Args:
        database_url: Where to read.
        broadcast: Whose ledger to show.
        rules: Rules whose raises count for the latency of alerts.
        docs_url: Address of the API's documentation.
        before: Counters of ingest when the demo began.
        stages: Asked at each moment: name of each stage and whether it runs.
    """

    def __init__(
        self,
        database_url: str,
        broadcast: Broadcast,
        *,
        rules: tuple[str, ...],
        docs_url: str,
        before: Mapping[str, int],
        stages: Callable[[], Mapping[str, bool]],
    ) -> None:
        self._url = database_url
        self._broadcast = broadcast
        self._rules = rules
        self._docs_url = docs_url
        self._before = before
        self._stages = stages
        self._connection = connect(database_url, application="demo", statement_timeout_s=5)
        self._began = time.monotonic()
        self._counts: deque[tuple[float, int]] = deque()
        self._last: Moment | None = None

    def moment(self) -> Moment:
        """How everything is now; while the database cannot be read, the last moment with the reason."""
        try:
            self._last = self._read()
        except UnavailableError as exc:
            self._connection.close()
            with suppress(UnavailableError):
                self._connection = connect(self._url, application="demo", statement_timeout_s=5)
            if self._last is None:
                raise
            return replace(self._last, problem=str(exc))
        return self._last

    def close(self) -> None:
        """Gives the connection back."""
        self._connection.close()

    def _read(self) -> Moment:
        connection = self._connection
        condition = status.condition(connection)
        since = now_micros() - _LATENCY_S * MICROS_PER_SECOND
        found = alerts(connection, AlertFilter(), limit=_ALERTS)
        return Moment(
            county_en=COUNTY_EN,
            county_zh=COUNTY_ZH,
            elapsed_s=time.monotonic() - self._began,
            docs_url=self._docs_url,
            published=self._broadcast.ledger.entries,
            under_way=self._broadcast.pending,
            acknowledged_ms=percentiles(list(self._broadcast.ledger.acknowledged_in_ms)),
            rate=self._rate(condition),
            condition=condition,
            counts={name: count - self._before[name] for name, count in counters(condition.partitions).items()},
            to_stored=latencies.published_to_stored(connection, since=since),
            to_alert=latencies.published_to_alert(connection, self._rules, since=since),
            alerts=sorted(found, key=_gravity),
            stages=self._stages(),
            problem=self._broadcast.problem,
        )

    def _rate(self, condition: Condition) -> float:
        now = time.monotonic()
        self._counts.append((now, sum(p.stored for p in condition.partitions)))
        while len(self._counts) > 2 and now - self._counts[0][0] > _RATE_S:
            self._counts.popleft()
        (then, before), (_, after) = self._counts[0], self._counts[-1]
        return (after - before) / (now - then) if now > then else 0.0


def counters(partitions: Iterable[PartitionCondition]) -> dict[str, int]:
    """The counters of ingest over all partitions; entries."""
    found = dict.fromkeys(COUNTERS, 0)
    for partition in partitions:
        for name in COUNTERS:
            found[name] += int(getattr(partition, name))
    return found


def _gravity(alert: AlertEntry) -> tuple[bool, float]:
    """Active alerts first, then the newest."""
    return (alert.state != AlertState.ACTIVE, -alert.changed_at.timestamp())


def percentiles(milliseconds: list[float]) -> Latency:
    """Median and 99th percentile."""
    if not milliseconds:
        return Latency(p50=None, p99=None, count=0)
    ordered = sorted(milliseconds)
    last = len(ordered) - 1
    return Latency(
        p50=round(ordered[round(0.5 * last)], 1), p99=round(ordered[round(0.99 * last)], 1), count=len(ordered)
    )
