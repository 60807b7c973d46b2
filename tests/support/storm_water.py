"""Days of storm water: the first district of the test town through its engine, with what happens on them."""

from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simulators.town import drainage
from simulators.town.drainage_engine import Course, run
from simulators.town.drainage_solution import wanted_of
from simulators.town.ground import ground
from simulators.town.happenings import KINDS, Happening
from simulators.town.layout import Layout
from simulators.town.truth import Series, Span, Truth

COUNTY = timezone(timedelta(hours=8))
MIDNIGHT = datetime(2026, 6, 15, tzinfo=COUNTY)
STATION = "pump-station-001"


def at(hour: int, minute: int = 0) -> int:
    """The county's clock on the day, as microseconds since 1970."""
    return int((MIDNIGHT + timedelta(hours=hour, minutes=minute)).timestamp()) * 1_000_000


def clock(instant: int) -> str:
    """Microseconds since 1970 as the county's clock has them."""
    return f"{datetime.fromtimestamp(instant / 1e6, UTC).astimezone(COUNTY):%H:%M}"


def event(kind: str, target: str | None, since: int, until: int | None = None, **given: float) -> Happening:
    """An event with the defaults of its kind."""
    parameters = {name: parameter.default for name, parameter in KINDS[kind].parameters.items()}
    return Happening(kind=kind, target=target, since=since, until=until, parameters=parameters | given)


STORM = event("drainage.storm", None, at(14))
TRIP = event("drainage.pump_trip", STATION, at(14, 20), at(17))
NO_POWER = event("power.lost", STATION, at(14, 20), at(16))


@lru_cache(maxsize=16)
def laid(scale: str = "test", seed: int = 1) -> Layout:
    """The drains of a town."""
    return drainage.lay(ground("town" if scale == "town" else "test"), seed)


def solved(*happenings: Happening, span: Span | None = None, seed: int = 1, scale: str = "test") -> Truth:
    """The truth; of the whole day each minute if no span is given."""
    return drainage.solve(laid(scale, seed), span or Span(start=at(0), steps=1440), happenings, seed)


def course(*happenings: Happening) -> Course:
    """The first district over the whole day, every ten seconds, as its engine has it."""
    layout = laid()
    assert isinstance(layout.plan, drainage.Plan)
    of = layout.plan.districts[0]
    return run(of, wanted_of(layout, of, Span(start=at(0), steps=8640, step_s=10), happenings, 1))


def when(truth: Truth, series: NDArray[np.bool_]) -> str:
    """The clock when something is true first."""
    assert series.any(), "never"
    return clock(int(truth.span.times[int(np.argmax(series))]))


def well(truth: Truth) -> Series:
    """Level of the first wet well."""
    return truth.signals[f"{STATION}-well", "pump.wetwell.level"]


def pump(truth: Truth, number: int, name: str) -> Series:
    """A signal of a pump of the first station, such as `current`."""
    return truth.signals[f"{STATION}-pump{number}", f"pump.{name}"]
