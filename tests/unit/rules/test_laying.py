"""Fused rules as they are shipped: on which subjects they lie, when they hold, and what they rest on."""

from collections.abc import Sequence
from typing import Any

import pytest

from domain.alert import Level
from rules.fusion import Fusion, evaluate, lay, numbered
from rules.surroundings import Surroundings
from rules.truth import FALSE, TRUE, UNKNOWN, Truth
from tests.support.fusing import ZONE, at, by, fused, leaf, steps, story, watch, why
from tests.support.rulebook import SECOND, T0, stream
from tests.unit.rules.test_surroundings import asset, links

# A gas leak into the sewer: pressure drops here, and methane rises near by, within the hour.

PIPE = asset("pipe", kind="pipe")
#: About 44 m, 33 m and 67 m to the north.
NEAR, NEARER, FAR = (
    asset(name, kind="chamber", latitude=25.0 + north)
    for name, north in (("a-near", 0.0004), ("b-nearer", 0.0003), ("c-far", 0.0006))
)
METHANE = {"where": {"within_m": 50}, "above": 10}
LEAK = fused(
    {
        "orange": {"all": [leaf("pressure", below=-2), leaf("methane", **METHANE)]},
        "red": {
            "all": [
                leaf("pressure", below=-2),
                {
                    "any": [
                        leaf("methane", **METHANE | {"count": {"at_least": 2}}),
                        leaf("methane", **METHANE | {"above": 50}),
                    ]
                },
            ]
        },
    },
    scope={"asset_kinds": ["pipe"]},
    within_s=3600,
)


def leak() -> Fusion:
    watched = watch((PIPE, "pressure"), (NEAR, "methane"), (NEARER, "methane"), (FAR, "methane"))
    (fusion,) = lay([LEAK], watched, Surroundings([PIPE, NEAR, NEARER, FAR]))
    return fusion


def test_leaves_are_numbered_from_the_worst_level_on_and_equal_ones_once() -> None:
    assert [(name, own.property, own.above, own.count.at_least) for name, own in numbered(LEAK)] == [
        ("f#1", "pressure", None, 1),
        ("f#2", "methane", 10, 2),
        ("f#3", "methane", 50, 1),
        ("f#4", "methane", 10, 1),
    ]


def test_members_are_those_within_the_distance_the_nearest_first() -> None:
    fusion = leak()
    assert (fusion.subject, fusion.area, fusion.asset) == ("asset:pipe", "530102", PIPE)
    assert [own.members for own in fusion.leaves] == [(0,), (2, 1), (2, 1), (2, 1)]
    assert (fusion.level(1), fusion.level(2)) == (Level.ORANGE, Level.RED)
    assert [fusion.rank_of(level) for level in (None, Level.BLUE, Level.ORANGE, Level.RED)] == [0, 1, 1, 2]
    assert fusion.reach == 3600 * SECOND


def test_a_pressure_drop_and_methane_near_by_need_not_coincide() -> None:
    fusion, drop = leak(), steps((0, 1), (600, 0))
    methane = [FALSE, steps((3000, 1), (5000, 0))]
    assert story(fusion, {"1": drop, "2": methane, "3": FALSE, "4": methane}) == [
        ("raised", 3000, "orange"),
        # An hour after the pressure had come back.
        ("cleared", 4200, "orange"),
    ]
    late = [FALSE, steps((4200, 1))]
    assert story(fusion, {"1": drop, "2": late, "3": FALSE, "4": late}) == []
    assert story(fusion, {"1": FALSE, "2": TRUE, "3": TRUE, "4": TRUE}) == []


def test_a_second_chamber_makes_it_worse_and_both_readings_are_named() -> None:
    fusion, drop = leak(), steps((0, 1), (600, 0))
    methane = [steps((1200, 1), (2000, 0)), steps((300, 1))]
    truths: dict[str, Truth | Sequence[Truth]] = {"1": drop, "2": methane, "3": FALSE, "4": methane}
    assert story(fusion, truths) == [
        ("raised", 300, "orange"),
        ("level_changed", 1200, "red"),
        ("cleared", 4200, "red"),
    ]
    found = why(fusion, truths, 1200)
    assert [(own.leaf.name, own.member, own.meets, (own.since - T0) / SECOND) for own in found.supports] == [
        ("f#1", 0, True, 0),
        ("f#2", 2, True, 1200),
        ("f#4", 2, True, 1200),
        ("f#2", 1, True, 300),
        ("f#4", 1, True, 300),
    ]
    assert found.broadest is not None
    assert (found.broadest.supporting, found.broadest.known, found.broadest.total) == (2, 2, 2)
    assert why(fusion, truths, 299).supports == ()


def test_levels_step_down_when_the_worse_one_is_over() -> None:
    fusion = leak()
    methane = [steps((0, 1)), steps((0, 1), (100, 0))]
    events = story(fusion, {"1": TRUE, "2": methane, "3": FALSE, "4": methane})
    assert events == [("raised", 0, "red"), ("level_changed", 3700, "orange")]


# A feeder that fails: four fifths of the lamps of one cabinet are dark.

CABINET = asset("cabinet", kind="cabinet", network="lighting")
LAMPS = tuple(asset(f"lamp-{n:02}", kind="lamp", network="lighting") for n in range(10))
DARK = leaf(
    "light.voltage",
    below=1,
    where={"linked": ["powered_by"], "direction": "from", "asset_kinds": ["lamp"]},
    count={"share_above": 0.79, "members": 5},
)


def feeder(lamps: int = 10) -> tuple[Fusion, ...]:
    own = fused(
        {"orange": DARK}, scope={"asset_kinds": ["cabinet"]}, network="lighting", on_delay_s=60, off_delay_s=120
    )
    powered = links(*(f"{lamp.id} powered_by cabinet" for lamp in LAMPS))
    return lay(
        [own],
        watch(*((lamp, "light.voltage") for lamp in LAMPS[:lamps])),
        Surroundings([CABINET, *LAMPS], powered),
    )


def test_a_feeder_has_failed_when_four_fifths_of_its_lamps_are_dark() -> None:
    (fusion,) = feeder()
    dark = [steps((10 * n, 1)) for n in range(10)]
    assert story(fusion, {"1": dark}) == [("raised", 70 + 60, "orange")]
    assert story(fusion, {"1": [*dark[:7], FALSE, FALSE, FALSE]}) == []
    found = why(fusion, {"1": dark}, 75)
    assert found.tallies[0][1:] == (8, 10, 10)
    assert [own.member for own in found.supports] == list(range(8))


def test_the_share_is_of_the_lamps_that_are_known_and_half_of_them_must_be() -> None:
    (fusion,) = feeder()
    dark = steps((0, 1), (600, 0))
    assert story(fusion, {"1": [dark] * 4 + [FALSE] + [UNKNOWN] * 5}) == [
        ("raised", 60, "orange"),
        ("cleared", 720, "orange"),
    ]
    assert story(fusion, {"1": [dark] * 4 + [UNKNOWN] * 6}) == []


def test_what_is_unknown_ends_no_alert_and_begins_the_off_delay_anew() -> None:
    (fusion,) = feeder()
    lost = steps((0, 1), (600, -1), (700, 0), (800, -1), (900, 0))
    assert story(fusion, {"1": lost}) == [("raised", 60, "orange"), ("cleared", 1020, "orange")]
    # And the on-delay.
    assert story(fusion, {"1": steps((0, 1), (59, -1), (61, 1), (122, 0))}) == [
        ("raised", 121, "orange"),
        ("cleared", 242, "orange"),
    ]


def test_too_few_lamps_are_no_feeder() -> None:
    assert feeder(4) == ()
    assert len(feeder(5)) == 1


# Pumps of a station: fewer than its duty needs.

AVAILABLE = leaf("pump.available", **{"is": True}, count={"fewer_than": {"tag": "duty_pumps"}})


def station(**tags: str) -> tuple[Fusion, ...]:
    own = asset("station", kind="pump_station", network="drainage", tags=tags)
    duty = fused(
        {
            "yellow": leaf("pump.available", **{"is": True}, count={"fewer_than": {"tag": "duty_pumps", "plus": 1}}),
            "red": AVAILABLE,
        },
        scope={"asset_kinds": ["pump_station"]},
        network="drainage",
    )
    return lay([duty], watch(*[(own, "pump.available")] * 3), Surroundings([own]))


def test_a_station_has_fewer_pumps_than_its_duty_needs() -> None:
    (fusion,) = station(duty_pumps="2")
    assert [own.number for own in fusion.leaves] == [2, 3]
    pumps = [TRUE, steps((100, 0), (300, 1), before=1), steps((200, 0), (400, 1), before=1)]
    truths: dict[str, Truth | Sequence[Truth]] = {"1": pumps, "2": pumps}
    assert story(fusion, truths) == [
        ("raised", 100, "yellow"),
        ("level_changed", 200, "red"),
        ("level_changed", 300, "yellow"),
        ("cleared", 400, "yellow"),
    ]
    # What is wrong are the pumps that are not available.
    found = why(fusion, truths, 200)
    assert [(own.leaf.name, own.member, own.meets) for own in found.supports] == [
        ("f#1", 1, False),
        ("f#2", 1, False),
        ("f#1", 2, False),
        ("f#2", 2, False),
    ]
    assert found.tallies[0][1:] == (2, 3, 3)


def test_a_pump_that_is_not_heard_is_neither_available_nor_missing() -> None:
    (fusion,) = station(duty_pumps="2")
    assert story(fusion, {"1": [TRUE, TRUE, UNKNOWN], "2": [TRUE, TRUE, UNKNOWN]}) == []
    # Two at most, and not two for certain.
    pumps = [TRUE, steps((0, 0), before=1), UNKNOWN]
    assert story(fusion, {"1": pumps, "2": pumps}) == [("raised", 0, "yellow")]


def test_what_is_due_before_the_begin_is_caught_up_at_once() -> None:
    (fusion,) = station(duty_pumps="2")
    late = by({"1": FALSE, "2": FALSE}, fusion)
    assert [(t.event.value, t.time, t.rank) for t in evaluate(fusion, late, at(0), at(9), ZONE).transitions] == [
        ("raised", at(0) + 1, 2)
    ]
    assert evaluate(fusion, late, at(0), at(9), ZONE, held=2).transitions == ()


@pytest.mark.parametrize("tags", [{}, {"duty_pumps": "two"}, {"duty_pumps": "-1"}])
def test_a_station_that_does_not_say_how_many_it_needs_is_left_alone(tags: dict[str, str]) -> None:
    assert station(**tags) == ()


# Coverage: the share of silent devices of an area.


def test_an_area_loses_coverage_by_whole_devices_of_the_network() -> None:
    gas = [asset(f"g{n}", area="530102") for n in range(3)]
    lamp, other = asset("lamp", network="lighting"), asset("g9", area="530103")
    silent = leaf(None, absent={"factor": 3}, where={"place": "area"}, count={"share_above": 0.5, "members": 2})
    watched = [
        stream(n, device=device, asset=own.id, property=name, network=own.network, area=own.area)
        for n, (device, own, name) in enumerate(
            [
                ("a", gas[0], "methane"),
                ("a", gas[0], "battery"),
                ("b", gas[1], "methane"),
                ("c", gas[2], "methane"),
                ("l", lamp, "battery"),
                ("o", other, "methane"),
            ]
        )
    ]
    town = Surroundings([*gas, lamp, other])
    (fusion,) = lay([fused({"yellow": silent}, scope={"each": "area"})], watched, town)
    assert (fusion.subject, fusion.area, fusion.asset) == ("area:530102", "530102", None)
    assert fusion.leaves[0].members == (0, 2, 3)
    assert story(fusion, {"1": [steps((0, 1)), steps((60, 1), (90, 0)), FALSE]}) == [
        ("raised", 60, "yellow"),
        ("cleared", 90, "yellow"),
    ]
    (both, _) = lay(
        [fused({"yellow": silent | {"count": {"at_least": 1}}}, scope={"each": "area"}, network="any")], watched, town
    )
    assert both.leaves[0].members == (0, 2, 3, 4)
    (once,) = lay(
        [
            fused(
                {"yellow": silent | {"count": {"at_least": 2}}}, scope={"each": "area", "tags": {}}, network="lighting"
            )
        ],
        [*watched, stream(6, device="m", asset="lamp", network="lighting")],
        town,
    )
    assert once.leaves[0].members == (4, 6)


# Not, unknown, hours, order.

COVER = asset("cover", kind="manhole", network="manhole")


def cover(expression: dict[str, Any], *names: str, **delays: int) -> tuple[Fusion, ...]:
    own = fused({"yellow": expression}, scope={}, network="manhole", **delays)
    return lay([own], watch(*((COVER, name) for name in names)), Surroundings([COVER, PIPE]))


OPENED = leaf("opened", **{"is": True})


def test_not_is_true_only_of_what_is_known_to_be_false_and_is_never_made_longer() -> None:
    expression = {"all": [OPENED, {"not": leaf("flooded", **{"is": True})}]}
    (fusion,) = cover(expression, "opened", "flooded", within_s=600)
    opened = steps((0, 1))
    assert story(fusion, {"1": opened, "2": UNKNOWN}) == []
    assert story(fusion, {"1": opened, "2": steps((50, 0), (100, 1), (130, 0), before=1)}) == [
        ("raised", 50, "yellow"),
        ("cleared", 100, "yellow"),
        ("raised", 130, "yellow"),
    ]
    # Where no such sensor is, nothing says so; where nothing could be true, nothing is laid.
    (alone,) = cover(expression, "opened")
    assert story(alone, {"1": opened, "2": UNKNOWN}) == [("raised", 0, "yellow")]
    assert cover(expression, "flooded") == ()
    assert cover({"not": OPENED}, "flooded") == ()


def test_by_night_is_by_the_clock_of_the_place() -> None:
    (fusion,) = cover({"all": [OPENED, {"hours": "22:00-05:00"}]}, "opened")
    # 08:00 in the morning is 0 s.
    opened = steps((0, 1))
    assert story(fusion, {"1": opened}, until=86_400) == [
        ("raised", 14 * 3600, "yellow"),
        ("cleared", 21 * 3600, "yellow"),
    ]
    outcome = evaluate(fusion, by({"1": opened}, fusion), at(-1), at(100), ZONE)
    assert outcome.next_due == at(14 * 3600)
    assert evaluate(fusion, by({"1": FALSE}, fusion), at(-1), at(100), ZONE).next_due is None


def test_what_is_due_next_is_the_end_of_a_delay_or_of_an_extension() -> None:
    (fusion,) = cover(OPENED, "opened", within_s=30, on_delay_s=60, off_delay_s=90)
    truths = by({"1": steps((0, 1), (40, 0))}, fusion)
    due = [evaluate(fusion, truths, at(-1), at(now), ZONE) for now in (0, 39, 40, 60, 160, 220)]
    # Open at 0, shut at 40, counted until 70: raised at 60; back for 90 s at 160.
    assert [None if own.next_due is None else (own.next_due - T0) / SECOND for own in due] == [
        60,
        60,
        60,
        160,
        None,
        None,
    ]
    assert [own.rank for own in due] == [0, 0, 0, 1, 0, 0]


CLOUDY = {"all": [{"first": leaf("pressure", below=0.05), "then": leaf("turbidity", above=1)}]}


@pytest.mark.parametrize(
    ("turbidity", "expected"),
    [
        (steps((1000, 1), (1500, 0)), [("raised", 1000, "yellow"), ("cleared", 1500, "yellow")]),
        (steps((-5, 1), (1500, 0)), []),
        (steps((4000, 1), (4500, 0)), []),
    ],
)
def test_turbidity_after_a_drop_of_pressure_is_another_matter_than_before(
    turbidity: Truth, expected: list[tuple[str, float, str]]
) -> None:
    (fusion,) = cover(CLOUDY, "pressure", "turbidity", within_s=3600)
    drop = steps((0, 1), (300, 0))
    assert story(fusion, {"1": drop, "2": turbidity}) == expected
    if expected:
        found = why(fusion, {"1": drop, "2": turbidity}, 1000)
        assert [(own.leaf.name, (own.since - T0) / SECOND) for own in found.supports] == [("f#1", 0), ("f#2", 1000)]


def test_an_order_remembers_its_time_twice_and_the_delays_once() -> None:
    (fusion,) = cover(CLOUDY, "pressure", "turbidity", within_s=3600, on_delay_s=60, off_delay_s=30)
    assert fusion.reach == (2 * 3600 + 60) * SECOND
    (fusion,) = cover({"not": OPENED}, "opened", within_s=3600, off_delay_s=30)
    assert fusion.reach == 30 * SECOND


def test_an_order_needs_a_time() -> None:
    with pytest.raises(ValueError, match="`first` and `then` need a time: add within_s"):
        cover(CLOUDY, "pressure")


def test_members_lack_a_limit_that_stands_in_a_tag_they_do_not_carry() -> None:
    rim = [asset("m1", tags={"rim_m": "3.5"}), asset("m2"), asset("m3", tags={"rim_m": "deep"})]
    own = fused(
        {"red": leaf("level", above={"tag": "rim_m"}, where={"place": "everywhere"})}, scope={"asset_kinds": ["pipe"]}
    )
    (fusion,) = lay([own], watch(*((one, "level") for one in rim)), Surroundings([*rim, PIPE]))
    assert fusion.leaves[0].members == (0,)


def test_an_explanation_names_no_more_than_twelve_readings_and_some_of_every_leaf() -> None:
    many = [asset(f"x{n:03}") for n in range(40)]
    own = fused(
        {"red": {"all": [leaf("a", above=1, where={"place": "area"}, count={"at_least": 30}), leaf("b", above=1)]}},
        scope={"asset_kinds": ["pipe"]},
    )
    watched = watch(*((one, "a") for one in many), (PIPE, "b"))
    (fusion,) = lay([own], watched, Surroundings([*many, PIPE]))
    found = why(fusion, {"1": steps((0, 1)), "2": steps((5, 1))}, 10)
    assert len(found.supports) == 12
    assert {own.leaf.name for own in found.supports} == {"f#1", "f#2"}
    assert found.broadest is not None
    assert found.broadest.supporting == 40
