"""Resilience: how fast trouble is found, taken and over, and how much of the telemetry is there."""

from grafana_foundation_sdk.models.dashboard import Panel

from dashboards import limits
from dashboards.page import Page, Row, Section
from dashboards.panels import bars, counts, rows
from dashboards.words import Text


def sections(page: Page) -> tuple[Section, ...]:
    """What an emergency office answers for."""
    return (
        Section(
            title=Text("Incidents", "事件"),
            rows=(
                Row(height=4, panels=((8, _counts(page)), (16, _times(page)))),
                Row(height=10, panels=((15, _incidents(page)), (9, _by_network(page)))),
            ),
        ),
        Section(
            title=Text("Districts and assets", "区县与设施"),
            rows=(Row(height=9, panels=((12, _availability(page)), (12, _assets(page)))),),
        ),
    )


def _counts(page: Page) -> Panel:
    return counts(
        page,
        Text("Incidents of the range", "所选时段的事件"),
        Text(
            "Fused warnings, and alerts that were red or orange at any time.", "融合预警，以及曾达到红色或橙色的报警。"
        ),
        page.sql("incident_counts"),
        {
            "incidents": limits.NORMAL,
            "not_acknowledged": limits.NONE_IS_GOOD,
            "not_restored": limits.NONE_IS_GOOD,
        },
    )


def _times(page: Page) -> Panel:
    return counts(
        page,
        Text("Time to detect, acknowledge and restore", "发现、确认与恢复用时"),
        Text(
            "From the begin of the condition until it was on record; from then until somebody took it; from the begin "
            "until it was over.",
            "从发生到记录；从记录到确认；从发生到恢复。",
        ),
        page.sql("incident_times"),
        {
            "detect_median_s": limits.DETECT,
            "detect_p90_s": limits.DETECT,
            "acknowledge_median_s": limits.ACKNOWLEDGE,
            "acknowledge_p90_s": limits.ACKNOWLEDGE,
            "restore_median_s": limits.RESTORE,
            "restore_p90_s": limits.RESTORE,
        },
        unit="s",
        decimals=1,
    )


def _incidents(page: Page) -> Panel:
    return rows(
        page,
        Text("Incidents", "事件列表"),
        Text("The newest 100, with the worst level of each.", "最近 100 个事件及其最高级别。"),
        page.sql("incidents"),
        ("time", "level", "network", "title", "place", "detect_min", "acknowledge_min", "restore_min"),
    )


def _by_network(page: Page) -> Panel:
    return rows(
        page,
        Text("By network", "按专项"),
        Text("How long nine of ten incidents took at most.", "九成事件的用时上限。"),
        page.sql("incidents_by_network"),
        ("network", "incidents", "detect_min", "acknowledge_min", "restore_min"),
    )


def _availability(page: Page) -> Panel:
    return bars(
        page,
        Text("Availability by district", "各区县在线率"),
        Text(
            "Share of device-time with telemetry, in whole hours; the 20 lowest. In brackets: devices.",
            "有数据的设备时长占比，按整小时统计，最低的 20 个；括号内为设备数。",
        ),
        page.sql("availability_by_district"),
        value="share",
        unit="percent",
        limits=limits.COVERAGE,
        ends=(0, 100),
    )


def _assets(page: Page) -> Panel:
    return rows(
        page,
        Text("Shortest time between alarms", "报警间隔最短的设施"),
        Text("The length of the range divided by the alarms of the asset.", "所选时段时长除以该设施的报警数。"),
        page.sql("asset_alarms"),
        ("place", "network", "alarms", "between_h"),
    )
