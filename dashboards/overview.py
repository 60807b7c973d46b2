"""The city overview: what is open, where it is, and whether the platform itself hears and tells."""

from dashboards import limits
from dashboards.map import asset_map
from dashboards.page import Page, Row, Section
from dashboards.panels import bars, counted, counts, open_levels, rows
from dashboards.shared import ALERT_COLUMNS, LEVEL_COLOURS, alert_table, silent_devices
from dashboards.words import Text


def sections(page: Page) -> tuple[Section, ...]:
    """The overview, top to bottom: alerts first, then the health of the pipeline."""
    return (_alerts(page), _platform(page))


def _alerts(page: Page) -> Section:
    history = rows(
        page,
        Text("What happened", "报警动态"),
        Text(
            "Raised, changed, cleared and acknowledged in the range; the newest 100.",
            "所选时段内的发生、变化、恢复与确认，最近 100 条。",
        ),
        page.sql("alert_history"),
        ("time", "level", "event", "network", "title", "value", "actor", "comment"),
    )
    exposed = rows(
        page,
        Text("What may be next", "可能受影响的设施"),
        Text(
            "Assets linked to one with an open red or orange alert: fed, drained or powered by it, or next to it.",
            "与存在红色或橙色报警的设施相关联（供给、排入、供电、相邻）的设施。",
        ),
        page.sql("exposed_assets"),
        ("source", "level", "relation", "target", "network"),
    )
    per_hour = counted(
        page,
        Text("Alerts raised per hour", "每小时新增报警"),
        Text("By level, in the range.", "所选时段内按级别统计。"),
        page.sql("alerts_per_hour"),
        columns=LEVEL_COLOURS,
    )
    return Section(
        title=Text("Alerts", "报警"),
        rows=(
            Row(height=4, panels=((24, open_levels(page)),)),
            Row(height=14, panels=((12, asset_map(page)), (12, alert_table(page, ALERT_COLUMNS)))),
            Row(height=9, panels=((12, per_hour), (12, history))),
            Row(height=8, panels=((24, exposed),)),
        ),
    )


def _platform(page: Page) -> Section:
    coverage = bars(
        page,
        Text("Telemetry coverage", "在线率"),
        Text(
            "Share of the devices of each network heard within two of their reporting intervals.",
            "各专项中在两个上报周期内有数据的设备占比。",
        ),
        page.sql("coverage_by_network"),
        value="share",
        unit="percent",
        limits=limits.COVERAGE,
        ends=(0, 100),
    )
    per_minute = counted(
        page,
        Text("Observations per minute", "每分钟观测数"),
        Text(
            "Counted by the time of observation, in the last hour of the range.", "按观测时间统计所选时段的最后一小时。"
        ),
        page.sql("observations_per_minute"),
        columns={"observations": "blue"},
        last="1h",
    )
    letters = rows(
        page,
        Text("Messages not stored", "未入库报文"),
        Text(
            "Dead letters of the range by reason. Each is kept with its raw bytes.",
            "所选时段内未能入库的报文及原因，原始内容均已保留。",
        ),
        page.sql("dead_letters_by_reason"),
        ("reason", "letters", "latest"),
    )
    notifications = counts(
        page,
        Text("Notifications", "通知"),
        Text(
            "Waiting to be sent, failed for good, and events that no address is configured for.",
            "待发送、最终失败，以及没有配置接收人的通知。",
        ),
        page.sql("notifications_waiting"),
        {
            "pending": limits.NORMAL,
            "oldest_pending_s": limits.WAITING,
            "failed": limits.NONE_IS_GOOD,
            "unaddressed": limits.NONE_IS_GOOD,
        },
    )
    return Section(
        title=Text("The platform", "平台运行"),
        rows=(
            Row(height=4, panels=((24, notifications),)),
            Row(height=9, panels=((8, coverage), (16, per_minute))),
            Row(height=9, panels=((12, letters), (12, silent_devices(page)))),
        ),
    )
