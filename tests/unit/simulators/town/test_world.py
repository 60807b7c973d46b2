"""The engines together: every signal that an instrument needs, run again only where something happens."""

from collections.abc import Iterator

import numpy as np
import pytest

from simulators.town.build import build
from simulators.town.happenings import KINDS, Happening
from simulators.town.layout import Town
from simulators.town.truth import Span
from simulators.town.world import SimulationError, World

_SECOND = 1_000_000
#: 2026-06-15T00:00:00+08:00
_SPAN = Span(start=1_781_452_800 * _SECOND, steps=240)


@pytest.fixture(scope="module")
def town() -> Town:
    return build("test")


@pytest.fixture(scope="module")
def world(town: Town) -> Iterator[World]:
    with World(town) as world:
        yield world


def _happening(kind: str, target: str | None, **parameters: float) -> Happening:
    own = KINDS[kind].parameters
    return Happening(
        kind=kind,
        target=target,
        since=_SPAN.start + 3600 * _SECOND,
        parameters={name: parameters.get(name, parameter.default) for name, parameter in own.items()},
    )


def test_every_instrument_has_a_true_value_at_every_instant(town: Town, world: World) -> None:
    truth = world.truth(_SPAN, ())
    wanted = {
        (one.device, name)
        for one in town.instruments
        for name in one.properties
        if name not in {"device.battery", "device.rssi"}
    }
    assert wanted == set(truth.signals)
    for key, series in truth.signals.items():
        assert series.shape == (_SPAN.steps,), key
        assert np.isfinite(series).all(), key


def test_what_concerns_one_network_leaves_the_others_as_they_were(world: World) -> None:
    quiet = world.truth(_SPAN, ())
    leak = world.truth(_SPAN, [_happening("gas.leak", "valve-well-001", hole=10)])
    assert leak.fields["water.pressure"] is quiet.fields["water.pressure"]
    assert not np.array_equal(
        leak.signals["valve-well-001-d", "gas.ch4.chamber"], quiet.signals["valve-well-001-d", "gas.ch4.chamber"]
    )


def test_another_process_finds_the_same_truth(town: Town, world: World) -> None:
    events = [_happening("power.lost", "pump-station-001"), _happening("water.burst", "pressure-point-001")]
    one = world.truth(_SPAN, events)
    with World(town, workers=1) as other:
        again = other.truth(_SPAN, events)
    assert list(one.signals) == list(again.signals)
    for key, series in one.signals.items():
        assert series.tobytes() == again.signals[key].tobytes(), key


def test_an_engine_that_fails_is_named(town: Town) -> None:
    with World(town) as world, pytest.raises(SimulationError, match=r"(water|drainage|gas) could not be solved"):
        world.truth(Span(start=_SPAN.start, steps=-1), ())
