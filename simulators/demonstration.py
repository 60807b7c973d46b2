"""What happens in the demo: every half hour something else, on all five networks, one chapter after another for ever.

The first chapter begins in the midst of things: what is under way comes to a head within the first seconds. Numbered
assets stand in towns of both scales.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from domain.times import MICROS_PER_SECOND
from simulators.devices.traffic import Traffic
from simulators.town.build import build
from simulators.town.ground import Scale
from simulators.town.happenings import KINDS, Happening
from simulators.town.layout import CARRIERS, FIBRE, Layout, Town
from simulators.town.truth import Span

#: Seconds between two samples of an instrument, and seconds of a chapter.
SAMPLE_S = 5
CHAPTER_S = 1800
#: How long what has happened in a chapter is kept in mind: tanks and wells recover slowly.
_REMEMBERED = 2
#: What leaves within this time has not been kept: radio takes less.
_AT_ONCE_S = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class _Event:
    """An event of a chapter; seconds after its begin, which may lie before it."""

    kind: str
    target: str | None
    begins_s: int
    ends_s: int | None = None
    parameters: dict[str, float] = field(default_factory=dict)

    def at(self, begin: int) -> Happening:
        """The event in a chapter that begins at an instant."""
        known = KINDS[self.kind].parameters
        return Happening(
            kind=self.kind,
            target=self.target,
            since=begin + self.begins_s * MICROS_PER_SECOND,
            until=None if self.ends_s is None else begin + self.ends_s * MICROS_PER_SECOND,
            parameters={name: float(self.parameters.get(name, known[name].default)) for name in known},
        )


#: Sizes are those of the scenarios that state what must come of them; the times are chosen for who watches.
_CHAPTERS = (
    (
        # The storm has lasted for half an hour, and the station has just lost its power.
        _Event(
            kind="drainage.storm", target=None, begins_s=-1800, parameters={"depth": 38, "minutes": 60, "peak": 0.5}
        ),
        _Event(kind="power.lost", target="pump-station-001", begins_s=-15, ends_s=600),
        # The leak has found its way into the first chamber.
        _Event(kind="gas.leak", target="valve-well-001", begins_s=-1480, ends_s=900, parameters={"hole": 10}),
        _Event(kind="water.burst", target="pressure-point-001", begins_s=4, ends_s=1200),
        _Event(kind="manhole.cover_open", target="manhole-002", begins_s=2, ends_s=420),
        _Event(kind="lighting.door", target="cabinet-002", begins_s=3, ends_s=300),
        _Event(kind="lighting.leakage", target="cabinet-001", begins_s=-120, ends_s=700),
        _Event(kind="device.gateway_out", target="cabinet-002", begins_s=700, ends_s=1000),
    ),
    (
        _Event(kind="gas.dig", target="gas-main-001", begins_s=120, ends_s=900, parameters={"hole": 15}),
        _Event(kind="water.dosing_lost", target="treatment-plant-001", begins_s=60, ends_s=1200),
        _Event(kind="drainage.pump_trip", target="pump-station-001", begins_s=240, ends_s=1000),
        _Event(kind="manhole.biogas", target="deep-manhole-001", begins_s=30, ends_s=1500),
        _Event(kind="lighting.feeder_out", target="cabinet-001", begins_s=300, ends_s=800),
        _Event(kind="manhole.cover_open", target="deep-manhole-002", begins_s=420, ends_s=900),
    ),
    (
        _Event(kind="drainage.storm", target=None, begins_s=60, parameters={"depth": 38, "minutes": 90, "peak": 0.3}),
        _Event(kind="drainage.pump_locked", target="pump-station-001", begins_s=400, ends_s=1200),
        _Event(kind="manhole.flooded_well", target="valve-well-002", begins_s=300, ends_s=1500),
        _Event(kind="water.turbid", target="treatment-plant-001", begins_s=150, ends_s=1200),
        _Event(kind="device.gateway_out", target="cabinet-001", begins_s=500, ends_s=800),
        _Event(kind="lighting.leakage", target="cabinet-002", begins_s=240, ends_s=900),
    ),
)


def chapters(begin: int) -> Iterator[tuple[Span, tuple[Happening, ...]]]:
    """Each chapter as a span, and what happens in it and has happened lately; without end.

    Args:
        begin: Microseconds since 1970 (UTC); whole samples.
    """
    told: list[tuple[Happening, ...]] = []
    length = CHAPTER_S * MICROS_PER_SECOND
    for number in range(10**6):
        start = begin + number * length
        told.append(tuple(event.at(start) for event in _CHAPTERS[number % len(_CHAPTERS)]))
        del told[:-_REMEMBERED]
        span = Span(start=start, steps=CHAPTER_S // SAMPLE_S, step_s=SAMPLE_S)
        yield span, tuple(happening for chapter in told for happening in chapter)


def town(scale: Scale, seed: int) -> Town:
    """The town of the demo: fast samples, and lines where the field has cellular networks that take their seconds.

    Raises:
        ConfigurationError: The engines are not installed.
    """
    whole = build(scale, seed, sample_s=SAMPLE_S)
    return replace(whole, layouts={name: _wired(layout) for name, layout in whole.layouts.items()})


def _wired(layout: Layout) -> Layout:
    instruments = (replace(one, via=FIBRE) if one.via in CARRIERS else one for one in layout.instruments)
    return replace(layout, instruments=tuple(instruments))


def dated(traffic: Traffic) -> Traffic:
    """The same messages, dated by the devices as they leave: what passes until then is none of the platform's time.

    What was kept for later keeps its time.
    """
    counts = traffic.count.astype(np.int64)
    begins = np.cumsum(counts) - counts
    rows = np.repeat(traffic.first - begins, counts) + np.arange(int(counts.sum()))
    left = np.repeat(traffic.sent, counts)
    at_once = np.abs(left - traffic.sampled[rows]) <= _AT_ONCE_S * MICROS_PER_SECOND
    sampled = traffic.sampled.copy()
    # From the last to the first: of what is sent twice, the first message dates it.
    sampled[rows[at_once][::-1]] = left[at_once][::-1]
    return replace(traffic, sampled=sampled)
