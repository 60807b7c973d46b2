"""What came of it: steps put together to transitions and episodes, as backtests, tests and reports read them."""

from collections.abc import Iterator
from dataclasses import dataclass

from domain.alert import AlertEvent, AlertKind, Level
from domain.transition import Fact
from rules.step import Key, Step, Transition
from rules.wording import account


@dataclass(frozen=True, kw_only=True, slots=True)
class Episode:
    """One alert from its beginning to its end. Times in microseconds since 1970 (UTC)."""

    rule: str
    subject: str
    kind: AlertKind
    class_: str
    network: str
    area: str
    asset: str | None
    device: str | None
    #: The observed property, if it rests on one.
    observed: str | None
    title_en: str
    title_zh: str
    text_en: str
    text_zh: str
    #: When each level began.
    levels: tuple[tuple[int, Level], ...]
    cleared_at: int | None
    #: What raised it, in the unit of the limit.
    value: float | None
    threshold: float | None
    facts: tuple[Fact, ...] = ()
    #: When people were told of it; None: never, something held it back until its end.
    told_at: int | None = None
    #: Rule and subject of what held it back when it was raised.
    held_by: Key | None = None

    @property
    def raised_at(self) -> int:
        """When it began."""
        return self.levels[0][0]

    @property
    def worst(self) -> Level:
        """The highest level it reached."""
        return min(level for _, level in self.levels)

    def overlaps(self, other: "Episode") -> bool:
        """Whether both were active at one instant; an end without an end lies after everything."""
        return (other.cleared_at is None or self.raised_at <= other.cleared_at) and (
            self.cleared_at is None or other.raised_at <= self.cleared_at
        )


class History:
    """Everything that rules have said so far."""

    def __init__(self) -> None:
        self._by_key: dict[Key, list[Transition]] = {}

    def apply(self, step: Step) -> None:
        """Takes a step in: first what late observations rewrote, then what is new."""
        for rewriting in step.rewritings:
            key = (rewriting.rule.id, rewriting.subject)
            kept = [t for t in self._by_key.get(key, ()) if t.time < rewriting.since]
            self._by_key[key] = [*kept, *rewriting.transitions]
        for transition in step.transitions:
            self._by_key.setdefault((transition.rule.id, transition.subject), []).append(transition)

    def transitions(self) -> list[Transition]:
        """All of them by time, rule and subject; those of one rule and subject in the order in which they came."""
        return sorted((t for own in self._by_key.values() for t in own), key=lambda t: (t.time, t.rule.id, t.subject))

    def episodes(self) -> list[Episode]:
        """All of them by their beginning, rule and subject."""
        found = [episode for own in self._by_key.values() for episode in _episodes(own)]
        return sorted(found, key=lambda e: (e.raised_at, e.rule, e.subject))


def _episodes(transitions: list[Transition]) -> Iterator[Episode]:
    """The episodes of one rule and subject."""
    begun: list[Transition] = []
    for transition in transitions:
        if transition.event is AlertEvent.CLEARED:
            if begun:
                yield _episode(begun, transition.time)
            begun = []
        else:
            begun.append(transition)
    if begun:
        yield _episode(begun, None)


def _episode(begun: list[Transition], cleared_at: int | None) -> Episode:
    first = begun[0]
    told = account(first)
    return Episode(
        rule=first.rule.id,
        subject=first.subject,
        kind=told.kind,
        class_=told.class_,
        network=told.network,
        area=told.area,
        asset=told.asset,
        device=told.device,
        observed=told.property,
        title_en=told.title_en,
        title_zh=told.title_zh,
        text_en=told.text_en,
        text_zh=told.text_zh,
        levels=tuple((t.time, t.level) for t in begun),
        cleared_at=cleared_at,
        value=first.value,
        threshold=first.threshold,
        facts=first.facts,
    )
