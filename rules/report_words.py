"""The words of a backtest's report, in both languages, and how it writes times and numbers."""

from datetime import tzinfo
from zoneinfo import ZoneInfo

from domain.alert import LEVEL_NAMES_ZH, Level
from domain.kpi_names import ALARM_NAMES
from domain.times import to_datetime

_WORDS: dict[str, tuple[str, str]] = {
    # Figures are called as everywhere.
    **ALARM_NAMES,
    "backtest": ("Backtest", "规则回测"),
    "period": ("Period", "时段"),
    "observations": ("Observations", "监测数据"),
    "rules": ("Rules", "规则"),
    "alerts": ("Alerts", "警情"),
    "new": ("New", "新增"),
    "lost": ("Lost", "消失"),
    "moved": ("Moved", "变动"),
    "same": ("Same", "相同"),
    "timeline": ("Alerts of each rule over time", "各规则警情时间线"),
    "load": ("Alerts raised", "警情数量"),
    "per": ("in each", "每"),
    "top": ("The ten rules with the most alerts", "警情最多的十条规则"),
    "kpis": ("Figures", "指标"),
    "figure": ("figure", "指标"),
    "value": ("value", "数值"),
    "before": ("before", "原规则"),
    "change": ("change", "变化"),
    "target": ("asked", "要求"),
    "table": ("All alerts", "警情清单"),
    "charts": ("Readings around alerts", "警情前后的监测数据"),
    "filter": ("Filter by any word", "输入关键字筛选"),
    "all_levels": ("all levels", "全部级别"),
    "raised": ("raised", "发生"),
    "cleared": ("cleared", "解除"),
    "lasting": ("lasting", "持续"),
    "still": ("still active", "未解除"),
    "level": ("level", "级别"),
    "alert": ("alert", "警情"),
    "rule": ("rule", "规则"),
    "where": ("where", "地点"),
    "difference": ("difference", "对比"),
    "none": ("No alert was raised.", "无警情。"),
    "left_out_rules": (
        "{count} further rules with fewer alerts are not drawn.",
        "另有{count}条警情较少的规则未绘出。",
    ),
    "left_out_charts": (
        "Drawn for {shown} of {count} alerts, the gravest first. Peaks are kept, other readings thinned out.",
        "按级别从高到低绘出{count}条警情中的{shown}条；曲线保留峰值，其余数据经过抽稀。",
    ),
    "no_limits": (
        "No limit is drawn: the rule compares a measure of these readings, or several of them.",
        "未绘限值线：该规则比较的是由读数计算的量，或综合多个读数。",
    ),
    "failures": ("Rules that failed", "运行出错的规则"),
    "minutes10": ("10 minutes", "10分钟"),
    "hour": ("hour", "小时"),
    "hours6": ("6 hours", "6小时"),
    "day": ("day", "天"),
    "days7": ("7 days", "7天"),
}


class Words:
    """One language and one place.

    Args:
        language: `en` or `zh`.
        zone: Whose clock the times are written by.
    """

    def __init__(self, language: str, zone: str) -> None:
        self.language = language
        self.zone = zone
        self._zone: tzinfo = ZoneInfo(zone)
        self._at = 1 if language == "zh" else 0

    def __call__(self, name: str, **facts: object) -> str:
        """A word or sentence."""
        return _WORDS[name][self._at].format_map(facts)

    def either(self, en: str, zh: str) -> str:
        """Of two texts the one in this language."""
        return (en, zh)[self._at]

    def target(self, text: str) -> str:
        """What is asked of a figure, as people write it."""
        text = text.replace("<=", "≤").replace(">=", "≥")
        return text.replace(", at most ", "，最多") if self._at else text

    def level(self, level: Level) -> str:
        """The name of a level."""
        return LEVEL_NAMES_ZH[level.label] if self._at else level.label

    def moment(self, micros: int, pattern: str = "%Y-%m-%d %H:%M:%S") -> str:
        """An instant by the clock of the place."""
        return to_datetime(micros).astimezone(self._zone).strftime(pattern)

    def lasting(self, micros: int) -> str:
        """A duration in its two largest units."""
        seconds = round(micros / 1e6)
        parts = []
        for unit, size in ((("d", "天"), 86_400), (("h", "时"), 3600), (("min", "分"), 60), (("s", "秒"), 1)):
            count, seconds = divmod(seconds, size)
            if count:
                parts.append(f"{count} {unit[0]}" if not self._at else f"{count}{unit[1]}")
        joint = "" if self._at else " "
        return joint.join(parts[:2]) or ("0秒" if self._at else "0 s")
