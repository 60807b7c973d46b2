"""Latency under a steady load: from a device's clock to the observation stored, and to the alert written.

The load is an open loop: message i is due at start + i / rate whatever happens, and how late the publisher itself was
is reported, never hidden. A watcher on a connection of its own notes when a batch becomes visible (after its COMMIT)
and when an alert event does. Pressures fall and come back all the time, each fall and each return an alert event
without delay.
"""

import multiprocessing
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from benchmarks.fleet import Load, publish
from benchmarks.rig import Rig, register, rig, stop
from domain.times import now_micros
from runtime.embedded.children import free_port
from runtime.progress import Steps
from storage.arrays import register as register_arrays

_AREA = "990001"
_RULES = """
rules:
  - id: bench-pressure
    kind: safety
    network: water
    applies_to: {property: water.pressure}
    condition:
      below: {red: {limit: 0.1, evidence: unverified, note: made for this measurement}}
      hysteresis: 0.01
    title: {en: Pressure lost, zh: 压力丧失}
    text: {en: "Pressure is {value} {unit}.", zh: "压力为 {value} {unit}。"}
    rationalization:
      cause: {en: a measurement, zh: 测量}
      consequence: {en: none, zh: 无}
      operator_action: {en: none, zh: 无}
      response_time_s: 60
      owner: {en: engineers, zh: 工程师}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Percentiles:
    """Milliseconds."""

    p50: float
    p99: float
    maximum: float

    @classmethod
    def of(cls, micros: NDArray[np.int64]) -> "Percentiles":
        """Of latencies in microseconds; NaN when there are none."""
        if not len(micros):
            return cls(p50=float("nan"), p99=float("nan"), maximum=float("nan"))
        p50, p99, most = np.percentile(micros, [50, 99, 100]) / 1000
        return cls(p50=round(p50, 2), p99=round(p99, 2), maximum=round(most, 2))


@dataclass(frozen=True, kw_only=True, slots=True)
class Latency:
    """What one run gives."""

    rate: int
    duration_s: int
    connections: int
    published: int
    stored: int
    alert_events: int
    publish_to_stored_ms: Percentiles
    publish_to_alert_ms: Percentiles
    #: How late the publisher was against its own plan.
    pacing_error_ms: Percentiles


def run(
    *, rate: int, duration_s: int, connections: int, mqtt_url: str | None, database_url: str | None, steps: Steps
) -> Latency:
    """One run."""
    with rig(mqtt_url, database_url) as made:
        register(made, areas=(_AREA,), devices=max(connections, 1000), pack=1)
        catalogue = made.folder / "rules"
        catalogue.mkdir()
        (catalogue / "bench.yaml").write_text(_RULES, encoding="utf-8")
        stages = _start(made, catalogue)
        steps.next("publishing and watching")
        load = Load(
            mqtt_url=made.mqtt_url,
            area=_AREA,
            devices=max(connections, 1000),
            connections=connections,
            rate=rate,
            duration_s=duration_s,
        )
        stored, alerts, paced = _watch(made, load)
        steps.next("stopping")
        for stage in stages:
            stop(stage)
    return Latency(
        rate=rate,
        duration_s=duration_s,
        connections=connections,
        published=len(paced),
        stored=len(stored),
        alert_events=len(alerts),
        publish_to_stored_ms=Percentiles.of(stored),
        publish_to_alert_ms=Percentiles.of(alerts),
        pacing_error_ms=Percentiles.of(paced),
    )


def _start(made: Rig, catalogue: Path) -> list[subprocess.Popen[bytes]]:
    stages = []
    for command, extra in ((("rules", "run"), {"LIFELINE_RULES_DIR": str(catalogue)}), (("ingest",), {})):
        port = free_port()
        stages.append(made.start(*command, LIFELINE_METRICS_PORT=str(port), **extra))
        made.wait(partial(_is_ready, port), 30, f"{command[0]}, ready")
    return stages


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False


def _watch(made: Rig, load: Load) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Latencies of observations and of alert events, and the pacing errors, in microseconds."""
    context = multiprocessing.get_context("spawn")
    answers: Any = context.Queue()
    publisher = context.Process(target=publish, args=(load, answers), daemon=True)
    publisher.start()
    link = made.link
    register_arrays(link, load=True)
    link.execute("LISTEN lifeline_journal")
    stored: list[NDArray[np.int64]] = []
    alerts: list[int] = []
    seq = event = 0
    paced: NDArray[np.int64] | None = None
    quiet_since = time.monotonic()
    while paced is None or time.monotonic() - quiet_since < 2.0:
        for _ in link.notifies(timeout=0.004, stop_after=1):
            pass
        seen_at = now_micros()
        rows = link.execute(
            "SELECT seq, times FROM journal WHERE partition = 'all' AND seq > %s ORDER BY seq", (seq,), binary=True
        ).fetchall()
        for number, times in rows:
            seq = number
            stored.append(seen_at - cast("NDArray[np.int64]", times))
        seen_at = now_micros()
        for number, micros in link.execute(
            "SELECT id, (extract(epoch FROM time) * 1000000)::bigint FROM alert_events WHERE id > %s ORDER BY id",
            (event,),
        ):
            event = number
            alerts.append(seen_at - micros)
        if rows:
            quiet_since = time.monotonic()
        if paced is None and not answers.empty():
            paced = np.array(answers.get(), dtype=np.int64)
    publisher.join(timeout=10)
    together = np.concatenate(stored) if stored else np.empty(0, dtype=np.int64)
    return together, np.array(alerts, dtype=np.int64), paced
