"""Water supply: pressure, what disinfects and what clouds, tanks and pumps."""

from dashboards import limits
from dashboards.page import Page, Row, Section
from dashboards.panels import bars, chart, switches
from dashboards.words import Text


def sections(page: Page) -> tuple[Section, ...]:
    """What a water dispatcher looks at."""
    lowest = bars(
        page,
        Text("Lowest pressure now", "当前压力最低的十处"),
        Text("The end of the network needs 0.14 MPa.", "管网末梢服务压力不应低于 0.14 MPa。"),
        page.sql("lowest_now", properties=("water.pressure",)),
        value="value",
        unit="suffix: MPa",
        limits=limits.WATER_PRESSURE,
        ends=(0, 0.6),
    )
    pressure = chart(
        page,
        Text("Pressure", "管网压力"),
        Text(
            "The lowest value of each interval. Dashed: 0.10, 0.14 and 0.20 MPa.",
            "各时段最小值；虚线为 0.10、0.14、0.20 MPa。",
        ),
        ("water.pressure",),
        limits=limits.WATER_PRESSURE,
        aggregate="minimum",
    )
    chlorine = chart(
        page,
        Text("Free chlorine", "余氯"),
        Text("Limits of the network: 0.05 to 2.0 mg/L.", "管网限值 0.05 至 2.0 mg/L。"),
        ("water.cl2.free",),
        limits=limits.CHLORINE,
    )
    turbidity = chart(
        page,
        Text("Turbidity", "浊度"),
        Text("The highest value of each interval. Limit: 1 NTU.", "各时段最大值，限值 1 NTU。"),
        ("water.turbidity",),
        limits=limits.TURBIDITY,
        aggregate="maximum",
    )
    flow = chart(page, Text("Flow", "流量"), Text("At the inlets of districts.", "分区入口流量。"), ("water.flow",))
    tanks = chart(
        page,
        Text("Tank levels", "水池液位"),
        Text("Clear wells and tanks.", "清水池与高位水池。"),
        ("water.tank.level",),
    )
    pumps = switches(
        page,
        Text("Pumps", "水泵"),
        Text("Running or stopped over time.", "水泵启停变化。"),
        ("water.pump.state",),
        off=(Text("Stopped", "停止"), "grey"),
        on=(Text("Running", "运行"), "green"),
    )
    return (
        Section(title=Text("Pressure", "压力"), rows=(Row(height=9, panels=((8, lowest), (16, pressure))),)),
        Section(title=Text("Quality", "水质"), rows=(Row(height=9, panels=((12, chlorine), (12, turbidity))),)),
        Section(
            title=Text("Flow, tanks and pumps", "流量、水池与水泵"),
            rows=(Row(height=9, panels=((8, flow), (8, tanks), (8, pumps))),),
        ),
    )
