"""What goes into an evaluation and what comes out of it: plain values, to be committed and then adopted."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain.alert import AlertEvent, Level
from domain.subject import Watched
from domain.transition import Fact, Restraint, RuleState
from rules.marks import Mark
from rules.plan import Floats, Ints
from rules.rule import Rule
from rules.threshold import NORMAL, Sample, State

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
    threshold: float | None
    #: Whether a changed level is a worse one.
    worse: bool = False
    #: The unit of value and threshold, and in which way they are compared (see `domain.transition.Fact`).
    unit: str = ""
    relation: str = ""
    #: Of a fused rule: the readings it rests on, and the names of their assets in both languages, each once.
    fused: tuple[Fact, ...] = ()
    members: tuple[tuple[str, str], ...] = ()

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The readings it rests on."""
        if self.watched.datastream < 0:
            return self.fused
        whole = self.relation == "absent" and self.rule.applies_to.property is None
        item = self.watched
        return (
            Fact(
                datastream=None if whole else item.datastream,
                device=item.device,
                asset=item.asset,
                property=None if whole else item.property,
                unit=self.unit,
                value=self.value,
                threshold=self.threshold,
                relation=self.relation,
                since=self.time,
            ),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Rewriting:
    """Late observations changed the past: from `since` on, the history of a rule on a subject is exactly this."""

    rule: Rule
    subject: str
    since: int
    transitions: tuple[Transition, ...]


class Noted(NamedTuple):
    """The level at which a rule and subject stand now, and the whole of it for whoever writes it down."""

    level: Level | None
    state: Callable[[], RuleState | None]


class Story(NamedTuple):
    """A track on a datastream: its state, the marks behind it, and the last sample of a measure."""

    state: State
    marks: tuple[Mark, ...] = ()
    last: Sample | None = None


QUIET = Story(NORMAL)


@dataclass(kw_only=True, slots=True)
class Step:
    """The outcome of one evaluation, to be committed and then adopted."""

    #: Newer than everything that is known of their rule and subject.
    transitions: list[Transition] = field(default_factory=list)
    #: What late observations changed, at most one of each rule and subject; applied before `transitions`.
    rewritings: list[Rewriting] = field(default_factory=list)
    #: What holds alerts back now, or no longer; applied last.
    restraints: list[Restraint] = field(default_factory=list)
    #: What changed of what is to be kept.
    noted: dict[Key, Noted] = field(default_factory=dict)
    observations: int = 0
    #: Observations of datastreams that the plan does not know.
    unknown: int = 0
    late: Counter[str] = field(default_factory=Counter)
    #: Rules that raised an exception, with its text; their states stay as they were.
    failures: dict[str, str] = field(default_factory=dict)

    # What the evaluator remembers when it adopts the step.
    stories: dict[int, Story] = field(default_factory=dict)
    absences: dict[tuple[int, int], tuple[Mark, ...]] = field(default_factory=dict)
    fusions: dict[int, tuple[Mark, ...]] = field(default_factory=dict)
    due: dict[int, int | None] = field(default_factory=dict)
    reached: dict[int, int] = field(default_factory=dict)
    held: dict[Key, tuple[Literal["inhibited", "suppressed"], Key] | None] = field(default_factory=dict)
    samples: dict[int, Sample] = field(default_factory=dict)
    #: Leaf and datastream whose history changed, from which instant on.
    dirty: dict[tuple[str, int], int] = field(default_factory=dict)
    batch: "Dense | None" = None
    #: When what is too old to change was forgotten, if it was.
    swept: int | None = None
    clock: Ints | None = None
    listening: Ints | None = None

    @property
    def changed(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.noted or self.transitions or self.rewritings or self.restraints)

    @property
    def standings(self) -> dict[Key, RuleState | None]:
        """What each rule and subject that changed stands at now; None where nothing is to be kept."""
        return {key: noted.state() for key, noted in self.noted.items()}

    def stale(self, leaf: str, number: int, time: int) -> None:
        """Marks what fused rules must look at again."""
        key = (leaf, number)
        self.dirty[key] = min(time, self.dirty.get(key, time))


class Dense(NamedTuple):
    """A batch by dense numbers; only what the plan knows."""

    numbers: Index
    times: Ints
    values: Floats
    qualities: NDArray[np.int16]
