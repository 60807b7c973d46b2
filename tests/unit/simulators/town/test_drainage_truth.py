"""The truth of storm water: complete, settled from the first instant, and the same in every process."""

import subprocess
import sys
import time
from hashlib import sha256

import numpy as np
import pytest

from domain.catalogue import properties
from domain.errors import ConfigurationError
from simulators.town.truth import Span, Truth
from tests.support.storm_water import NO_POWER, STATION, STORM, at, event, laid, pump, solved, well

_OWN = ("device.battery", "device.rssi")


def digest(truth: Truth) -> str:
    """Of every number."""
    parts = sha256()
    for stream in sorted(truth.signals):
        parts.update("\0".join(stream).encode() + truth.signals[stream].tobytes())
    for name in sorted(truth.fields):
        parts.update(name.encode() + truth.fields[name].tobytes())
    return parts.hexdigest()


def afternoon(seed: int = 1, scale: str = "town") -> Truth:
    return solved(STORM, NO_POWER, span=Span(start=at(13, 30), steps=90), seed=seed, scale=scale)


@pytest.mark.parametrize("scale", ["test", "town"])
def test_every_instrument_has_its_signals_within_the_range_of_the_catalogue(scale: str) -> None:
    truth = afternoon(scale=scale)
    wanted = {(one.device, name) for one in laid(scale).instruments for name in one.properties if name not in _OWN}
    assert set(truth.signals) == wanted
    known = {p.id: p for p in properties()}
    for (_, name), series in truth.signals.items():
        assert series.shape == (90,)
        assert series.dtype == np.float64
        assert known[name].minimum <= series.min() <= series.max() <= known[name].maximum, name


def test_two_processes_agree_on_every_bit_and_seeds_do_not() -> None:
    program = (
        "import sys; from tests.unit.simulators.town.test_drainage_truth import afternoon, digest;"
        "sys.stdout.write(digest(afternoon()))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == digest(afternoon())
    assert run.stdout != digest(afternoon(seed=2))
    one, other = afternoon(1, "test"), afternoon(2, "test")
    assert not np.array_equal(well(one), well(other))


def test_one_run_leaves_nothing_behind_for_the_next(capfd: pytest.CaptureFixture[str]) -> None:
    """SWMM keeps its state in the process; districts run in turn, and each is as it were alone."""
    first = digest(afternoon(scale="test"))
    afternoon(seed=3)
    assert digest(afternoon(scale="test")) == first
    town, test = afternoon(scale="town"), afternoon(scale="test")
    assert np.array_equal(well(town), well(test))
    assert capfd.readouterr() == ("", "")


def test_a_span_is_settled_from_its_first_instant_whatever_the_time_of_day() -> None:
    day = solved()
    for hour in (0, 3, 8, 19):
        part = solved(span=Span(start=at(hour), steps=120))
        level = ("sewer-point-002-d", "drain.level")
        assert np.abs(part.signals[level] - day.signals[level][hour * 60 : hour * 60 + 120]).max() < 0.004
        assert 0.7 < well(part)[0] < 2.0
        assert (pump(part, 1, "starts")[0], pump(part, 2, "starts")[0]) > (1000, 10)


def test_what_began_before_a_span_has_done_its_work_already() -> None:
    day, late = solved(STORM, NO_POWER), solved(STORM, NO_POWER, span=Span(start=at(15), steps=60))
    assert np.abs(well(day)[900:960] - well(late)).max() < 0.01
    road = ("underpass-001-d", "drain.road.depth")
    assert np.abs(day.signals[road][900:960] - late.signals[road]).max() < 2
    # Hours before, too: a well without pumps has filled all the while.
    dark = event("power.lost", STATION, at(11))
    whole, part = solved(dark), solved(dark, span=Span(start=at(15), steps=60))
    assert well(part)[0] > 4
    assert np.abs(well(whole)[900:960] - well(part)).max() < 0.5


def test_counters_only_grow() -> None:
    truth = solved(STORM)
    for number in (1, 2, 3):
        for name in ("starts", "hours"):
            assert np.diff(pump(truth, number, name)).min() >= 0
        assert (
            np.diff(pump(truth, number, "starts")).sum() == np.clip(np.diff(pump(truth, number, "state")), 0, 1).sum()
        )


def test_weeks_in_steps_of_a_quarter_of_an_hour_are_solved_in_seconds_and_look_like_days() -> None:
    begun = time.monotonic()
    weeks = solved(STORM, span=Span(start=at(-4 * 24), steps=7 * 96, step_s=900))
    assert time.monotonic() - begun < 20
    assert well(weeks).min() > 0.5
    assert well(weeks)[: 4 * 96].max() < 2.0
    day = solved(span=Span(start=at(0), steps=96, step_s=900))
    level = ("sewer-point-001-d", "drain.level")
    exact = solved().signals[level][::15]
    assert np.abs(day.signals[level] - exact).max() < 0.006


def test_water_is_let_in_only_where_a_node_is_known() -> None:
    with pytest.raises(ConfigurationError, match="manhole-777 stands on no storm drain"):
        solved(event("drainage.inflow", "manhole-777", at(10)))


def test_power_of_others_concerns_no_pump() -> None:
    quiet, other = (
        solved(*events, span=Span(start=at(10), steps=60))
        for events in ((), (event("power.lost", "cabinet-001", at(9)),))
    )
    assert digest(quiet) == digest(other)
