"""What one would write without arrays: each observation through every rule of its datastream, one after the other.

The baseline of `benchmarks.rules`, and what the engine must agree with in its tests.
"""

from domain.alert import AlertEvent, Level
from domain.subject import datastream_subject
from rules.plan import Plan
from rules.step import Observations
from rules.threshold import NORMAL, Change, Sample, State, observe


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
                self._states[key] = observe(own, self._states.get(key, NORMAL), last, new, changes)
                self.transitions += [
                    (datastream_subject(datastream), change.event, change.time, own.level(change.rank))
                    for change in changes
                ]
            self._last[number] = new
