"""The parts of a scenario: events of its timeline, what must rise, what must not, and what people do in a drill."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from simulators.scenario_times import Length, Time
from simulators.town.happenings import KINDS, TOWN

Network = Literal["water", "drainage", "gas", "manhole", "lighting"]
NETWORKS: tuple[Network, ...] = ("water", "drainage", "gas", "manhole", "lighting")
LevelName = Literal["red", "orange", "yellow", "blue"]
AlertKindName = Literal["safety", "resilience", "equipment"]
StepName = Literal["acknowledge", "escalate", "clear", "comment", "shelve", "notice"]


def _many(given: object) -> object:
    return given if isinstance(given, list | tuple) else (given,)


#: One name, or several of which any will do.
Names = Annotated[tuple[str, ...], BeforeValidator(_many)]


class Part(BaseModel):
    """A part of a scenario: what it does not know is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(Part):
    """What people read, in both languages."""

    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)

    def of(self, language: str) -> str:
        """The text in `en` or `zh`."""
        return self.zh if language == "zh" else self.en


class Event(BaseModel):
    """A line of the timeline. Whatever is no field is a parameter of the event."""

    model_config = ConfigDict(extra="allow", frozen=True)

    at: Time
    event: str
    target: str | None = None
    until: Time | None = None
    #: Of faults of devices: the property that is affected; without it all are.
    observed: str | None = None

    @property
    def parameters(self) -> Mapping[str, float]:
        """Every parameter of the event, defaults filled in."""
        given: dict[str, Any] = self.__pydantic_extra__ or {}
        return {name: float(given.get(name, p.default)) for name, p in KINDS[self.event].parameters.items()}

    @model_validator(mode="after")
    def _possible(self) -> "Event":
        kind = KINDS.get(self.event)
        if kind is None:
            raise ValueError(f"{self.event!r} is no event: one of {', '.join(sorted(KINDS))}")
        problems = []
        given: dict[str, Any] = self.__pydantic_extra__ or {}
        for name, value in given.items():
            known = kind.parameters.get(name)
            if known is None:
                problems.append(f"{self.event} has no {name!r}: it has {', '.join(kind.parameters) or 'no parameters'}")
            elif isinstance(value, bool) or not isinstance(value, int | float):
                problems.append(f"{name}: {value!r} is no number")
            elif not known.minimum <= value <= known.maximum:
                problems.append(f"{name}: {value} is not from {known.minimum:g} to {known.maximum:g} {known.unit}")
        if (self.target is None) != (TOWN in kind.targets):
            whom = (
                "it befalls the whole town: leave it out"
                if self.target
                else f"one of {', '.join(sorted(kind.targets))}"
            )
            problems.append(f"target: {whom}")
        if self.until is not None and not kind.lasts:
            problems.append(f"until: {self.event} has no end: leave it out")
        if self.observed is not None and kind.domain != "device":
            problems.append("observed: only faults of devices name a property: leave it out")
        if problems:
            raise ValueError("; ".join(problems))
        return self


class _Statement(Part):
    #: Where: an asset, a device, `area:` with an asset that stands in it, `kind:` with a kind of assets; of several any
    #: will do. Default: anywhere.
    on: Annotated[tuple[str, ...], BeforeValidator(_many)] = ()
    #: Why this statement is known to be missed. It is counted as missed nevertheless.
    miss: Words | None = None


class Expectation(_Statement):
    """People must be told of an alert of a rule (any of several) in time."""

    rule: Names
    #: By this minute; with seconds, by this second.
    by: Time
    #: Not before this; default: the first event of the timeline.
    since: Time | None = Field(default=None, alias="from")
    #: It must reach this level, or a higher one.
    level: LevelName | None = None


class Ban(_Statement):
    """People must not be told of any alert of some rules, of a kind, of a network, or of anything at all."""

    rules: Names = ()
    kind: AlertKindName | None = None
    network: Network | None = None
    any: bool = False
    since: Time | None = Field(default=None, alias="from")
    until: Time | None = None
    #: Rules that may speak up all the same.
    except_: Names = Field(default=(), alias="except")

    @model_validator(mode="before")
    @classmethod
    def _one_rule(cls, given: object) -> object:
        """`rule` is `rules` with one name."""
        if isinstance(given, dict) and "rule" in given and "rules" not in given:
            return {("rules" if key == "rule" else key): value for key, value in given.items()}
        return given

    @model_validator(mode="after")
    def _says_what(self) -> "Ban":
        if not (self.rules or self.kind or self.network or self.any):
            raise ValueError("say what must not rise: rule, rules, kind, network, or any: true")
        if self.any and (self.rules or self.kind or self.network):
            raise ValueError("any: true leaves nothing to choose: drop it, or rules, kind and network")
        return self


class DrillStep(Part):
    """What a person does in an exercise, and how soon."""

    step: StepName
    #: Number of an expectation from 1 on, or a rule.
    alert: int | str | None = None
    within: Length
    text: Words
