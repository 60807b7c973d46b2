"""How fast the rules engine evaluates, beside a plain loop over the same state machine in the same run.

Every datastream has five rules. Quiet: every value lies inside its limits. Moving: on one datastream in a hundred every
second value lies beyond a limit. One core; the pure engine, without a database.

Run: python -m benchmarks.rules [--datastreams N] [--rounds N]
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import psutil

from benchmarks.plain_loop import PlainLoop
from domain.subject import Watched
from rules.evaluate import Evaluator
from rules.plan import Plan, build
from rules.rule import Rule
from rules.step import Observations

_SECOND = 1_000_000
_START = 1_777_593_600 * _SECOND
_WORDS = {"en": "bench", "zh": "基准"}


@dataclass(frozen=True, kw_only=True, slots=True)
class RulesFigures:
    """What was measured; rates in observations a second."""

    datastreams: int
    rules_each: int
    loop_per_s: int
    observations_per_s: int
    moving_per_s: int
    ratio_to_loop: float
    quiet_to_moving: float
    resident_mb: int


def _rule(identifier: str, condition: dict[str, Any], property_: str | None = "gas.ch4.chamber") -> Rule:
    return Rule.model_validate(
        {
            "id": identifier,
            "kind": "safety",
            "network": "gas",
            "applies_to": {"property": property_},
            "condition": condition,
            "title": _WORDS,
            "text": _WORDS,
            "rationalization": {
                **dict.fromkeys(("cause", "consequence", "operator_action", "owner"), _WORDS),
                "response_time_s": 600,
            },
        }
    )


def _levels(**limits: float) -> dict[str, dict[str, object]]:
    return {name: {"limit": limit, "evidence": "unverified"} for name, limit in limits.items()}


def five_rules() -> tuple[Rule, ...]:
    """Four thresholds, two of them with a delay, and absence."""
    silence = {"factor": 2, "grace_s": 0, "level": "yellow", "grounds": {"evidence": "unverified"}}
    return (
        _rule("steps", {"above": _levels(blue=60, yellow=70, orange=80), "hysteresis": 2}),
        _rule("delayed", {"above": _levels(yellow=65, red=90), "hysteresis": 1, "on_delay_s": 120}),
        _rule("high", {"above": _levels(red=95), "hysteresis": 1}),
        _rule("low", {"below": _levels(yellow=5, orange=2), "hysteresis": 1, "on_delay_s": 60}),
        _rule("silent", {"absence": silence}, None),
    )


def a_plan(datastreams: int) -> Plan:
    """Five rules on every datastream, four datastreams a device."""
    watched = (
        Watched(
            datastream=number,
            property="gas.ch4.chamber",
            unit="%{LEL}",
            device=f"d{number // 4}",
            interval_s=60,
            registered_at=_START,
            asset="well",
            asset_kind="valve_well",
            asset_en="Well",
            asset_zh="阀井",
            network="gas",
            area="530102",
        )
        for number in range(1, datastreams + 1)
    )
    return build(five_rules(), watched)


def batches(datastreams: int, rounds: int, *, moving: float) -> list[Observations]:
    """One value of every datastream in each round; a share of the datastreams crosses a limit every second round."""
    rng = np.random.default_rng(1)
    crossing = rng.random(datastreams) < moving
    found = []
    for turn in range(rounds):
        values = rng.uniform(20, 50, datastreams)
        if turn % 2:
            values[crossing] = 75
        found.append(
            Observations(
                datastreams=np.arange(1, datastreams + 1, dtype=np.int32),
                times=np.full(datastreams, _START + turn * 60 * _SECOND, dtype=np.int64),
                values=values,
                qualities=np.zeros(datastreams, dtype=np.int16),
            )
        )
    return found


def _rate(feed: Callable[[Observations], None], work: list[Observations]) -> float:
    started = time.perf_counter()
    for batch in work:
        feed(batch)
    return sum(len(batch.times) for batch in work) / (time.perf_counter() - started)


def _engine(plan: Plan) -> Callable[[Observations], None]:
    evaluator = Evaluator(plan)

    def feed(batch: Observations) -> None:
        evaluator.adopt(evaluator.evaluate(batch))

    return feed


def measure(*, datastreams: int = 100_000, rounds: int = 20) -> RulesFigures:
    """Measures the loop, then the engine on quiet data, then on moving data."""
    plan = a_plan(datastreams)
    quiet = batches(datastreams, rounds, moving=0)
    loop = _rate(PlainLoop(plan).feed, quiet[: max(1, rounds // 5)])
    engine = _rate(_engine(plan), quiet)
    moving = _rate(_engine(plan), batches(datastreams, rounds, moving=0.01))
    return RulesFigures(
        datastreams=datastreams,
        rules_each=len(plan.rules),
        loop_per_s=round(loop),
        observations_per_s=round(engine),
        moving_per_s=round(moving),
        ratio_to_loop=round(engine / loop, 1),
        quiet_to_moving=round(engine / moving, 1),
        resident_mb=round(psutil.Process().memory_info().rss / 1e6),
    )


def main() -> None:
    """Measures and prints one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datastreams", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    figures = measure(datastreams=arguments.datastreams, rounds=arguments.rounds)
    sys.stdout.write(json.dumps(asdict(figures)) + "\n")


if __name__ == "__main__":
    main()
