"""Street lighting: lamps that are lit, the voltage they get, the current that leaks."""

from dashboards import limits
from dashboards.page import Page, Row, Section
from dashboards.panels import bars, chart, counts, rows, switches
from dashboards.words import Text


def sections(page: Page) -> tuple[Section, ...]:
    """What whoever keeps the streets lit, and people from shock, looks at."""
    lit = counts(
        page,
        Text("Lit lamps", "亮灯率"),
        Text("Of the lamps heard from. Roads call for 97 % at night.", "在线灯具的亮灯率，夜间要求不低于 97%。"),
        page.sql("share_on", properties=("light.state",)),
        {"on": "green", "off": "grey", "share": limits.LIT_RATE},
    )
    band = counts(
        page,
        Text("Supply voltage, 198 to 235.4 V", "供电电压 198 至 235.4 V"),
        Text("How many readings are below, within and above the band now.", "当前偏低、正常与偏高的测点数。"),
        page.sql("band_now", properties=("light.voltage",), band=limits.LAMP_VOLTAGE_BAND),
        {"below": limits.NONE_IS_GOOD, "within": "green", "above": limits.NONE_IS_GOOD},
    )
    voltage = chart(
        page,
        Text("Supply voltage", "供电电压"),
        Text("Dashed: 198 and 235.4 V.", "虚线为 198 V 与 235.4 V。"),
        ("light.voltage",),
        limits=limits.LAMP_VOLTAGE,
    )
    leaking = bars(
        page,
        Text("Highest residual current now", "当前剩余电流前十"),
        Text("Yellow from 30, orange from 100, red from 300 mA.", "30 mA 黄色，100 mA 橙色，300 mA 红色。"),
        page.sql("highest_now", properties=("light.leak",)),
        value="value",
        unit="suffix: mA",
        limits=limits.RESIDUAL_CURRENT,
        ends=(0, 300),
    )
    leak = chart(
        page,
        Text("Residual current", "剩余电流"),
        Text("The highest value of each interval.", "各时段最大值。"),
        ("light.leak",),
        limits=limits.RESIDUAL_CURRENT,
        aggregate="maximum",
    )
    power = chart(
        page, Text("Active power", "有功功率"), Text("By circuit or lamp.", "按回路或灯具。"), ("light.power",)
    )
    states = switches(
        page,
        Text("Lamps over time", "灯具开关过程"),
        Text("On or off.", "开关变化。"),
        ("light.state",),
        off=(Text("Off", "关"), "grey"),
        on=(Text("On", "开"), "yellow"),
    )
    doors = rows(
        page,
        Text("Open cabinet doors", "开启的箱门"),
        Text("Cabinets that report an open door now.", "当前箱门开启的配电箱。"),
        page.sql("switched_on", properties=("light.door",)),
        ("place", "device", "property", "time"),
    )
    return (
        Section(
            title=Text("Lamps and supply", "灯具与供电"),
            rows=(
                Row(height=4, panels=((12, lit), (12, band))),
                Row(height=9, panels=((12, voltage), (12, power))),
                Row(height=8, panels=((14, states), (10, doors))),
            ),
        ),
        Section(
            title=Text("Safety", "用电安全"),
            rows=(Row(height=9, panels=((8, leaking), (16, leak))),),
        ),
    )
