"""Scenarios: what happens in the town, when, and what the platform must make of it. Data, checked as a whole.

A scenario is a YAML file. Its timeline names events of `simulators.town.happenings`; `expect` says which alerts people
must be told of and by when; `must_not` says which ones may never reach them. The same file is run live, recorded,
scored and drilled.
"""

from collections.abc import Iterator
from datetime import date
from importlib.resources import files
from pathlib import Path

from pydantic import Field, ValidationError

from domain.errors import ConfigurationError
from domain.times import MICROS_PER_SECOND
from runtime.documents import Document, DocumentError
from simulators.scenario_parts import NETWORKS, Ban, DrillStep, Event, Expectation, Network, Part, Words
from simulators.scenario_times import DAY_S, Length, Moment, Time, instant
from simulators.town.happenings import CARRIER, DEVICE, GATEWAY, KINDS, TOWN, Happening
from simulators.town.layout import CARRIERS, FIBRE, Town
from simulators.town.truth import Span

#: The day on which a scenario takes place unless it, or whoever runs it, says otherwise: a Friday in the rainy season,
#: after four working days.
USUAL_DAY = date(2026, 6, 19)
_MIDNIGHT = Moment("00:00", 0)
_USUAL_SAMPLING_S = 60
_FOLDER = "scenarios"
Location = tuple[str | int, ...]


class Scenario(Part):
    """A whole scenario."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    title: Words
    summary: Words
    #: Local time of day at which it begins.
    starts: Time = _MIDNIGHT
    day: date = USUAL_DAY
    duration: Length = DAY_S
    #: Seconds between two instants, and between two samples of every instrument.
    sampling: Length = _USUAL_SAMPLING_S
    networks: tuple[Network, ...] = NETWORKS
    timeline: tuple[Event, ...] = ()
    expect: tuple[Expectation, ...] = ()
    must_not: tuple[Ban, ...] = ()
    drill: tuple[DrillStep, ...] = ()

    @property
    def statements(self) -> tuple[Expectation | Ban, ...]:
        """Everything that it states: first what must rise, then what must not."""
        return (*self.expect, *self.must_not)

    @property
    def sample_s(self) -> int | None:
        """What `simulators.town.build.build` is told; None for the usual minute, each instrument in its own rhythm."""
        return None if self.sampling == _USUAL_SAMPLING_S else self.sampling

    def begin(self, start: int | None = None) -> int:
        """Microseconds since 1970 (UTC) at which it begins.

        Args:
            start: Begin now or at any other instant, instead of at the day and time of the scenario. Everything moves
                along; only what the sun and people's habits do keeps to the local clock. Taken to the whole second.
        """
        if start is None:
            return instant(self.day, self.starts)
        return start // MICROS_PER_SECOND * MICROS_PER_SECOND

    def at(self, begin: int, own: Moment) -> int:
        """The instant of a time of the scenario."""
        return begin + own.after(self.starts) * MICROS_PER_SECOND

    def span(self, begin: int) -> Span:
        """The instants at which the truth is needed."""
        return Span(start=begin, steps=self.duration // self.sampling, step_s=self.sampling)

    def happenings(self, begin: int) -> tuple[Happening, ...]:
        """The timeline as events, in order of time, with every parameter."""
        found = [
            Happening(
                kind=one.event,
                target=one.target,
                since=self.at(begin, one.at),
                until=None if one.until is None else self.at(begin, one.until),
                observed=one.observed,
                parameters=one.parameters,
            )
            for one in self.timeline
        ]
        return tuple(sorted(found, key=lambda h: (h.since, h.kind, h.target or "")))

    def check(self, town: Town) -> None:
        """Whether everything it names stands in a town; ConfigurationError with every problem."""
        problems = [f"{'.'.join(map(str, where))}: {text}" for where, text in _absent(self, town)]
        if problems:
            raise ConfigurationError(f"scenario {self.id} in the town of scale {town.scale}", problems)


def shipped() -> tuple[str, ...]:
    """Names of the scenarios that come with the package, in alphabetical order."""
    names = [item.name for item in (files("simulators") / _FOLDER).iterdir()]
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


def load(name: str | Path) -> Scenario:
    """A shipped scenario by its name, or one from a file.

    Raises:
        ConfigurationError: With every problem and its line.
    """
    path, what = Path(name), f"scenario {name}"
    if isinstance(name, str) and path.suffix not in (".yaml", ".yml"):
        if name not in shipped():
            raise ConfigurationError(
                what, [f"there is none of this name: give a file, or one of {', '.join(shipped())}"]
            )
        path = Path(str(files("simulators") / _FOLDER / f"{name}.yaml"))
    try:
        document = Document(path)
    except DocumentError as exc:
        raise ConfigurationError(what, exc.problems) from None
    if not isinstance(document.value, dict):
        raise ConfigurationError(what, [f"{path}:1: not a mapping: begin with `id: …`"])
    try:
        scenario = Scenario.model_validate(document.value)
    except ValidationError as exc:
        raise ConfigurationError(what, [p.replace("Value error, ", "") for p in document.problems(exc)]) from None
    problems = [f"{document.at(where)}: {'.'.join(map(str, where))}: {text}" for where, text in _senseless(scenario)]
    if problems:
        raise ConfigurationError(what, problems)
    return scenario


def _senseless(scenario: Scenario) -> Iterator[tuple[Location, str]]:
    """What does not fit together, and where it stands."""
    if scenario.starts.relative or scenario.starts.seconds >= DAY_S:
        yield ("starts",), f'"{scenario.starts.text}" is no time of day'
    if scenario.duration % scenario.sampling:
        yield ("duration",), f"{scenario.duration} s are not whole steps of {scenario.sampling} s"
    if not scenario.statements:
        yield ("expect",), "say at least what must rise, or what must not"
    yield from _untimely(scenario)
    for place, step in enumerate(scenario.drill):
        if isinstance(step.alert, int) and not 1 <= step.alert <= len(scenario.expect):
            yield ("drill", place, "alert"), f"there is no expectation {step.alert}"
        if isinstance(step.alert, str) and not any(step.alert in one.rule for one in scenario.expect):
            yield ("drill", place, "alert"), f"no expectation names the rule {step.alert!r}"


def _untimely(scenario: Scenario) -> Iterator[tuple[Location, str]]:
    """Times outside the scenario, and ends before their beginnings."""
    named: tuple[tuple[str, tuple[object, ...], dict[str, str]], ...] = (
        ("timeline", scenario.timeline, {"at": "at", "until": "until"}),
        ("expect", scenario.expect, {"since": "from", "by": "by"}),
        ("must_not", scenario.must_not, {"since": "from", "until": "until"}),
    )
    for section, items, fields in named:
        for place, item in enumerate(items):
            times = {name: getattr(item, field) for field, name in fields.items()}
            for name, own in times.items():
                if own is not None and not 0 <= own.after(scenario.starts) <= scenario.duration:
                    text = f'"{own.text}" is outside the scenario; the next day is written "+1d 03:00"'
                    yield (section, place, name), text
            first, last = (own.after(scenario.starts) if own is not None else None for own in times.values())
            if first is not None and last is not None and last <= first:
                yield (section, place), "it ends before it begins"


def _absent(scenario: Scenario, town: Town) -> Iterator[tuple[Location, str]]:
    """What is named and does not stand in a town."""
    kinds = {asset.id: asset.kind for asset in town.assets}
    devices = {one.device: one for one in town.instruments}
    gateways = {one.via for one in town.instruments} - {*CARRIERS, FIBRE}
    for place, event in enumerate(scenario.timeline):
        allowed, target = KINDS[event.event].targets, event.target
        fits = (
            (TOWN in allowed and target is None)
            or kinds.get(target or "") in allowed
            or (DEVICE in allowed and target in devices)
            or (GATEWAY in allowed and target in gateways)
            or (CARRIER in allowed and target in CARRIERS)
        )
        if not fits:
            yield ("timeline", place, "target"), f"{target!r} is none of {', '.join(sorted(allowed))}"
        elif event.observed and target in devices and event.observed not in devices[target].properties:
            yield ("timeline", place, "observed"), f"{target} does not measure {event.observed!r}"
    for section, items in (("expect", scenario.expect), ("must_not", scenario.must_not)):
        for number, item in enumerate(items):
            for name in item.on:
                head, _, rest = name.rpartition(":")
                known = {"": kinds.keys() | devices.keys(), "area": kinds.keys(), "kind": set(kinds.values())}
                if rest not in known.get(head, ()):
                    yield (section, number, "on"), f"there is no {name!r}"
