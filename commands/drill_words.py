"""What reports on exercises say, in both languages, and how they write times."""

from datetime import tzinfo
from zoneinfo import ZoneInfo

from domain.exercise import Words as Titled
from domain.exercise_mark import BANNER_EN, BANNER_ZH
from domain.times import to_datetime

#: Below so many seconds a tenth matters; from so many on minutes are shown, and hours.
_FEW, _MINUTES, _HOURS = 10, 120, 7200

_WORDS: dict[str, tuple[str, str]] = {
    "report": ("After-action report", "演练评估报告"),
    "banner": ("EXERCISE – nothing of this is real", "【演练】本报告所载均非真实警情"),
    "exercise": ("Exercise", "演练"),
    "scenario": ("Scenario", "场景"),
    "held_by": ("Held by", "组织人"),
    "started": ("Began", "开始"),
    "ended": ("Ended", "结束"),
    "running": ("still running", "进行中"),
    "speed": ("Speed", "时间倍速"),
    "incident": ("Incident", "事件发生"),
    "platform": ("What the platform did", "平台表现"),
    "people": ("What people did", "人员处置"),
    "timeline": ("Timeline, by the time of the incident", "时间线（事件时间）"),
    "expected": ("expected alert", "应发警情"),
    "by": ("by", "时限"),
    "verdict": ("verdict", "评定"),
    "detected": ("detected", "发现"),
    "stored": ("on record", "入库"),
    "notified": ("told", "通知"),
    "acknowledged": ("acknowledged", "确认"),
    "escalated": ("escalated", "升级上报"),
    "cleared": ("cleared", "解除"),
    "step": ("step", "处置动作"),
    "within": ("within", "时限"),
    "took": ("took", "用时"),
    "who": ("who", "执行人"),
    "met": ("met", "达标"),
    "late": ("late", "超时"),
    "open": ("open", "待完成"),
    "so_far": ("It still runs: {open} are open.", "演练进行中：{open}项待完成。"),
    "missed": ("MISSED", "未完成"),
    "nothing": ("–", "–"),
    "closed": ("ended with the exercise", "随演练结束"),
    "others": ("Alerts that nobody had planned", "计划外警情"),
    "raised": ("raised", "发生"),
    "alert": ("alert", "警情"),
    "rule": ("rule", "规则"),
    "counts": ("{alerts} alerts, {announced} announced", "警情{alerts}条，其中已通知{announced}条"),
    "passed": ("Everything was met in time.", "全部按时完成。"),
    "failed": ("{missed} missed, {late} late.", "未完成{missed}项，超时{late}项。"),
    "clocks": (
        "Detected and cleared count event time, from the incident and from the raise; the others the wall clock.",
        "“发现”“解除”按事件时间计，分别从事件发生、警情产生算起；“入库”“通知”“确认”“升级上报”按实际时钟计。",
    ),
    "acknowledge": ("acknowledge", "确认"),
    "escalate": ("escalate", "升级上报"),
    "clear": ("clear", "解除"),
    "comment": ("comment", "备注"),
    "shelve": ("shelve", "搁置"),
    "notice": ("get notice", "接到通知"),
    "preparing": ("the twin of the town is being solved", "正在求解演练孪生城市"),
    "event_time": ("time of the incident", "事件时间"),
    "messages": ("messages", "消息"),
    "next": ("what comes next", "接下来"),
    "id": ("no.", "编号"),
    "title": ("title", "名称"),
    "seconds": (" s", "秒"),
    "minutes": (" min", "分钟"),
    "hours": (" h", "小时"),
}


class Words:
    """Words of one language, and times by the clock of one zone.

    Args:
        language: `en` or `zh`.
        zone: IANA name.
    """

    def __init__(self, language: str, zone: str = "Asia/Shanghai") -> None:
        self.language = language
        self._zone: tzinfo = ZoneInfo(zone)

    def __call__(self, name: str, **values: object) -> str:
        """The words for something, with values filled in."""
        text = _WORDS[name][self.language == "zh"]
        return text.format(**values) if values else text

    def moment(self, micros: int | None, pattern: str = "%Y-%m-%d %H:%M:%S") -> str:
        """An instant by the clock of the zone."""
        return self("nothing") if micros is None else to_datetime(micros).astimezone(self._zone).strftime(pattern)

    def clock(self, micros: int | None) -> str:
        """The time of day of an instant."""
        return self.moment(micros, "%H:%M:%S")

    def lasting(self, seconds: float | None) -> str:
        """A length of time, short; a minus where it is before."""
        if seconds is None:
            return self("nothing")
        sign, rest = ("-" if seconds < 0 else ""), abs(seconds)
        name, value, digits = ("seconds", rest, 1 if rest < _FEW else 0)
        if rest >= _HOURS:
            name, value, digits = "hours", rest / 3600, 1
        elif rest >= _MINUTES:
            name, value, digits = "minutes", rest / 60, 0
        return f"{sign}{value:.{digits}f}{self(name)}"

    def title(self, words: Titled) -> str:
        """A title without the mark that the whole report bears already."""
        return words.of(self.language).removeprefix(BANNER_ZH if self.language == "zh" else BANNER_EN)
