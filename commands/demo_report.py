"""The bounded demo: publish for a while, let everything arrive, and say in numbers whether the promises held."""

import re
import threading
import time
import urllib.request
from dataclasses import dataclass
from typing import Any

from commands.demo_run import Demo
from commands.demo_watch import counters, undelayed_rules
from domain.catalogue import NETWORKS
from domain.condition import Condition
from domain.times import now_micros
from runtime.settings import Settings
from simulators.town.ground import Scale
from storage import latencies, status
from storage.database import connect
from storage.latencies import Latency

_READY_S = 60.0
#: How long what was acknowledged may take to be stored, judged and told after the last device fell silent.
_SETTLE_S = 10.0
_POLL_S = 0.1
_HELD = re.compile(r"^lifeline_ingest_held_messages (\S+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What came of it. All counts but `held` (messages) are entries: one value of one property in one message."""

    published: int
    received: int
    stored: int
    duplicates: int
    conflicts: int
    rejected: int
    held: int
    alerts_by_network: dict[str, int]
    publish_to_stored: Latency
    publish_to_alert: Latency

    @property
    def alerts_raised(self) -> int:
        """How often any alert was raised."""
        return sum(self.alerts_by_network.values())

    def problems(self) -> list[str]:
        """Every promise that did not hold, as a sentence; empty when all did."""
        found = []
        if self.published == 0:
            found.append("nothing was published")
        if self.published != self.received:
            found.append(f"published {self.published} entries, received {self.received}")
        ended = self.stored + self.duplicates + self.conflicts + self.rejected + self.held
        if self.received != ended:
            found.append(f"received {self.received} entries, but {ended} are accounted for")
        found += [
            f"no alert was raised on the network {network.id}"
            for network in NETWORKS
            if not self.alerts_by_network.get(network.id)
        ]
        return found

    def document(self) -> dict[str, Any]:
        """As programs read it."""
        return {
            "published": self.published,
            "received": self.received,
            "stored": self.stored,
            "duplicates": self.duplicates,
            "conflicts": self.conflicts,
            "rejected": self.rejected,
            "held": self.held,
            "alerts_raised": self.alerts_raised,
            "alerts_by_network": self.alerts_by_network,
            "publish_to_stored_ms": {"p50": self.publish_to_stored.p50, "p99": self.publish_to_stored.p99},
            "publish_to_alert_ms": {"p50": self.publish_to_alert.p50, "p99": self.publish_to_alert.p99},
        }

    def text(self) -> str:
        """As people read it."""
        lines = []
        for name, value in self.document().items():
            shown = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else f"{value}"
            lines.append(f"{name:<22} {shown}")
        return "\n".join(lines)


def run_once(settings: Settings, *, seed: int, scale: Scale, duration_s: float, stop: threading.Event) -> Report:
    """Publishes for `duration_s` and reports; raises as `Demo.start` does. Ends early when asked to stop."""
    with Demo(settings, seed, stop, lambda _text: None, scale=scale) as demo:
        began = now_micros()
        demo.start(_READY_S)
        stop.wait(duration_s)
        published = demo.fall_silent()
        with connect(demo.platform.database_url, application="demo") as connection:
            deadline = time.monotonic() + _SETTLE_S
            while True:
                now = counters(status.partitions(connection))
                counts = {name: now[name] - demo.before[name] for name in now}
                settled = counts["received"] >= published and _settled(status.condition(connection))
                if settled or time.monotonic() > deadline:
                    break
                time.sleep(_POLL_S)
            return Report(
                published=published,
                received=counts["received"],
                stored=counts["stored"],
                duplicates=counts["duplicates"],
                conflicts=counts["conflicts"],
                rejected=counts["rejected"],
                held=_held(demo.platform.health_urls["ingest"]),
                alerts_by_network=latencies.raised_by_network(connection, since=began),
                publish_to_stored=latencies.published_to_stored(connection, since=began),
                publish_to_alert=latencies.published_to_alert(
                    connection, undelayed_rules(settings.rules_dir), since=began
                ),
            )


def _settled(condition: Condition) -> bool:
    """Whether everything that is stored has been judged, and everybody has been told."""
    deliveries = condition.deliveries
    return not any(f.behind for f in condition.followers) and deliveries.outbox + deliveries.pending == 0


def _held(page: str) -> int:
    """Messages that ingest holds, as its own metrics tell."""
    # Our own health page on loopback.
    with urllib.request.urlopen(f"{page}/metrics", timeout=5) as answer:  # noqa: S310
        found = _HELD.search(answer.read().decode())
    return int(float(found[1])) if found else 0
