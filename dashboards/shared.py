"""Panels that several dashboards show."""

from collections.abc import Sequence

from grafana_foundation_sdk.models.dashboard import Panel

from dashboards import limits
from dashboards.page import Page, Row, Section
from dashboards.panels import bars, counted, open_levels, rows
from dashboards.words import LEVELS, Text

LEVEL_COLOURS = {level: level for level in LEVELS}
ALERT_COLUMNS = (
    "time",
    "level",
    "network",
    "title",
    "place",
    "value",
    "threshold",
    "state",
    "acknowledged",
    "acknowledged_by",
)


def alert_table(page: Page, columns: Sequence[str] = ALERT_COLUMNS) -> Panel:
    """The newest open alerts."""
    return rows(
        page,
        Text("Open alerts", "未关闭报警"),
        Text("The newest 100 that are active or not yet acknowledged.", "仍在持续或尚未确认的报警，最近 100 条。"),
        page.sql("open_alerts"),
        columns,
    )


def silent_devices(page: Page) -> Panel:
    """Devices that are overdue. A silent sensor is never a normal one."""
    return rows(
        page,
        Text("Silent devices", "静默设备"),
        Text(
            "Not heard for two reporting intervals; up to 100, those that never spoke first. "
            "Nothing is known of what they watch.",
            "超过两个上报周期没有数据的设备，最多 100 台，从未上报者在前。其监测对象状态未知。",
        ),
        page.sql("silent_devices"),
        ("place", "device", "interval_s", "last_heard", "silent_min"),
    )


def summary(page: Page) -> Section:
    """The head of every network's dashboard."""
    coverage = bars(
        page,
        Text("Telemetry coverage", "在线率"),
        Text("Share of the devices heard within two of their reporting intervals.", "两个上报周期内有数据的设备占比。"),
        page.sql("coverage_by_network"),
        value="share",
        unit="percent",
        limits=limits.COVERAGE,
        ends=(0, 100),
    )
    per_hour = counted(
        page,
        Text("Alerts raised per hour", "每小时新增报警"),
        Text("By level, in the range.", "所选时段内按级别统计。"),
        page.sql("alerts_per_hour"),
        columns=LEVEL_COLOURS,
    )
    return Section(
        title=Text("Now", "当前状态"),
        rows=(
            Row(height=4, panels=((16, open_levels(page)), (8, coverage))),
            Row(height=8, panels=((14, alert_table(page)), (10, per_hour))),
        ),
    )


def details(page: Page) -> Section:
    """The foot of every network's dashboard."""
    latest = rows(
        page,
        Text("Latest values", "最新数值"),
        Text("Of the chosen devices, up to 500.", "所选设备的最新数值，最多 500 条。"),
        page.sql("latest_values"),
        ("place", "device", "property", "value", "unit", "time", "quality"),
    )
    return Section(
        title=Text("Devices", "设备"),
        rows=(Row(height=12, panels=((14, latest), (10, silent_devices(page)))),),
    )
