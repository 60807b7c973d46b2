"""What all rules of the catalogue make of a truth itself, with no device between."""

from dataclasses import replace

import numpy as np

from commands.county_feed import site_of
from domain.registry import Link
from rules.backtest import backtest
from rules.history import Episode
from rules.load import load_catalogue
from rules.material import ArrayMaterial, in_order
from simulators.town.build import registry
from simulators.town.layout import Layout, Town
from simulators.town.truth import Truth


def episodes(truth: Truth, *layouts: Layout, links: tuple[Link, ...] = ()) -> tuple[Episode, ...]:
    """Everything that was raised, by its beginning; no rule may fail.

    Args:
        truth: Devices report each of its instants.
        layouts: Networks whose signals it has.
        links: Between them.
    """
    span = truth.span
    known = registry(Town(scale="test", seed=1, layouts={layout.network: layout for layout in layouts}, links=links))
    devices = tuple(
        replace(one, reporting_interval_s=max(one.reporting_interval_s, span.step_s)) for one in known.devices
    )
    known = replace(known, devices=devices)
    keys = [(one.device, one.property) for one in known.datastreams]
    told = [number for number, key in enumerate(keys, start=1) if key in truth.signals]
    outcome = backtest(
        load_catalogue(),
        ArrayMaterial(
            title="test",
            site=site_of(known, registered_at=span.start),
            since=span.start,
            until=span.end,
            observations=in_order(
                np.repeat(np.array(told, dtype=np.int32), span.steps),
                np.tile(span.times, len(told)),
                np.concatenate([truth.signals[keys[number - 1]] for number in told]),
                np.zeros(len(told) * span.steps, dtype=np.int16),
            ),
        ),
    )
    assert outcome.failures == ()
    return outcome.episodes
