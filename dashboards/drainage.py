"""Drainage: rain, water on the road, wet wells, pumps."""

from dashboards import limits
from dashboards.page import Page, Row, Section
from dashboards.panels import bars, chart, counts, rows, switches
from dashboards.words import Text


def sections(page: Page) -> tuple[Section, ...]:
    """What a flood-control dispatcher looks at."""
    deepest = bars(
        page,
        Text("Deepest water on roads now", "当前道路积水前十"),
        Text(
            "Blue from 5, yellow from 15, orange from 25, red from 40 cm.",
            "5 cm 蓝色，15 cm 黄色，25 cm 橙色，40 cm 红色。",
        ),
        page.sql("highest_now", properties=("drain.road.depth",)),
        value="value",
        unit="suffix: cm",
        limits=limits.ROAD_DEPTH,
        ends=(0, 60),
    )
    depth = chart(
        page,
        Text("Water on roads", "道路积水深度"),
        Text("The highest value of each interval.", "各时段最大值。"),
        ("drain.road.depth",),
        limits=limits.ROAD_DEPTH,
        aggregate="maximum",
    )
    rain = chart(
        page,
        Text("Rain", "降雨强度"),
        Text("The highest intensity of each interval.", "各时段最大强度。"),
        ("drain.rain",),
        aggregate="maximum",
    )
    sewers = chart(
        page,
        Text("Levels in pipes", "管道液位"),
        Text("The highest value of each interval.", "各时段最大值。"),
        ("drain.level",),
        aggregate="maximum",
    )
    wells = chart(
        page,
        Text("Wet wells", "集水井液位"),
        Text("Levels at pump stations, the highest of each interval.", "泵站集水井液位，各时段最大值。"),
        ("pump.wetwell.level",),
        aggregate="maximum",
    )
    running = counts(
        page,
        Text("Pumps", "水泵"),
        Text("Running and stopped, of those heard from.", "在线水泵的运行与停止台数。"),
        page.sql("share_on", properties=("pump.state",)),
        {"on": "green", "off": "grey", "share": limits.NORMAL},
    )
    tripped = rows(
        page,
        Text("Tripped pumps", "故障水泵"),
        Text("Pumps that report a fault now.", "当前上报故障的水泵。"),
        page.sql("switched_on", properties=("pump.fault", "pump.leak")),
        ("place", "device", "property", "time"),
    )
    runs = switches(
        page,
        Text("Pump runs", "水泵运行过程"),
        Text("Running or stopped over time.", "水泵启停变化。"),
        ("pump.state",),
        off=(Text("Stopped", "停止"), "grey"),
        on=(Text("Running", "运行"), "green"),
    )
    current = chart(
        page,
        Text("Pump current", "水泵电流"),
        Text("A pump that is on and draws nothing moves no water.", "已启动而无电流的水泵并未排水。"),
        ("pump.current",),
    )
    return (
        Section(
            title=Text("Rain and roads", "降雨与道路"),
            rows=(
                Row(height=9, panels=((8, deepest), (16, depth))),
                Row(height=8, panels=((12, rain), (12, sewers))),
            ),
        ),
        Section(
            title=Text("Pump stations", "泵站"),
            rows=(
                Row(height=9, panels=((12, wells), (12, current))),
                Row(height=8, panels=((6, running), (10, runs), (8, tripped))),
            ),
        ),
    )
