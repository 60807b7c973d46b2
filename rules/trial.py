"""Runs the tests of rules through the engine and says where what happened differs from what was expected."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from domain.alert import AlertEvent
from domain.catalogue import properties
from domain.observation import Quality
from domain.registry import Link
from domain.subject import Watched, WatchedAsset, datastream_subject
from domain.times import MICROS_PER_SECOND
from rules.fused import Fused, leaves
from rules.rerun import Rerun, Site
from rules.rule import ANY_NETWORK, Rule
from rules.rulebook import Case, Expected, PlacedAsset, PlacedDevice, RuleTests
from rules.series import Series
from rules.step import Observations, Transition

_UNITS = {p.id: p.unit for p in properties()}
_NETWORKS = {p.id: p.network for p in properties()}
#: What a device without any feed is registered with, so that it can be missed.
_SOMETHING = "device.battery"


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One transition beside the expected one, both as people write them; None where there is none."""

    expected: str | None
    got: str | None
    agrees: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """How one case went."""

    rule: str
    network: str
    way: str
    case: str
    lines: tuple[Line, ...]
    feed: Mapping[str, Series]
    #: Why the case could not be run, if it could not.
    fault: str | None = None

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return self.fault is None and all(line.agrees for line in self.lines)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """A case made ready: what stands there and what comes when."""

    site: Site
    observations: Observations
    start: int
    until: int
    #: Subject -> how the case names it.
    names: Mapping[str, str]


def try_out(rules: Mapping[str, Rule], tests: RuleTests) -> Iterator[Verdict]:
    """Every case of one rule; the rules that hold it back run beside it."""
    rule = rules[tests.rule]
    beside = [one.model_copy(update={"enabled": True}) for one in _with_causes(rules, rule)]
    for way, case in tests.cases:
        lines: tuple[Line, ...] = ()
        fault = None
        try:
            scene = scene_of(rule, case)
            got = [t for t in run(beside, scene).history.transitions() if t.rule.id == rule.id]
            lines = tuple(_lines(case, scene, got))
        except Exception as exc:  # noqa: BLE001 - one broken case must not hide how the others went
            fault = f"{type(exc).__name__}: {exc}"
        yield Verdict(
            rule=rule.id, network=rule.network, way=way, case=case.name, lines=lines, feed=case.feed, fault=fault
        )


def _with_causes(rules: Mapping[str, Rule], rule: Rule) -> list[Rule]:
    wanted, found = [rule.id], {}
    while wanted:
        name = wanted.pop()
        if name in rules and name not in found:
            found[name] = rules[name]
            wanted += [cause.rule for cause in (*found[name].inhibited_by, *found[name].suppressed_while)]
    return [found[name] for name in sorted(found)]


def run(rules: list[Rule], scene: Scene) -> Rerun:
    """The whole story, an instant at a time, with the clock moved before each as it would have been."""
    rerun = Rerun(rules, scene.site)
    rerun.tick(scene.start)
    found = scene.observations
    size = len(found.times)
    begins: list[int] = np.flatnonzero(np.append(True, found.times[1:] != found.times[:-1])).tolist() if size else []
    for begin, end in zip(begins, [*begins[1:], size][: len(begins)], strict=True):
        part = slice(begin, end)
        rerun.tick(int(found.times[part][0]))
        rerun.observe(
            Observations(
                datastreams=found.datastreams[part],
                times=found.times[part],
                values=found.values[part],
                qualities=found.qualities[part],
            )
        )
    rerun.tick(scene.until)
    return rerun


def scene_of(rule: Rule, case: Case) -> Scene:
    """A case with everything filled in that it leaves to us."""
    assets = case.assets or (_default_asset(rule),)
    devices = case.devices or (PlacedDevice(id="d1", asset=assets[0].id, interval_s=60),)
    by_id = {asset.id: asset for asset in assets}
    intervals = {device.id: device.interval_s * MICROS_PER_SECOND for device in devices}
    feed = {((key.rpartition("/")[0] or devices[0].id), key.rpartition("/")[2]): s for key, s in case.feed.items()}
    silent = [(d.id, rule.applies_to.property or _SOMETHING) for d in devices if d.id not in {k[0] for k in feed}]
    keys = [*feed, *silent]
    on = {device.id: device for device in devices}
    watched = tuple(
        _watched(number, name, on[device], by_id[on[device].asset], case.start)
        for number, (device, name) in enumerate(keys, start=1)
    )
    rows = [
        (
            case.start + at * intervals[key[0]],
            number,
            reading.value,
            Quality(0) if reading.good else Quality.DEVICE_DOUBT,
        )
        for number, key in enumerate(keys, start=1)
        for at, reading in enumerate(feed.get(key, ()))
        if reading is not None
    ]
    rows.sort(key=lambda row: row[:2])
    last = max((case.start + (len(s) - 1) * intervals[key[0]] for key, s in feed.items()), default=case.start)
    return Scene(
        site=Site(
            watched=watched,
            assets=tuple(_placed(asset) for asset in assets),
            links=tuple(Link(from_asset=a, relation=how, to_asset=b) for a, how, b in case.links),
        ),
        observations=Observations(
            datastreams=np.array([row[1] for row in rows], dtype=np.int32),
            times=np.array([row[0] for row in rows], dtype=np.int64),
            values=np.array([row[2] for row in rows], dtype=np.float64),
            qualities=np.array([int(row[3]) for row in rows], dtype=np.int16),
        ),
        start=case.start,
        until=last if case.until is None else case.start + case.until,
        names={datastream_subject(number): f"{device}/{name}" for number, (device, name) in enumerate(keys, start=1)},
    )


def _default_asset(rule: Rule) -> PlacedAsset:
    kinds = rule.applies_to.asset_kinds
    network = rule.network
    if network == ANY_NETWORK:
        named = [rule.applies_to.property or ""]
        if isinstance(rule.condition, Fused):
            named += [leaf.property or "" for level in rule.condition.fused.values() for leaf in leaves(level.when)]
        network = next((found for name in named if (found := _NETWORKS.get(name))), "gas")
    return PlacedAsset(id="a1", kind=kinds[0] if kinds else "site", network=network, tags=rule.applies_to.tags)


def _placed(asset: PlacedAsset) -> WatchedAsset:
    return WatchedAsset(
        id=asset.id,
        kind=asset.kind,
        network=asset.network,
        area=asset.area,
        name_en=asset.id,
        name_zh=asset.id,
        longitude=asset.at[0],
        latitude=asset.at[1],
        tags=asset.tags,
    )


def _watched(number: int, name: str, device: PlacedDevice, asset: PlacedAsset, start: int) -> Watched:
    return Watched(
        datastream=number,
        property=name,
        unit=_UNITS.get(name, "1"),
        device=device.id,
        interval_s=device.interval_s,
        registered_at=start,
        asset=asset.id,
        asset_kind=asset.kind,
        asset_en=asset.id,
        asset_zh=asset.id,
        network=asset.network,
        area=asset.area,
        tags=asset.tags,
    )


def _lines(case: Case, scene: Scene, got: list[Transition]) -> Iterator[Line]:
    """What was expected beside what came; at one instant the order of subjects does not matter."""
    several = len({t.subject for t in got}) > 1 or any(e.subject for e in case.expect)
    left = list(got)
    pairs: list[tuple[Expected | None, Transition | None]] = []
    for expected in case.expect:
        found = next((t for t in left if _agree(expected, t, scene)), None)
        if found is not None:
            left.remove(found)
        pairs.append((expected, found))
    lost = [expected for expected, found in pairs if found is None]
    pairs = [pair for pair in pairs if pair[1] is not None]
    pairs += zip_longest(lost, left)
    for wanted, came in sorted(pairs, key=lambda pair: _moment(scene, *pair)):
        yield Line(
            expected=None if wanted is None else _as_expected(wanted),
            got=None if came is None else _as_found(came, scene, several=several),
            agrees=wanted is not None and came is not None and _agree(wanted, came, scene),
        )


def _moment(scene: Scene, wanted: Expected | None, came: Transition | None) -> int:
    return came.time if came else scene.start + (wanted.at if wanted else 0)


def _agree(expected: Expected, found: Transition, scene: Scene) -> bool:
    subject = scene.names.get(found.subject, found.subject)
    return (
        expected.event is found.event
        and expected.named is found.level
        and abs(scene.start + expected.at - found.time) <= expected.within
        and expected.subject in {None, subject, found.subject}
    )


_VERBS = {AlertEvent.RAISED: "raised", AlertEvent.LEVEL_CHANGED: "level", AlertEvent.CLEARED: "cleared"}


def _as_expected(expected: Expected) -> str:
    within = f" ±{written(expected.within)}" if expected.within else ""
    subject = f" {expected.subject}" if expected.subject else ""
    return f"{written(expected.at)}{within} {_VERBS[expected.event]} {expected.named.label}{subject}"


def _as_found(found: Transition, scene: Scene, *, several: bool) -> str:
    subject = f" {scene.names.get(found.subject, found.subject)}" if several else ""
    return f"{written(found.time - scene.start)} {_VERBS[found.event]} {found.level.label}{subject}"


def written(micros: int) -> str:
    """A duration as tests write it: 1h30m, 90.5s is 1m30.5s."""
    sign, rest = ("-", -micros) if micros < 0 else ("", micros)
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        count, rest = divmod(rest, size * MICROS_PER_SECOND)
        if count:
            parts.append(f"{count}{unit}")
    if rest or not parts:
        parts.append(f"{rest / MICROS_PER_SECOND:.6f}".rstrip("0").rstrip(".") + "s")
    return sign + "".join(parts)
