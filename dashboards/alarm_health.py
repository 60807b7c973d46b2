"""Alarm health: the KPIs of ISA-18.2, and where the load comes from."""

from grafana_foundation_sdk.models.dashboard import Panel

from dashboards import limits
from dashboards.page import Page, Row, Section
from dashboards.panels import counts, lines, rows
from dashboards.words import Text


def sections(page: Page) -> tuple[Section, ...]:
    """What a person who looks after the rules wants to know."""
    return (
        Section(
            title=Text("Load", "报警负荷"),
            rows=(
                Row(height=4, panels=((17, _figures(page)), (7, _unheard(page)))),
                Row(height=8, panels=((12, _rate(page)), (12, _intervals(page)))),
            ),
        ),
        Section(
            title=Text("Where it comes from", "负荷来源"),
            rows=(
                Row(height=9, panels=((10, _top(page)), (7, _levels(page)), (7, _positions(page)))),
                Row(height=8, panels=((8, _floods(page)), (8, _stale(page)), (8, _chattering(page)))),
            ),
        ),
        Section(
            title=Text("Response", "响应"),
            rows=(Row(height=4, panels=((24, _responses(page)),)),),
        ),
    )


def _figures(page: Page) -> Panel:
    return counts(
        page,
        Text("Alarms of the range", "所选时段的报警"),
        Text(
            "Announced alarms and warnings. Asked: at most 6 an hour for each operator position (12 can be managed), "
            "at most 10 in ten minutes, no chattering and no fleeting alarms, fewer than 5 stale ones.",
            "已通知的报警与预警。要求：每个岗位每小时不超过 6 条（12 条为可应对上限），十分钟内不超过 10 条，"
            "无抖动和瞬时报警，陈旧报警少于 5 条。",
        ),
        page.sql("alarm_health"),
        {
            "alarms": limits.NORMAL,
            "per_hour": limits.ALARM_RATE,
            "worst_day": limits.ALARM_DAY,
            "peak": limits.ALARM_PEAK,
            "floods": limits.NONE_IS_GOOD,
            "chattering": limits.NONE_IS_GOOD,
            "fleeting": limits.NONE_IS_GOOD,
            "stale": limits.STALE,
        },
        decimals=1,
    )


def _unheard(page: Page) -> Panel:
    return counts(
        page,
        Text("Beside the load", "其他"),
        Text(
            "Waiting for an acknowledgement now; raised in the range and never announced (inhibited, suppressed, "
            "shelved); announced and withdrawn when late readings came.",
            "当前等待确认；所选时段内发生但未通知（被抑制、屏蔽或搁置）；通知后因迟到数据撤回。",
        ),
        page.sql("alarms_unheard"),
        {
            "unacknowledged": limits.NONE_IS_GOOD,
            "held_back": limits.NORMAL,
            "withdrawn": limits.NONE_IS_GOOD,
        },
    )


def _rate(page: Page) -> Panel:
    return lines(
        page,
        Text("Alarms per hour", "每小时报警数"),
        Text(
            "Beside what one operator position can accept (6) and manage at most (12).",
            "对照单个岗位可接受（6 条）与可应对上限（12 条）。",
        ),
        page.sql("alarm_rate"),
        columns={"alarms": "blue", "acceptable": "yellow", "manageable": "red"},
    )


def _intervals(page: Page) -> Panel:
    return lines(
        page,
        Text("Alarms in ten minutes", "每十分钟报警数"),
        Text(
            "A flood begins above 10 alarms in ten minutes and ends below 5.",
            "十分钟内超过 10 条即为报警泛滥，低于 5 条时结束。",
        ),
        page.sql("alarm_intervals"),
        columns={"alarms": "blue", "in_flood": "red", "manageable": "orange"},
    )


def _top(page: Page) -> Panel:
    return rows(
        page,
        Text("The ten heaviest alarms", "前十位报警"),
        Text(
            "Together they should be at most 5 % of the load; each deserves a plan.",
            "合计不宜超过总量的 5%，每一项都应有整改措施。",
        ),
        page.sql("alarm_top"),
        ("rule", "subject", "alarms", "share", "peak"),
    )


def _levels(page: Page) -> Panel:
    return rows(
        page,
        Text("Mix of levels", "级别分布"),
        Text("As raised. When everything is urgent, nothing is.", "按发生时的级别统计。处处紧急，便无轻重缓急。"),
        page.sql("alarm_levels"),
        ("level", "alarms", "share", "asked"),
    )


def _positions(page: Page) -> Panel:
    return rows(
        page,
        Text("Operator positions", "值班岗位"),
        Text("The owners of the rules; empty where none is known.", "规则的责任岗位；未知时为空。"),
        page.sql("alarm_positions"),
        ("position", "alarms", "per_hour", "peak"),
    )


def _floods(page: Page) -> Panel:
    return rows(
        page,
        Text("Floods", "报警泛滥"),
        Text("The newest 50. Less than 1 % of the time should be in flood.", "最近 50 次；泛滥时间占比应低于 1%。"),
        page.sql("alarm_floods"),
        ("started_at", "ended_at", "alarms", "peak"),
    )


def _stale(page: Page) -> Panel:
    return rows(
        page,
        Text("Stale alarms", "陈旧报警"),
        Text(
            "Stood for more than 24 hours; the oldest 50. Fewer than 5 on any day are acceptable.",
            "持续超过 24 小时，最久的 50 条；任一天应少于 5 条。",
        ),
        page.sql("alarm_stale"),
        ("raised_at", "rule", "place", "stale_to", "standing"),
    )


def _chattering(page: Page) -> Panel:
    return rows(
        page,
        Text("Chattering alarms", "抖动报警"),
        Text(
            "Raised and cleared three times within a minute. A delay or hysteresis in the rule mends it.",
            "一分钟内发生并恢复三次。可在规则中加延时或回差。",
        ),
        page.sql("alarm_chattering"),
        ("rule", "subject", "bursts"),
    )


def _responses(page: Page) -> Panel:
    return counts(
        page,
        Text("Time to acknowledge and to clear", "确认与解除用时"),
        Text(
            "From the announcement to the acknowledgement; from the begin of the condition to its end.",
            "从通知到确认的用时；从发生到恢复的用时。",
        ),
        page.sql("alarm_responses"),
        {
            "acknowledge_median_s": limits.ACKNOWLEDGE,
            "acknowledge_p90_s": limits.ACKNOWLEDGE,
            "acknowledge_max_s": limits.NORMAL,
            "clear_median_s": limits.NORMAL,
            "clear_p90_s": limits.NORMAL,
            "clear_max_s": limits.NORMAL,
        },
        unit="s",
        decimals=1,
    )
