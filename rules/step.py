"""What goes into an evaluation and what comes out of it: plain values, to be committed and then adopted."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from domain.alert import AlertEvent, Level
from domain.subject import Watched
from domain.transition import Fact, RuleState
from rules.plan import Floats, Ints
from rules.rule import Rule
from rules.threshold import Sample, State

#: A rule and a subject.
Key = tuple[str, str]
Index = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True, slots=True)
class Observations:
    """A batch as columns of one length. Times in microseconds since 1970 (UTC)."""

    datastreams: NDArray[np.int32]
    times: Ints
    values: Floats
    qualities: NDArray[np.int16]


@dataclass(frozen=True, kw_only=True, slots=True)
class Transition:
    """What happened to a rule on a subject. `watched` is the datastream, or one of the device's."""

    rule: Rule
    subject: str
    watched: Watched
    event: AlertEvent
    time: int
    level: Level
    value: float | None
    threshold: float
    #: Whether a changed level is a worse one.
    worse: bool = False
    #: The readings it rests on.
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Rewriting:
    """Late observations changed the past: from `since` on, the history of a rule on a subject is exactly this."""

    rule: Rule
    subject: str
    since: int
    transitions: tuple[Transition, ...]


@dataclass(kw_only=True, slots=True)
class Step:
    """The outcome of one evaluation, to be committed and then adopted."""

    #: Newer than everything that is known of their rule and subject.
    transitions: list[Transition] = field(default_factory=list)
    #: What late observations changed, at most one of each rule and subject; applied before `transitions`.
    rewritings: list[Rewriting] = field(default_factory=list)
    #: What each rule and subject stands at now; None where it is normal again.
    standings: dict[Key, RuleState | None] = field(default_factory=dict)
    observations: int = 0
    #: Observations of datastreams that the plan does not know.
    unknown: int = 0
    late: Counter[str] = field(default_factory=Counter)
    #: Rules that raised an exception, with its text; their states stay as they were.
    failures: dict[str, str] = field(default_factory=dict)
    states: dict[Key, State] = field(default_factory=dict)
    absences: list[tuple[int, int, int]] = field(default_factory=list)
    samples: dict[int, Sample] = field(default_factory=dict)
    good: tuple[Index, Ints] | None = None
    doubtful: tuple[Index, Ints] | None = None
    clock: int | None = None

    @property
    def changed(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.standings or self.transitions)
