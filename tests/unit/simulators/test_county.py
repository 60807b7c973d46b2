"""The county of the demo: large enough, coherent, the same for the same seed, and quiet unless something goes wrong."""

import math
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from domain.catalogue import NETWORKS, properties
from domain.registry_check import Known
from domain.registry_folder import read, write
from rules.condition import Position, Threshold
from rules.load import load as load_rules
from rules.rule import Rule
from rules.track import Track, track
from simulators.county import build, distance_m
from simulators.incidents import BEGINS_S, ROUND_S, Incident, Script
from simulators.rhythms import healthy
from simulators.streets import COUNTY_CODE, TOWNS
from simulators.telemetry import values

COUNTY = build(1)
DEVICES = {device.id: device for device in COUNTY.devices}
ASSETS = {asset.id: asset for asset in COUNTY.registry.assets}
#: Rules as they are on assets with certain tags; None where they do not apply.
TRACKS: dict[tuple[str, tuple[tuple[str, str], ...]], Track | None] = {}
#: 2026-05-01 00:00 in the county.
MIDNIGHT = 1_777_564_800.0


def rules() -> dict[str, list[Rule]]:
    """The shipped rules by the property whose value they judge by itself."""
    found: dict[str, list[Rule]] = {}
    for rule in load_rules():
        if rule.applies_to.property and getattr(rule.condition, "measure", None) is None:
            found.setdefault(rule.applies_to.property, []).append(rule)
    return found


def beyond(rule: Rule, value: float, device: str) -> bool:
    """Whether a value of a device lies beyond the mildest limit of a rule that watches it."""
    scope, asset = rule.applies_to, ASSETS[DEVICES[device].asset]
    if scope.asset_kinds and asset.kind not in scope.asset_kinds:
        return False
    if isinstance(rule.condition, Position):
        return bool(value) is rule.condition.position
    assert isinstance(rule.condition, Threshold)
    key = (rule.id, tuple(asset.tags.items()))
    if key not in TRACKS:
        TRACKS[key] = track(rule, 60, asset.tags)
    own = TRACKS[key]
    if own is None:
        return False
    return bool(own.up and value > own.up[0]) or bool(own.down and -value > own.down[0])


def delay_s(rule: Rule) -> float:
    assert isinstance(rule.condition, Position | Threshold)
    return rule.condition.on_delay_s


def test_it_has_two_hundred_devices_and_six_hundred_datastreams_on_all_five_networks() -> None:
    assert len(COUNTY.registry.devices) >= 200
    assert len(COUNTY.registry.datastreams) >= 600
    by_network = Counter(device.network for device in COUNTY.devices)
    assert set(by_network) == {network.id for network in NETWORKS}
    assert min(by_network.values()) >= 30


def test_the_same_seed_gives_the_same_county_and_another_seed_another() -> None:
    assert build(1).registry == COUNTY.registry
    assert build(2).registry != COUNTY.registry


def test_its_registry_folder_is_accepted_without_a_problem(tmp_path: Path) -> None:
    write(COUNTY.registry, tmp_path)
    read_back = read(
        tmp_path, Known(networks=frozenset(n.id for n in NETWORKS), properties={p.id: p for p in properties()})
    )
    assert set(read_back.devices) == set(COUNTY.registry.devices)
    assert set(read_back.datastreams) == set(COUNTY.registry.datastreams)


def test_assets_lie_in_their_town_with_names_in_both_languages() -> None:
    centres = {town.code: (town.longitude, town.latitude) for town in TOWNS}
    for asset in COUNTY.registry.assets:
        assert asset.area.startswith(COUNTY_CODE)
        longitude, latitude = centres[asset.area]
        assert math.hypot((asset.longitude - longitude) * 100_000, (asset.latitude - latitude) * 111_000) < 4000
        assert any("\u4e00" <= letter <= "\u9fff" for letter in asset.name_zh)
        assert asset.name_en.isascii()
    assert len({asset.name_zh for asset in COUNTY.registry.assets}) == len(COUNTY.registry.assets)


def test_what_serves_an_asset_is_near() -> None:
    assets = {asset.id: asset for asset in COUNTY.registry.assets}
    linked = {link.relation for link in COUNTY.registry.links}
    assert linked == {"feeds", "drains_to", "powered_by", "adjacent_to"}
    for link in COUNTY.registry.links:
        if link.relation == "powered_by":
            assert distance_m(assets[link.from_asset], assets[link.to_asset]) < 1500


def test_a_value_depends_on_seed_datastream_and_time_alone() -> None:
    device, time_s = COUNTY.devices[0], MIDNIGHT + 12345.678
    again = healthy(1, device.id, device.hardware.properties[0], time_s)
    assert healthy(1, device.id, device.hardware.properties[0], time_s) == again
    assert healthy(2, device.id, device.hardware.properties[0], time_s) != again


def test_a_healthy_day_raises_no_alert() -> None:
    by_property = rules()
    for device in COUNTY.devices:
        for minute in range(0, 24 * 60, 17):
            time = int((MIDNIGHT + minute * 60) * 1e6)
            for name, value in values(COUNTY.seed, device, (), time).items():
                for rule in by_property.get(name, ()):
                    assert not beyond(rule, float(value), device.id), (
                        f"{device.id} {name} {value} at minute {minute}: {rule.id}"
                    )


def test_days_have_a_rhythm() -> None:
    def at(property_: str, device: str, hour: float) -> float:
        return healthy(COUNTY.seed, device, property_, MIDNIGHT + hour * 3600)

    assert at("light.state", "lamp-001-d", 2) == 1.0
    assert at("light.state", "lamp-001-d", 13) == 0.0
    assert at("water.flow", "district-meter-001-d", 19) > 2 * at("water.flow", "district-meter-001-d", 3)
    assert at("light.lux", "light-meter-001-d", 13) > 10_000


def rounds(count: int) -> Iterator[tuple[int, Incident]]:
    script = Script(COUNTY, MIDNIGHT)
    for number in range(count):
        for incident in script.round(number):
            yield number, incident


def course(incident: Incident, device: str, property_: str) -> list[tuple[float, float]]:
    """(seconds since it began, value) once a second, for as long as it lasts and a little longer."""
    return [
        (
            float(second),
            float(
                values(
                    COUNTY.seed,
                    DEVICES[device],
                    (incident,) if incident.runs(incident.begins_s + second) else (),
                    int((incident.begins_s + second) * 1e6),
                )[property_]
            ),
        )
        for second in range(int(incident.lasts_s) + 5)
    ]


def test_every_network_has_an_incident_in_the_first_seconds_and_in_every_round() -> None:
    for number in range(4):
        begun = {i.network: i.begins_s - MIDNIGHT - number * ROUND_S for n, i in rounds(4) if n == number}
        assert begun == BEGINS_S
    assert min(BEGINS_S.values()) <= 1.0
    assert max(BEGINS_S.values()) < 10.0


@pytest.mark.parametrize("number", [0, 1, 2, 3, 10])
def test_every_incident_raises_at_once_and_clears_before_the_next_round(number: int) -> None:
    by_property = rules()
    for found, incident in rounds(number + 1):
        if found != number:
            continue
        raised: list[float] = []
        for device, property_ in incident.effects:
            assert DEVICES[device]
            samples = course(incident, device, property_)
            for rule in by_property.get(property_, ()):
                wrong = [second for second, value in samples if beyond(rule, value, device)]
                if wrong and delay_s(rule) == 0 and rule.network == incident.network:
                    raised.append(wrong[0])
                assert not beyond(rule, samples[-1][1], device), (
                    f"{incident.name}: {device} {property_} does not return"
                )
        assert raised, f"{incident.name} raises nothing"
        assert min(raised) <= 8.0, f"{incident.name} raises after {min(raised)} s"
        assert incident.lasts_s < ROUND_S


def test_methane_climbs_through_every_level_and_falls_again() -> None:
    incident = next(i for _, i in rounds(1) if i.network == "gas")
    ((device, property_),) = [key for key in incident.effects if key[1] == "gas.ch4.chamber"]
    samples = [value for _, value in course(incident, device, property_)]
    peak = samples.index(max(samples))
    assert max(samples) > 50
    assert all(before <= after for before, after in pairwise(samples[:peak]))
    assert samples[-1] < 5


def test_a_long_run_meets_many_places_and_kinds() -> None:
    incidents = [incident for _, incident in rounds(12)]
    assert len({incident.name for incident in incidents}) >= 9
    assert len({device for incident in incidents for device in incident.devices}) >= 30


def test_no_place_has_its_turn_again_while_others_wait() -> None:
    for name, places in (("gas_leak", 29), ("underpass_floods", 4), ("water_burst", 24), ("cover_open", 37)):
        struck = [next(iter(incident.effects))[0] for _, incident in rounds(2 * places) if incident.name == name]
        assert len(set(struck[:places])) == places
