"""Rules, datastreams and batches for tests of the rules engine, in seconds after a fixed instant."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from benchmarks.plain_loop import PlainLoop
from domain.subject import Watched
from rules.evaluate import Evaluator
from rules.history import History
from rules.plan import build
from rules.rule import Rule
from rules.step import Observations, Step

SECOND = 1_000_000
#: 2026-05-01T00:00:00Z
T0 = 1_777_593_600 * SECOND


def words(text: str) -> dict[str, str]:
    return {"en": text, "zh": f"{text} 中文"}


RATIONALIZATION = {
    "cause": words("cause"),
    "consequence": words("consequence"),
    "operator_action": words("action"),
    "response_time_s": 600,
    "owner": words("owner"),
}


def rule(identifier: str = "r", *, condition: dict[str, Any], **fields: object) -> Rule:
    data: dict[str, Any] = {
        "id": identifier,
        "kind": "safety",
        "network": "gas",
        "applies_to": {"property": "gas.ch4.chamber"},
        "condition": condition,
        "title": words("{asset_en}"),
        "text": words("{value} {unit}"),
        "rationalization": RATIONALIZATION,
    }
    return Rule.model_validate(data | fields)


def above(identifier: str = "r", *, hysteresis: float = 0, on_delay_s: int = 0, **limits: float) -> Rule:
    levels = {name: {"limit": limit, "evidence": "unverified"} for name, limit in limits.items()}
    return rule(identifier, condition={"above": levels, "hysteresis": hysteresis, "on_delay_s": on_delay_s})


def below(identifier: str = "r", *, hysteresis: float = 0, on_delay_s: int = 0, **limits: float) -> Rule:
    levels = {name: {"limit": limit, "evidence": "unverified"} for name, limit in limits.items()}
    return rule(identifier, condition={"below": levels, "hysteresis": hysteresis, "on_delay_s": on_delay_s})


def silence(identifier: str = "silent", *, factor: float = 2, grace_s: int = 0, **fields: object) -> Rule:
    condition = {
        "absence": {"factor": factor, "grace_s": grace_s, "level": "yellow", "grounds": {"evidence": "unverified"}}
    }
    return rule(identifier, condition=condition, **({"network": "any", "applies_to": {}} | fields))


def stream(datastream: int, *, device: str | None = None, interval_s: int = 60, **fields: object) -> Watched:
    data: dict[str, Any] = {
        "datastream": datastream,
        "property": "gas.ch4.chamber",
        "unit": "%{LEL}",
        "device": device or f"d{datastream}",
        "interval_s": interval_s,
        "registered_at": T0,
        "asset": "well-1",
        "asset_kind": "valve_well",
        "asset_en": "Well 1",
        "asset_zh": "1号井",
        "network": "gas",
        "area": "530102",
    }
    return Watched(**(data | fields))


#: datastream, seconds after T0, value, quality
Row = tuple[int, float, float, int]


def batch(rows: Iterable[Row]) -> Observations:
    rows = list(rows)
    return Observations(
        datastreams=np.array([r[0] for r in rows], dtype=np.int32),
        times=np.array([T0 + round(r[1] * SECOND) for r in rows], dtype=np.int64),
        values=np.array([r[2] for r in rows], dtype=np.float64),
        qualities=np.array([r[3] for r in rows], dtype=np.int16),
    )


def feed(evaluator: Evaluator, *rows: Row) -> Step:
    """Evaluates one batch and adopts it."""
    step = evaluator.evaluate(batch(rows))
    evaluator.adopt(step)
    return step


def tick(evaluator: Evaluator, seconds: float) -> Step:
    """Ticks at a number of seconds after T0 and adopts it."""
    step = evaluator.tick(T0 + round(seconds * SECOND))
    evaluator.adopt(step)
    return step


#: subject, event, seconds after T0, level
Told = tuple[str, str, float, str]


def told(*steps: Step) -> list[Told]:
    return [
        (t.subject, t.event.value, (t.time - T0) / SECOND, t.level.label) for step in steps for t in step.transitions
    ]


def history(*steps: Step) -> list[Told]:
    """What stands in the end, in event time: rewritings applied."""
    whole = History()
    for step in steps:
        whole.apply(step)
    return [(t.subject, t.event.value, (t.time - T0) / SECOND, t.level.label) for t in whole.transitions()]


def told_by(loop: PlainLoop) -> list[Told]:
    return [
        (subject, event.value, (time - T0) / SECOND, level.label) for subject, event, time, level in loop.transitions
    ]


def evaluator(rules: Iterable[Rule], streams: Iterable[Watched]) -> Evaluator:
    return Evaluator(build(rules, streams))
