"""Gas: methane in chambers and stations, pressures, valves."""

from dashboards import limits
from dashboards.page import Page, Row, Section
from dashboards.panels import bars, chart, rows, switches
from dashboards.words import Text

METHANE = ("gas.ch4.chamber", "gas.ch4.station")


def sections(page: Page) -> tuple[Section, ...]:
    """What a gas dispatcher looks at."""
    highest = bars(
        page,
        Text("Highest methane now", "当前甲烷浓度前十"),
        Text(
            "The ten highest fresh values, in %LEL (100 %LEL is 5 % by volume).",
            "最新数值前十，单位 %LEL（100 %LEL 即体积分数 5%）。",
        ),
        page.sql("highest_now", properties=METHANE),
        value="value",
        unit="suffix: %LEL",
        limits=limits.METHANE,
        ends=(0, 100),
    )
    methane = chart(
        page,
        Text("Methane", "甲烷浓度"),
        Text(
            "The highest value of each interval. Dashed: 10, 20, 25 and 50 %LEL.",
            "各时段最大值；虚线为 10、20、25、50 %LEL。",
        ),
        METHANE,
        limits=limits.METHANE,
        aggregate="maximum",
    )
    medium = chart(
        page,
        Text("Main pressure", "中压管网压力"),
        Text("The lowest value of each interval: a leak shows as a fall.", "各时段最小值，泄漏表现为压力下降。"),
        ("gas.pressure.mp",),
        aggregate="minimum",
    )
    low = chart(
        page,
        Text("Low pressure", "低压压力"),
        Text("At the outlet of regulators.", "调压器出口压力。"),
        ("gas.pressure.lp",),
    )
    flow = chart(page, Text("Flow", "流量"), Text("At standard conditions.", "标况流量。"), ("gas.flow",))
    flooded = rows(
        page,
        Text("Flooded valve wells", "进水阀井"),
        Text(
            "A flooded well blinds its methane sensor: distrust a zero there.", "进水会使甲烷传感器失效，其零值不可信。"
        ),
        page.sql("switched_on", properties=("gas.well.water",)),
        ("place", "device", "property", "time"),
    )
    valves = switches(
        page,
        Text("Valves", "阀门"),
        Text("Open or closed over time.", "阀门开关变化。"),
        ("gas.valve.state",),
        off=(Text("Closed", "关闭"), "orange"),
        on=(Text("Open", "开启"), "green"),
    )
    return (
        Section(
            title=Text("Methane", "甲烷"),
            rows=(Row(height=9, panels=((8, highest), (16, methane))),),
        ),
        Section(
            title=Text("Pressure, flow and valves", "压力、流量与阀门"),
            rows=(
                Row(height=9, panels=((12, medium), (12, low))),
                Row(height=8, panels=((8, flow), (8, valves), (8, flooded))),
            ),
        ),
    )
