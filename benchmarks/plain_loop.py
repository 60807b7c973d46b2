"""What one would write without arrays: each observation through every rule of its datastream, one after the other.

The baseline of `benchmarks.rules`, and what the engine must agree with in its tests. Of the measures it knows the
change within a window.
"""

from collections import deque

from domain.alert import AlertEvent, Level
from domain.subject import datastream_subject
from rules.plan import Plan
from rules.step import Observations
from rules.threshold import NORMAL, Change, Sample, State, observe
from rules.track import Track


class PlainLoop:
    """The state machine of `rules.threshold` over data in order, observation by observation.

    Attributes:
        transitions: Subject, event, time in microseconds since 1970 (UTC), and level.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._numbers = {item.datastream: number for number, item in enumerate(plan.watched)}
        self._states: dict[tuple[str, int], State] = {}
        self._last: dict[int, Sample] = {}
        self._windows: dict[tuple[str, int], deque[Sample]] = {}
        self.transitions: list[tuple[str, AlertEvent, int, Level]] = []

    def feed(self, observations: Observations) -> None:
        """Evaluates one batch."""
        columns = (observations.datastreams, observations.times, observations.values, observations.qualities)
        for datastream, time, value, quality in zip(*(column.tolist() for column in columns), strict=True):
            number = self._numbers.get(datastream)
            if number is None or quality:
                continue
            last = self._last.get(number)
            if last is not None and time <= last.time:
                continue
            new = Sample(time, value)
            for own in self._plan.tracks[number]:
                changes: list[Change] = []
                key = (own.name, number)
                judged = new if own.measure is None else Sample(time, self._change(own, key, new))
                self._states[key] = observe(own, self._states.get(key, NORMAL), last, judged, changes)
                self.transitions += [
                    (datastream_subject(datastream), change.event, change.time, own.level(change.rank))
                    for change in changes
                ]
            self._last[number] = new

    def _change(self, own: Track, key: tuple[str, int], new: Sample) -> float:
        """How far a value lies above the lowest of its window."""
        if own.measure is None or own.measure.change is None:
            raise ValueError(f"{own.name}: the plain loop does not know this measure")
        window = self._windows.setdefault(key, deque())
        window.append(new)
        while window[0].time < new.time - own.measure.change.window_s * 1_000_000:
            window.popleft()
        return new.value - min(sample.value for sample in window)
