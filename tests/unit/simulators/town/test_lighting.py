"""Street lighting: how it is laid, when it burns, and what goes wrong with it."""

import subprocess
import sys
from datetime import datetime
from hashlib import sha256

import numpy as np
import pytest

from domain.catalogue import properties
from simulators.county import distance_m
from simulators.town import drainage
from simulators.town.ground import Scale, ground
from simulators.town.happenings import KINDS, Happening
from simulators.town.layout import Layout
from simulators.town.lighting import lay, solve
from simulators.town.lighting_plan import SPACING_M, LightingPlan
from simulators.town.truth import Series, Span, Truth

_SECOND = 1_000_000
#: 2026-06-15T00:00:00+08:00, a day long
_MIDNIGHT = 1_781_452_800 * _SECOND
_DAY = Span(start=_MIDNIGHT, steps=1440)
_SEED = 3


@pytest.fixture(scope="module")
def layout() -> Layout:
    return lay(ground("test"), _SEED, drainage.lay(ground("test"), _SEED))


@pytest.fixture(scope="module")
def quiet(layout: Layout) -> Truth:
    return solve(layout, _DAY, (), _SEED)


def _plan(layout: Layout) -> LightingPlan:
    assert isinstance(layout.plan, LightingPlan)
    return layout.plan


def _at(clock: str) -> int:
    """The minute of the day at which it is so late."""
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)


def _happening(
    kind: str, target: str = "cabinet-001", since: str = "21:00", until: str | None = "23:00", **p: float
) -> Happening:
    own = KINDS[kind].parameters
    return Happening(
        kind=kind,
        target=target,
        since=_MIDNIGHT + _at(since) * 60 * _SECOND,
        until=None if until is None else _MIDNIGHT + _at(until) * 60 * _SECOND,
        parameters={name: p.get(name, parameter.default) for name, parameter in own.items()},
    )


def _lamps(layout: Layout, cabinet: int = 0, feeder: int | None = None) -> list[str]:
    return [
        lamp.device
        for each in _plan(layout).cabinets[cabinet].feeders
        for lamp in each.monitored
        if feeder in (None, each.number)
    ]


def _each(truth: Truth, devices: list[str], name: str) -> Series:
    return np.stack([truth.signals[device, name] for device in devices])


@pytest.mark.parametrize(("scale", "cabinets", "lamps"), [("test", 2, 8), ("town", 12, 90)])
def test_the_town_has_as_many_cabinets_and_lamps_as_agreed(scale: Scale, cabinets: int, lamps: int) -> None:
    laid = lay(ground(scale), _SEED)

    assert len(laid.of_kind("cabinet")) == cabinets
    assert [asset.id for asset in laid.of_kind("lamp")] == [f"lamp-{n:03d}" for n in range(1, lamps + 1)]
    assert len({asset.id for asset in laid.assets}) == len(laid.assets)
    for cabinet in _plan(laid).cabinets:
        assert cabinet.feeders
        assert all(10 <= len(feeder.lamps) <= 60 for feeder in cabinet.feeders)
        assert sum(len(feeder.monitored) for feeder in cabinet.feeders) >= 3


def test_every_district_of_the_full_town_has_cabinets_lamps_and_a_light_meter() -> None:
    laid = lay(ground("town"), _SEED, drainage.lay(ground("town"), _SEED))

    for kind in ("cabinet", "lamp", "light_meter"):
        assert {asset.area for asset in laid.of_kind(kind)} == {d.code for d in ground("town").districts}


def test_lamps_stand_thirty_metres_apart_along_their_feeder(layout: Layout) -> None:
    for cabinet in _plan(layout).cabinets:
        for feeder in cabinet.feeders:
            gaps = np.hypot(*np.diff(np.array(feeder.lamps), axis=0).T)
            # A street that bends brings two lamps closer as the crow flies; nothing brings them farther.
            assert np.all(gaps <= SPACING_M + 0.02)
            assert np.median(gaps) == pytest.approx(SPACING_M, abs=0.02)


def test_a_cabinet_stands_beside_every_underpass() -> None:
    water = drainage.lay(ground("town"), _SEED)
    laid = lay(ground("town"), _SEED, water)

    for underpass in water.of_kind("underpass"):
        assert min(distance_m(underpass, cabinet) for cabinet in laid.of_kind("cabinet")) < 100


def test_every_lamp_hangs_on_a_cabinet_and_speaks_through_it(layout: Layout) -> None:
    powered = {link.from_asset: link.to_asset for link in layout.links if link.relation == "powered_by"}
    spoken = {one.asset: one.via for one in layout.instruments if one.asset.startswith("lamp")}

    assert powered == spoken
    assert set(powered) == {asset.id for asset in layout.of_kind("lamp")}


def test_every_instrument_has_a_true_value_in_its_range_at_every_instant(layout: Layout, quiet: Truth) -> None:
    ranges = {p.id: (p.minimum, p.maximum) for p in properties()}
    named = {(one.device, name) for one in layout.instruments for name in one.properties}

    assert set(quiet.signals) == {(device, name) for device, name in named if not name.startswith("device.")}
    for (device, name), series in quiet.signals.items():
        low, high = ranges[name]
        assert series.shape == (_DAY.steps,), (device, name)
        assert low <= series.min(), (device, name)
        assert series.max() <= high, (device, name)


@pytest.mark.parametrize("month", [1, 3, 6, 9, 12])
def test_a_quiet_day_stays_within_every_limit_of_the_rules(layout: Layout, month: int) -> None:
    noon = datetime.fromisoformat(f"2026-{month:02d}-21T12:00:00+08:00")
    span = Span(start=int(noon.timestamp()) * _SECOND, steps=1440)
    truth = solve(layout, span, (), _SEED)
    tags = {asset.id: asset.tags for asset in layout.assets}
    clock = (np.arange(1440) + 720) % 1440

    for (device, name), series in truth.signals.items():
        asset = tags[device.removesuffix("-d").removesuffix("-gw")]
        low, high = {
            "light.voltage": (200, 230),
            "light.leak": (0, 20),
            "light.tilt": (0, 4),
            "light.pf": (0.88, 1),
            "light.current": (0, float(asset.get("rated_current_a", "inf"))),
            "light.lux": (float(asset.get("least_lux", "0")) + 2, np.inf),
            "light.door": (0, 0),
            "gateway.online": (1, 1),
        }.get(name, (-np.inf, np.inf))
        assert low <= series.min() <= series.max() <= high, (device, name)
        if name == "light.state":
            # Rules count lit lamps from 20:00 to 05:00, and want to hear of it after a quarter of an hour.
            assert series[(clock >= _at("20:15")) | (clock < _at("05:00"))].all()
            assert not series[(clock >= _at("09:00")) & (clock < _at("16:00"))].any()
        if name == "light.energy":
            assert np.all(np.diff(series) > 0)


def test_a_lamp_is_dimmed_from_midnight_until_traffic_begins(quiet: Truth) -> None:
    dim, power = (quiet.signals["lamp-001-d", name] for name in ("light.dim", "light.power"))

    assert dim[_at("00:00")] == dim[_at("05:29")] == 60
    assert dim[_at("05:30")] == dim[_at("23:59")] == 100
    assert dim[_at("12:00")] == 0
    assert power[_at("03:00")] == pytest.approx(0.6 * power[_at("22:00")])
    assert 0 < power[_at("12:00")] < 5


def test_a_dead_feeder_darkens_its_own_lamps_only(layout: Layout, quiet: Truth) -> None:
    truth = solve(layout, _DAY, [_happening("lighting.feeder_out", feeder=1)], _SEED)
    dead, others = _lamps(layout, feeder=1), _lamps(layout, feeder=2)
    out = slice(_at("21:00"), _at("23:00"))
    assert dead
    assert others

    for name in ("light.voltage", "light.state", "light.power"):
        assert not _each(truth, dead, name)[:, out].any()
    assert np.array_equal(_each(truth, others, "light.voltage"), _each(quiet, others, "light.voltage"))
    assert np.array_equal(
        _each(truth, dead, "light.power")[:, : out.start], _each(quiet, dead, "light.power")[:, : out.start]
    )
    assert np.all(_each(truth, dead, "light.voltage")[:, out.stop :] > 198)
    share = truth.signals["cabinet-001-d", "light.current"][out] / quiet.signals["cabinet-001-d", "light.current"][out]
    assert np.all(share < 0.7), "the cabinet must miss the current of its longest feeder"


def test_a_cabinet_without_supply_has_no_voltage_anywhere_and_its_gateway_lives_on_a_battery(layout: Layout) -> None:
    lost = _happening("power.lost", since="12:00", until="20:00")
    truth = solve(layout, _DAY, [lost], _SEED)
    dark = slice(_at("12:00"), _at("20:00"))

    for name in ("light.voltage", "light.current", "light.power", "light.leak"):
        assert not truth.signals["cabinet-001-d", name][dark].any()
    assert not _each(truth, _lamps(layout), "light.voltage")[:, dark].any()
    assert np.all(np.diff(truth.signals["cabinet-001-d", "light.energy"][dark]) == 0)
    online = truth.signals["cabinet-001-gw", "gateway.online"]
    assert online[_at("12:00") : _at("16:00")].all()
    assert not online[_at("16:00") : _at("20:00")].any()
    assert online[_at("20:00") :].all()
    assert np.all(_each(truth, _lamps(layout, cabinet=1), "light.voltage") > 198)


def test_broken_lamps_are_switched_on_and_draw_nothing(layout: Layout, quiet: Truth) -> None:
    truth = solve(layout, _DAY, [_happening("lighting.lamps_out", share=0.5)], _SEED)
    during = _at("22:00")
    power = _each(truth, _lamps(layout), "light.power")[:, during]

    assert np.sum(power < 5) == len(power) // 2
    assert _each(truth, _lamps(layout), "light.state")[:, during].all()
    assert truth.of("lighting.lit", "cabinet-001")[during] == pytest.approx(0.5, abs=0.05)
    lost = quiet.signals["cabinet-001-d", "light.power"] - truth.signals["cabinet-001-d", "light.power"]
    assert lost[during] > 0.4 * quiet.signals["cabinet-001-d", "light.power"][during]


def test_a_stuck_contactor_burns_by_day(layout: Layout) -> None:
    truth = solve(layout, _DAY, [_happening("lighting.burns_by_day", since="10:00", until="14:00")], _SEED)
    state = _each(truth, _lamps(layout), "light.state")

    assert state[:, _at("10:00") : _at("14:00")].all()
    assert not state[:, _at("09:59")].any()
    assert not state[:, _at("14:00")].any()
    assert not _each(truth, _lamps(layout, cabinet=1), "light.state")[:, _at("12:00")].any()


def test_a_cabinet_that_stands_open_says_so(layout: Layout) -> None:
    door = solve(layout, _DAY, [_happening("lighting.door")], _SEED).signals["cabinet-001-d", "light.door"]

    assert np.array_equal(np.flatnonzero(door), np.arange(_at("21:00"), _at("23:00")))


def _water(layout: Layout, target: str, depth_m: float) -> Truth:
    """Drainage that lets water stand, from 22:00 on, at the nodes beside a lamp or a cabinet."""
    cabinet = _plan(layout).cabinets[0]
    nodes = cabinet.nodes if target == cabinet.asset else ("elsewhere",)
    assert nodes
    street = np.zeros((_DAY.steps, 2))
    street[_at("22:00") :, 0] = depth_m
    return Truth(
        span=_DAY, signals={}, fields={"drainage.street": street}, things={"drainage.street": (nodes[0], "far")}
    )


def test_current_leaks_to_earth_and_more_where_water_stands(layout: Layout, quiet: Truth) -> None:
    leakage = _happening("lighting.leakage", dry=15, wet=120)
    dry = quiet.signals["cabinet-001-d", "light.leak"]
    leak = solve(layout, _DAY, [leakage], _SEED, _water(layout, "cabinet-001", 0.3)).signals[
        "cabinet-001-d", "light.leak"
    ]

    assert leak[_at("20:59")] == pytest.approx(dry[_at("20:59")])
    assert leak[_at("21:30")] == pytest.approx(dry[_at("21:30")] + 15)
    assert dry[_at("22:30")] + 120 < leak[_at("22:30")] < dry[_at("22:30")] + 125
    assert leak[_at("23:30")] < 20


def test_a_little_water_wets_a_little(layout: Layout) -> None:
    leakage = _happening("lighting.leakage", dry=15, wet=120)

    def at_half_past_ten(depth_m: float) -> float:
        found = solve(layout, _DAY, [leakage], _SEED, _water(layout, "cabinet-001", depth_m))
        return float(found.signals["cabinet-001-d", "light.leak"][_at("22:30")])

    assert at_half_past_ten(0.0) < at_half_past_ten(0.02) < at_half_past_ten(0.05) == at_half_past_ten(0.5)


def test_a_leaking_lamp_leaks_nothing_while_its_feeder_is_dead(layout: Layout) -> None:
    lamp = _plan(layout).cabinets[0].feeders[0].monitored[0].asset
    leakage = _happening("lighting.leakage", target=lamp, dry=50)
    dead = _happening("lighting.feeder_out", since="22:00", feeder=1)
    leak = solve(layout, _DAY, [leakage, dead], _SEED).signals["cabinet-001-d", "light.leak"]

    assert leak[_at("21:30")] > 50
    assert leak[_at("22:30")] < 10


def test_sound_cables_leak_little_even_in_water(layout: Layout) -> None:
    leak = solve(layout, _DAY, (), _SEED, _water(layout, "cabinet-001", 0.5)).signals["cabinet-001-d", "light.leak"]

    assert leak.max() < 20


def test_a_span_may_begin_at_any_time_and_have_long_steps(layout: Layout, quiet: Truth) -> None:
    later = solve(layout, Span(start=_MIDNIGHT + 6 * 3600 * _SECOND, steps=24, step_s=900), (), _SEED)

    for key, series in later.signals.items():
        if key[1] != "light.energy":
            assert np.allclose(series, quiet.signals[key][360:720:15]), key


_DIGEST = f"""
from hashlib import sha256
from simulators.town import drainage
from simulators.town.ground import Scale, ground
from simulators.town.lighting import lay, solve
from simulators.town.truth import Span
layout = lay(ground("test"), SEED, drainage.lay(ground("test"), SEED))
truth = solve(layout, Span(start={_MIDNIGHT}, steps=300), (), SEED)
print(sha256(b"".join(series.tobytes() for _, series in sorted(truth.signals.items()))).hexdigest())
"""


def _elsewhere(seed: int) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _DIGEST.replace("SEED", str(seed))], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_another_process_finds_the_same_bytes_and_another_seed_does_not(layout: Layout) -> None:
    truth = solve(layout, Span(start=_MIDNIGHT, steps=300), (), _SEED)
    here = sha256(b"".join(series.tobytes() for _, series in sorted(truth.signals.items()))).hexdigest()

    assert _elsewhere(_SEED) == here
    assert _elsewhere(_SEED + 1) != here
