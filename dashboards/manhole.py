"""Manholes: covers, and the air and water below them."""

from dashboards import limits
from dashboards.page import Page, Row, Section
from dashboards.panels import bars, chart, rows
from dashboards.words import Text


def sections(page: Page) -> tuple[Section, ...]:
    """What whoever keeps people from falling in looks at."""
    opened = rows(
        page,
        Text("Open covers", "开启的井盖"),
        Text("Covers that report open now, the latest first.", "当前处于开启状态的井盖，最近者在前。"),
        page.sql("switched_on", properties=("manhole.open",)),
        ("place", "device", "property", "time"),
    )
    tilted = bars(
        page,
        Text("Most tilted covers now", "当前倾角前十"),
        Text("From 10 degrees a cover has moved.", "倾角达到 10° 即视为移位。"),
        page.sql("highest_now", properties=("manhole.tilt",)),
        value="value",
        unit="suffix: °",
        limits=limits.TILT,
        ends=(0, 90),
    )
    level = chart(
        page,
        Text("Water in manholes", "井内液位"),
        Text("The highest value of each interval.", "各时段最大值。"),
        ("manhole.level",),
        aggregate="maximum",
    )
    methane = chart(
        page,
        Text("Methane", "甲烷"),
        Text(
            "The highest value of each interval. Dashed: 10, 20, 25 and 50 %LEL.",
            "各时段最大值；虚线为 10、20、25、50 %LEL。",
        ),
        ("manhole.ch4",),
        limits=limits.METHANE,
        aggregate="maximum",
    )
    sulfide = chart(
        page,
        Text("Hydrogen sulfide", "硫化氢"),
        Text("The highest value of each interval. Limit for work: 10 mg/m³.", "各时段最大值，作业限值 10 mg/m³。"),
        ("manhole.h2s",),
        limits=limits.HYDROGEN_SULFIDE,
        aggregate="maximum",
    )
    monoxide = chart(
        page,
        Text("Carbon monoxide", "一氧化碳"),
        Text(
            "The highest value of each interval. Limits for work: 20 and 30 mg/m³.",
            "各时段最大值，作业限值 20 与 30 mg/m³。",
        ),
        ("manhole.co",),
        limits=limits.CARBON_MONOXIDE,
        aggregate="maximum",
    )
    oxygen = chart(
        page,
        Text("Oxygen", "氧气"),
        Text(
            "The lowest value of each interval. Work needs 19.5 to 23.5 %.", "各时段最小值，作业要求 19.5% 至 23.5%。"
        ),
        ("manhole.o2",),
        limits=limits.OXYGEN,
        aggregate="minimum",
    )
    return (
        Section(
            title=Text("Covers and water", "井盖与液位"),
            rows=(Row(height=9, panels=((8, opened), (8, tilted), (8, level))),),
        ),
        Section(
            title=Text("Air", "井内气体"),
            rows=(
                Row(height=8, panels=((12, methane), (12, sulfide))),
                Row(height=8, panels=((12, monoxide), (12, oxygen))),
            ),
        ),
    )
