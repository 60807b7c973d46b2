"""The tests of rules as data: readings in, transitions expected. All problems at once, each with its line.

The tests of a catalogue stand in its folder `tests`, in YAML files that hold a list `tests`. docs/rules.md shows them.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, field_validator, model_validator

from domain.alert import AlertEvent, Level
from domain.catalogue import properties
from domain.errors import ConfigurationError
from domain.registry import RELATIONS, Property
from domain.times import MICROS_PER_SECOND, from_datetime
from domain.topics import AREA, IDENTIFIER
from rules.grounds import LevelName, Model
from rules.rule import Rule
from rules.series import Series, parse
from runtime.documents import Document, DocumentError

#: The folder of the tests, in the folder of the rules.
FOLDER = "tests"
#: The three ways in which every rule is tested.
WAYS = ("fires", "quiet", "clears")
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d{1,6})?)s)?")
_START = datetime.fromisoformat("2026-05-01T08:00:00+08:00")


def duration(text: object) -> int:
    """`90s`, `10m`, `2h`, `1d` or several of them together, in microseconds; ValueError with a remedy."""
    match = _DURATION.fullmatch(str(text))
    if str(text) == "0":
        return 0
    if match is None or not any(match.groups()):
        raise ValueError(f"{text!r} is no duration: write it like 90s, 10m, 2h or 1h30m")
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return round((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * MICROS_PER_SECOND)


def _identifier(text: str) -> str:
    if not IDENTIFIER.fullmatch(text):
        raise ValueError("letters, digits and . _ : - only, at most 128, starting with a letter or digit")
    return text


def _area(text: str) -> str:
    if not AREA.fullmatch(text):
        raise ValueError('no area code: write the digits of GB/T 2260 in quotes, such as "530102"')
    return text


def _moment(given: object) -> int:
    moment = given if isinstance(given, datetime) else datetime.fromisoformat(str(given))
    if moment.tzinfo is None:
        raise ValueError("a time without a zone: write it like 2026-05-01T08:00:00+08:00")
    return from_datetime(moment)


def _series(given: object) -> Series:
    return parse(str(given))


Duration = Annotated[int, BeforeValidator(duration)]
Moment = Annotated[int, BeforeValidator(_moment)]
Identifier = Annotated[str, AfterValidator(_identifier)]
Area = Annotated[str, AfterValidator(_area)]


class PlacedAsset(Model):
    """An asset of a test. `at`: degrees WGS-84, longitude first."""

    id: Identifier
    kind: Identifier
    network: Identifier
    area: Area = "530102"
    at: tuple[float, float] = (102.7, 25.0)
    tags: dict[str, str] = Field(default_factory=dict)


class PlacedDevice(Model):
    """A device of a test, on one of its assets."""

    id: Identifier
    asset: Identifier
    interval_s: int = Field(60, gt=0)


class Expected(Model):
    """One transition: exactly one of the three, at a time after the start."""

    at: Duration
    #: How far from `at` it may lie.
    within: Duration = 0
    #: `asset:ID`, `device:ID`, `area:CODE` or `DEVICE/PROPERTY`; needed where a rule watches several.
    subject: str | None = None
    raised: LevelName | None = None
    level: LevelName | None = None
    cleared: LevelName | None = None

    @property
    def event(self) -> AlertEvent:
        """Which of the three it is."""
        if self.raised:
            return AlertEvent.RAISED
        return AlertEvent.LEVEL_CHANGED if self.level else AlertEvent.CLEARED

    @property
    def named(self) -> Level:
        """The level after it; before it, when cleared."""
        return Level.parse(self.raised or self.level or self.cleared or "")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(way is not None for way in (self.raised, self.level, self.cleared)) != 1:
            raise ValueError("name exactly one of raised, level, cleared, with a level")
        return self


class Case(Model):
    """One story: what stands there, what was read, what the rule does about it."""

    name: str = Field(min_length=1)
    assets: tuple[PlacedAsset, ...] | None = Field(None, min_length=1)
    #: From, relation, to.
    links: tuple[tuple[str, str, str], ...] = ()
    devices: tuple[PlacedDevice, ...] | None = Field(None, min_length=1)
    start: Moment = from_datetime(_START)
    #: By `DEVICE/PROPERTY`, or by property while there is one device: one reading for each interval of the device.
    feed: dict[str, Annotated[Series, BeforeValidator(_series)]] = Field(min_length=1)
    #: The clock at the end; the instant of the last reading if None.
    until: Duration | None = None
    #: Every transition of the rule, in the order of time.
    expect: tuple[Expected, ...] = ()

    @field_validator("links")
    @classmethod
    def _known_relations(cls, links: tuple[tuple[str, str, str], ...]) -> tuple[tuple[str, str, str], ...]:
        for _, relation, _ in links:
            if relation not in RELATIONS:
                raise ValueError(f"unknown relation {relation!r}: use one of {', '.join(RELATIONS)}")
        return links

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        known = None if self.assets is None else {asset.id for asset in self.assets}
        places = [(f"device {d.id}", d.asset) for d in self.devices or ()]
        places += [
            (f"link {source} {relation} {target}", end)
            for source, relation, target in self.links
            for end in (source, target)
        ]
        for what, asset in places:
            if known is None or asset not in known:
                raise ValueError(f"{what} names the asset {asset!r}: add it to `assets`")
        if self.devices is None and self.assets is not None and len(self.assets) > 1:
            raise ValueError("several assets, but no devices: say in `devices` which device stands where")
        devices = {"d1"} if self.devices is None else {device.id for device in self.devices}
        for key in self.feed:
            device, _, name = key.rpartition("/")
            if not device and len(devices) > 1:
                raise ValueError(f"feed {key!r}: there are several devices: write DEVICE/{name}")
            if device and device not in devices:
                raise ValueError(f"feed {key!r}: no device {device!r}: use one of {', '.join(sorted(devices))}")
        return self


class RuleTests(Model):
    """The tests of one rule."""

    rule: str
    #: It raises.
    fires: tuple[Case, ...] = ()
    #: It does not.
    quiet: tuple[Case, ...] = ()
    #: It raises and clears.
    clears: tuple[Case, ...] = ()

    @property
    def cases(self) -> tuple[tuple[str, Case], ...]:
        """Every case with its way."""
        return tuple((way, case) for way in WAYS for case in getattr(self, way))

    @model_validator(mode="after")
    def _means_what_it_says(self) -> Self:
        wanted = {"fires": AlertEvent.RAISED, "clears": AlertEvent.CLEARED}
        for way, case in self.cases:
            events = {expected.event for expected in case.expect}
            if way in wanted and wanted[way] not in events:
                raise ValueError(
                    f"{way}, case {case.name!r}: `expect` holds no `{wanted[way].value}`: add when and at which level"
                )
            if way == "quiet" and AlertEvent.RAISED in events:
                raise ValueError(f"quiet, case {case.name!r}: something is raised: move it to `fires`")
        return self


def load(folder: Path, rules: Iterable[Rule], *, known: Iterable[Property] | None = None) -> tuple[RuleTests, ...]:
    """The tests that stand in `tests` of a catalogue's folder, by rule; ConfigurationError with every problem.

    Args:
        folder: Of the catalogue; no tests are no error.
        rules: What the tests may speak of.
        known: The properties that may be fed; the shipped vocabulary if None.
    """
    names = {rule.id for rule in rules}
    vocabulary = {p.id for p in (properties() if known is None else known)}
    problems: list[str] = []
    found: dict[str, RuleTests] = {}
    for path in sorted((folder / FOLDER).glob("*.yaml")):
        try:
            document = Document(path)
        except DocumentError as exc:
            problems += exc.problems
            continue
        value = document.value
        if not isinstance(value, dict) or set(value) != {"tests"} or not isinstance(value["tests"], list):
            problems.append(f"{document.at(())}: not a file of tests: write `tests:` and a list below it")
            continue
        for number, entry in enumerate(value["tests"]):
            place = ("tests", number)
            _as_written(document, place, entry)
            try:
                tests = RuleTests.model_validate(entry)
            except ValidationError as exc:
                problems += [_problem(document, place, entry, error) for error in exc.errors(include_url=False)]
                continue
            if tests.rule not in names:
                problems.append(f"{document.at((*place, 'rule'))}: no rule {tests.rule!r}: correct it, or add the rule")
            problems += _strange_properties(document, place, tests, vocabulary)
            before = found.get(tests.rule)
            found[tests.rule] = tests if before is None else _joined(before, tests)
    if problems:
        raise ConfigurationError("the tests of the rules cannot be used", problems)
    return tuple(found[name] for name in sorted(found))


def _as_written(document: Document, place: tuple[str | int, ...], entry: Any) -> None:  # noqa: ANN401
    """Puts series back as they were written: to YAML `0x10` is a number in base sixteen."""
    if not isinstance(entry, dict):
        return
    for way in WAYS:
        for number, case in enumerate(entry.get(way) or ()):
            feed = case.get("feed") if isinstance(case, dict) else None
            if not isinstance(feed, dict):
                continue
            for key in feed:
                feed[key] = document.written((*place, way, number, "feed", key))


def _problem(document: Document, place: tuple[str | int, ...], entry: Any, error: Any) -> str:  # noqa: ANN401
    name = entry.get("rule", "?") if isinstance(entry, dict) else "?"
    where = ".".join(str(step) for step in error["loc"]) or "test"
    text = error["msg"].removeprefix("Value error, ")
    return f"{document.at((*place, *error['loc']))}: tests of {name}: {where}: {text}"


def _strange_properties(
    document: Document, place: tuple[str | int, ...], tests: RuleTests, known: set[str]
) -> list[str]:
    problems = []
    for way in WAYS:
        for number, case in enumerate(getattr(tests, way)):
            for key in case.feed:
                name = key.rpartition("/")[2]
                if name not in known:
                    here = document.at((*place, way, number, "feed", key))
                    problems.append(f"{here}: tests of {tests.rule}: unknown property {name!r}: correct it")
    return problems


def _joined(one: RuleTests, other: RuleTests) -> RuleTests:
    return RuleTests(
        rule=one.rule,
        fires=one.fires + other.fires,
        quiet=one.quiet + other.quiet,
        clears=one.clears + other.clears,
    )
