"""Exercises: what goes on in the newest one, under a banner that nobody can take for the real thing."""

from grafana_foundation_sdk.builders import text
from grafana_foundation_sdk.models.dashboard import Panel
from grafana_foundation_sdk.models.text import TextMode

from dashboards.page import Page, Row, Section
from dashboards.panels import counts, rows
from dashboards.shared import LEVEL_COLOURS
from dashboards.words import Text

_BANNER = Text(
    "EXERCISE – nothing on this page is real. Nobody is to be sent out because of it.",
    "【演练】本页内容均为演练，并非真实警情，请勿据此实际出动。",
)


def sections(page: Page) -> tuple[Section, ...]:
    """The banner first, then the exercise that runs or was the last."""
    levels = counts(
        page,
        Text("EXERCISE – open alerts by level", "【演练】未关闭报警"),
        Text("Of the exercise that runs.", "正在进行的演练。"),
        page.sql("exercise_levels"),
        LEVEL_COLOURS,
    )
    alerts = rows(
        page,
        Text("EXERCISE – alerts", "【演练】报警"),
        Text("Of the newest exercise; those that people were told of.", "最近一次演练中已通知的报警。"),
        page.sql("exercise_alerts"),
        ("time", "level", "network", "title", "state", "acknowledged", "acknowledged_by", "ended_at"),
    )
    history = rows(
        page,
        Text("EXERCISE – what happened", "【演练】报警动态"),
        Text("Of the newest exercise, by the clock of the database.", "最近一次演练，按数据库时钟。"),
        page.sql("exercise_history"),
        ("time", "level", "event", "title", "actor", "addressee", "comment"),
    )
    listed = rows(
        page,
        Text("Exercises", "历次演练"),
        Text(
            "The newest 50. `lifeline drill report` tells of each.", "最近 50 次；评估报告见 `lifeline drill report`。"
        ),
        page.sql("exercise_list"),
        ("exercise", "title", "scenario", "actor", "started_at", "ended_at"),
    )
    told = rows(
        page,
        Text("EXERCISE – notifications", "【演练】通知"),
        Text("Of the newest exercise, by channel.", "最近一次演练，按通道统计。"),
        page.sql("exercise_notifications"),
        ("channel", "pending", "sent", "failed", "unaddressed"),
    )
    return (
        Section(
            title=Text("EXERCISE – not real", "【演练】非真实警情"),
            rows=(
                Row(height=4, panels=((24, _banner(page)),)),
                Row(height=4, panels=((24, levels),)),
                Row(height=11, panels=((12, alerts), (12, history))),
                Row(height=8, panels=((14, listed), (10, told))),
            ),
        ),
    )


def _banner(page: Page) -> Panel:
    content = f"# {page.text(_BANNER)}"
    built = text.Panel().mode(TextMode.MARKDOWN).content(content).transparent(False).build()
    built.title = page.text(Text("EXERCISE", "【演练】"))
    built.description = page.text(_BANNER)
    return built
