"""The benchmark compares what is equal: the engine and the plain loop tell the same. Speed is measured, not held."""

from benchmarks.plain_loop import PlainLoop
from benchmarks.rules import a_plan, batches, measure
from rules.evaluate import Evaluator


def test_the_engine_and_the_loop_of_the_benchmark_tell_the_same() -> None:
    plan = a_plan(2_000)
    loop, engine = PlainLoop(plan), Evaluator(plan)
    told = []
    for batch in batches(2_000, 10, moving=0.05):
        loop.feed(batch)
        step = engine.evaluate(batch)
        engine.adopt(step)
        told += [(t.subject, t.event, t.time, t.level) for t in step.transitions]
    assert len(told) > 500
    assert sorted(told) == sorted(loop.transitions)


def test_the_benchmark_names_every_figure_that_it_promises() -> None:
    figures = measure(datastreams=1_000, rounds=5, runs=1)
    assert figures.rules_each == 5
    assert min(figures.observations_per_s, figures.loop_per_s, figures.ratio_to_loop, figures.moving_per_s) > 0
