"""Throughput of ingest: drain a session that the broker has filled, beside two baselines.

Four measurements of one run, each on messages of its own: (a) the broker alone, (b) the bare path, (c) ingest, (d)
ingest with the rules following. c/b and d/b say what the promises cost.
"""

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks import bare
from benchmarks.rig import PROPERTIES, Rig, register, rig, stop
from domain.times import now_micros
from domain.topics import subscription, telemetry
from runtime.progress import Steps
from simulators.publisher import Publisher

_AREAS = {"bare": "990001", "ingest": "990002", "followed": "990003"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Throughput:
    """What one run gives; rates in messages a second."""

    messages: int
    pack: int
    drain_per_s: float
    bare_per_s: float
    ingest_per_s: float
    with_rules_per_s: float
    ingest_observations_per_s: float
    with_rules_observations_per_s: float
    ratio_ingest: float
    ratio_with_rules: float
    #: Datastreams that ingest has in memory, over all areas.
    datastreams: int
    #: Of ingest alone: after a fifth of the messages, and the highest ever.
    early_memory_mb: float
    peak_memory_mb: float
    peak_memory_rules_mb: float


@dataclass(frozen=True, kw_only=True, slots=True)
class _Drained:
    per_s: float
    early_memory_mb: float
    peak_memory_mb: float
    peak_memory_rules_mb: float


def run(
    *, messages: int, pack: int, devices: int, mqtt_url: str | None, database_url: str | None, steps: Steps
) -> Throughput:
    """One run of all four."""
    with rig(mqtt_url, database_url) as made:
        register(made, areas=tuple(_AREAS.values()), devices=devices, pack=pack)
        for client_id, area in (("bench-drain", "bare"), ("bench-bare", "bare")):
            with bare.session(made.mqtt_url, client_id, subscription(_AREAS[area])):
                pass
        for area in ("ingest", "followed"):
            worker = made.start("ingest", LIFELINE_PARTITION=_AREAS[area])
            _wait_connected(made, _AREAS[area])
            stop(worker)
        steps.next("publishing")
        for area in _AREAS.values():
            _publish(made, area, messages, pack, devices)
        steps.next("broker alone")
        drained = bare.drain(made.mqtt_url, "bench-drain", subscription(_AREAS["bare"]), messages)
        steps.next("bare path")
        stored = bare.store(
            made.mqtt_url, made.database_url, "bench-bare", subscription(_AREAS["bare"]), _ids(made), messages
        )
        made.link.execute("CHECKPOINT")
        steps.next("ingest")
        alone = _drain_with_ingest(made, _AREAS["ingest"], messages, followed=False)
        made.link.execute("CHECKPOINT")
        steps.next("ingest with rules")
        followed = _drain_with_ingest(made, _AREAS["followed"], messages, followed=True)
    bare_per_s = messages / stored
    return Throughput(
        messages=messages,
        pack=pack,
        drain_per_s=round(messages / drained),
        bare_per_s=round(bare_per_s),
        ingest_per_s=round(alone.per_s),
        with_rules_per_s=round(followed.per_s),
        ingest_observations_per_s=round(alone.per_s * pack),
        with_rules_observations_per_s=round(followed.per_s * pack),
        ratio_ingest=round(alone.per_s / bare_per_s, 3),
        ratio_with_rules=round(followed.per_s / bare_per_s, 3),
        datastreams=len(_AREAS) * devices * pack,
        early_memory_mb=round(alone.early_memory_mb, 1),
        peak_memory_mb=round(alone.peak_memory_mb, 1),
        peak_memory_rules_mb=round(followed.peak_memory_rules_mb, 1),
    )


def _publish(made: Rig, area: str, messages: int, pack: int, devices: int) -> None:
    start_ms = now_micros() // 1000 - messages // devices - 60_000
    encode = msgspec.json.encode
    with Publisher(made.mqtt_url, f"bench-{area}", window=1000) as publisher:
        for number in range(messages):
            body = {
                "time": start_ms + number // devices,
                "values": {p.id: _quiet(p.id, number) for p in PROPERTIES[:pack]},
            }
            publisher.publish(telemetry(area, "water", f"{area}-{number % devices}"), encode(body), pack)
        if not publisher.drain(300):
            raise TimeoutError("the broker did not acknowledge everything")


#: A normal value of each property, so that the rules have nothing to raise.
_NORMAL = {
    "water.pressure": 0.3,
    "water.cl2.free": 0.5,
    "water.turbidity": 0.3,
    "water.ph": 7.2,
    "water.conductivity": 400.0,
    "water.temperature": 15.0,
    "water.tank.level": 4.0,
}


def _quiet(prop: str, number: int) -> float:
    return _NORMAL.get(prop, 1.0) * (1 + 0.01 * (number * 7919 % 11 - 5) / 5)


def _ids(made: Rig) -> dict[str, dict[str, int]]:
    area = _AREAS["bare"]
    ids: dict[str, dict[str, int]] = {}
    rows = made.link.execute("SELECT device, property, id FROM datastreams WHERE device LIKE %s", (f"{area}-%",))
    for device, prop, number in rows:
        ids.setdefault(telemetry(area, "water", device), {})[prop] = number
    return ids


def _wait_connected(made: Rig, area: str) -> None:
    query = "SELECT count(*) FROM ingest_partitions WHERE connected AND partition = %s"

    def connected() -> bool:
        row = made.link.execute(query, (area,)).fetchone()
        return bool(row and row[0])

    made.wait(connected, 30, f"ingest of {area}")


def _drain_with_ingest(made: Rig, area: str, messages: int, *, followed: bool) -> _Drained:
    rules: subprocess.Popen[bytes] | None = None
    if followed:
        rules = made.start("rules", "run")
        made.wait(lambda: bool(made.row("SELECT count(*) FROM journal_positions")[0]), 30, "the rules")
    worker = made.start("ingest", LIFELINE_PARTITION=area)

    def reached() -> int:
        query = """
            SELECT p.messages, p.seq, coalesce(j.seq, 0) FROM ingest_partitions p
              LEFT JOIN journal_positions j ON j.partition = p.partition WHERE p.partition = %s"""
        row = made.link.execute(query, (area,)).fetchone()
        if row is None:
            return 0
        if followed and row[0] >= messages and row[2] < row[1]:
            return messages - 1
        return int(row[0])

    made.wait(lambda: reached() > 0, 60, "the first batch")
    before, began = reached(), time.perf_counter()
    made.wait(lambda: reached() >= messages // 5, 600, "a fifth of the messages")
    early = _memory_mb(worker.pid, "VmRSS")
    made.wait(lambda: reached() >= messages, 600, "the last batch")
    seconds = time.perf_counter() - began
    drained = _Drained(
        per_s=(messages - before) / seconds,
        early_memory_mb=early,
        peak_memory_mb=_memory_mb(worker.pid, "VmHWM"),
        peak_memory_rules_mb=_memory_mb(rules.pid, "VmHWM") if rules is not None else 0.0,
    )
    stop(worker)
    if rules is not None:
        stop(rules)
    return drained


def _memory_mb(pid: int, what: str) -> float:
    """VmRSS (now) or VmHWM (highest ever) of a process."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) / 1024
    return 0.0
