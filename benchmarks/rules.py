"""How fast the rules engine evaluates, beside a plain loop over the same state machine in the same run.

Run: python benchmarks/rules.py [--datastreams N] [--json]

100,000 datastreams with five rules each. Quiet: every value inside its limits. In transition: on 1 % of the datastreams
every second value is beyond a limit. Prints observations a second on one core, and the ratio to the plain loop.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rules.evaluate import Evaluator
from rules.plan import build
from rules.step import Observations
from tests.support.rulebook import SECOND, T0, PlainLoop, above, below, silence, stream

RULES = (
    above("steps", hysteresis=2, blue=60, yellow=70, orange=80),
    above("delayed", on_delay_s=120, hysteresis=1, yellow=65, red=90),
    above("high", hysteresis=1, red=95),
    below("low", hysteresis=1, on_delay_s=60, yellow=5, orange=2),
    silence(),
)


def batches(datastreams: int, rounds: int, *, moving: float) -> list[Observations]:
    """One value of every datastream in each round; a share of the datastreams crosses a limit every second round."""
    rng = np.random.default_rng(1)
    numbers = np.arange(1, datastreams + 1, dtype=np.int32)
    crossing = rng.random(datastreams) < moving
    found = []
    for turn in range(rounds):
        values = rng.uniform(20, 50, datastreams)
        if turn % 2:
            values[crossing] = 75
        found.append(
            Observations(
                datastreams=numbers,
                times=np.full(datastreams, T0 + turn * 60 * SECOND, dtype=np.int64),
                values=values,
                qualities=np.zeros(datastreams, dtype=np.int16),
            )
        )
    return found


def rate(feed: Callable[[Observations], None], work: list[Observations]) -> float:
    """Observations a second."""
    started = time.perf_counter()
    for batch in work:
        feed(batch)
    return sum(len(batch.times) for batch in work) / (time.perf_counter() - started)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datastreams", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    plan = build(RULES, [stream(n, device=f"d{n // 4}") for n in range(1, arguments.datastreams + 1)])

    def engine() -> Callable[[Observations], None]:
        evaluator = Evaluator(plan)

        def feed(batch: Observations) -> None:
            evaluator.adopt(evaluator.evaluate(batch))

        return feed

    quiet = batches(arguments.datastreams, arguments.rounds, moving=0)
    moving = batches(arguments.datastreams, arguments.rounds, moving=0.01)
    loop = PlainLoop(plan)
    figures = {
        "datastreams": arguments.datastreams,
        "rules_each": len(RULES),
        "loop_per_s": round(rate(loop.feed, quiet[:4])),
        "quiet_per_s": round(rate(engine(), quiet)),
        "moving_per_s": round(rate(engine(), moving)),
        "resident_mb": round(psutil.Process().memory_info().rss / 1e6),
    }
    figures["ratio_to_loop"] = round(figures["quiet_per_s"] / figures["loop_per_s"], 1)
    figures["quiet_to_moving"] = round(figures["quiet_per_s"] / figures["moving_per_s"], 1)
    if arguments.json:
        print(json.dumps(figures))
    else:
        for name, figure in figures.items():
            print(f"{name:>16}  {figure:,}")


if __name__ == "__main__":
    main()
