"""Days of drinking water: the network of a town through its engine, with what happens on them."""

from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from simulators.town import water
from simulators.town.ground import ground
from simulators.town.happenings import KINDS, Happening
from simulators.town.layout import Layout
from simulators.town.truth import Series, Span, Truth

COUNTY = timezone(timedelta(hours=8))
MIDNIGHT = datetime(2026, 6, 15, tzinfo=COUNTY)
PLANT, STATION = "treatment-plant-001", "booster-station-001"
SECOND = 1_000_000


def at(hour: float) -> int:
    """The county's clock on the day, as microseconds since 1970."""
    return int((MIDNIGHT + timedelta(hours=hour)).timestamp()) * SECOND


def clock(instant: int) -> str:
    """Microseconds since 1970 as the county's clock has them."""
    return f"{datetime.fromtimestamp(instant / 1e6, UTC).astimezone(COUNTY):%H:%M}"


def event(kind: str, target: str, since: int, until: int | None = None, **given: float) -> Happening:
    """An event with the defaults of its kind."""
    parameters = {name: parameter.default for name, parameter in KINDS[kind].parameters.items()}
    return Happening(kind=kind, target=target, since=since, until=until, parameters=parameters | given)


@lru_cache(maxsize=4)
def laid(scale: str = "test", seed: int = 1) -> Layout:
    """The water network of a town."""
    return water.lay(ground("town" if scale == "town" else "test"), seed)


def solved(*happenings: Happening, span: Span, seed: int = 1, scale: str = "test") -> Truth:
    """The truth over a span."""
    return water.solve(laid(scale, seed), span, happenings, seed)


DAY = Span(start=at(0), steps=1440)


@lru_cache(maxsize=1)
def quiet() -> Truth:
    """A day of the test town on which nothing happens."""
    return solved(span=DAY)


def signal(truth: Truth, asset: str, observed: str) -> Series:
    """What an asset's device reads."""
    return truth.signals[f"{asset}-d", observed]
