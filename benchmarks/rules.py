"""How fast the rules engine evaluates, beside a plain loop over the same state machine in the same run.

Every datastream has five rules: three on its value, two of them with a delay, one on its change within ten minutes, and
absence. Mostly normal: on one datastream in a thousand every second value lies beyond a limit, all others are normal.
Moving: on one in a hundred. Quiet: on none. One core; the pure engine, without a database.

Run: lifeline bench rules [--datastreams N] [--rounds N] [--json]
"""

import gc
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

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
    """What was measured: medians of the runs; rates in observations a second, memory in MB."""

    datastreams: int
    rules_each: int
    loop_per_s: int
    #: Mostly normal data.
    observations_per_s: int
    ratio_to_loop: float
    moving_per_s: int
    moving_to_loop: float
    quiet_per_s: int
    peak_mb: int


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
    """Three on the value, two of them with a delay, one on its change, and absence."""
    silence = {"factor": 2, "grace_s": 0, "level": "yellow", "grounds": {"evidence": "unverified"}}
    return (
        _rule("steps", {"above": _levels(blue=60, yellow=70, orange=80), "hysteresis": 2}),
        _rule("delayed", {"above": _levels(yellow=65, red=90), "hysteresis": 1, "on_delay_s": 120}),
        _rule(
            "rise",
            {"measure": {"change": {"window_s": 600}}, "above": _levels(yellow=35, orange=60), "hysteresis": 1},
        ),
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


def measure(
    *, datastreams: int = 100_000, rounds: int = 20, runs: int = 3, advance: Callable[[], None] = lambda: None
) -> RulesFigures:
    """Measures the loop and the engine in turns, so that a noisy machine is noisy for all.

    Args:
        datastreams: With five rules each.
        rounds: Values of each datastream in a run of the engine; the loop gets a fifth of them.
        runs: How often; the medians count.
        advance: Called after each run.
    """
    plan = a_plan(datastreams)
    # As the engine does when it has loaded: what stays for ever is not looked through again and again.
    gc.freeze()
    work = {share: batches(datastreams, rounds, moving=share) for share in (0.001, 0.01, 0.0)}
    loop: list[float] = []
    engine: dict[float, list[float]] = {share: [] for share in work}
    for _ in range(runs):
        loop.append(_rate(PlainLoop(plan).feed, work[0.001][: max(1, rounds // 5)]))
        for share, feed in work.items():
            engine[share].append(_rate(_engine(plan), feed))
        advance()
    base = median(loop)
    mostly, moving, quiet = (median(engine[share]) for share in (0.001, 0.01, 0.0))
    return RulesFigures(
        datastreams=datastreams,
        rules_each=len(plan.rules),
        loop_per_s=round(base),
        observations_per_s=round(mostly),
        ratio_to_loop=round(mostly / base, 1),
        moving_per_s=round(moving),
        moving_to_loop=round(moving / base, 1),
        quiet_per_s=round(quiet),
        peak_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000),
    )
