"""What dashboards say, in English and in Chinese: headings of columns, levels, events, units."""

from dataclasses import dataclass

from domain.alert import LEVEL_NAMES_ZH, Level
from domain.observation import RejectReason
from storage.dashboards import Language


@dataclass(frozen=True, slots=True)
class Text:
    """One thing said in both languages."""

    en: str
    zh: str

    def of(self, language: Language) -> str:
        """The text in one language."""
        return self.zh if language == "zh" else self.en


#: Colours of the levels, and of what is well or unknown.
COLOURS = {
    "red": "#d32f2f",
    "orange": "#f57c00",
    "yellow": "#fbc02d",
    "blue": "#1976d2",
    "green": "#388e3c",
    "grey": "#808080",
}

LEVELS = {level.label: Text(level.label.capitalize(), LEVEL_NAMES_ZH[level.label]) for level in Level}
NO_LEVEL = {"none": Text("None", "无")}

#: Headings of the columns that panel queries return.
COLUMNS = {
    "time": Text("Time", "时间"),
    "level": Text("Level", "级别"),
    "network": Text("Network", "专项"),
    "title": Text("Alert", "报警"),
    "place": Text("Place", "位置"),
    "name": Text("Asset", "设施"),
    "value": Text("Value", "数值"),
    "threshold": Text("Threshold", "阈值"),
    "state": Text("State", "状态"),
    "acknowledged": Text("Acknowledged", "已确认"),
    "acknowledged_by": Text("By", "确认人"),
    "event": Text("Event", "事件"),
    "actor": Text("Operator", "操作人"),
    "comment": Text("Comment", "备注"),
    "source": Text("Alerting asset", "报警设施"),
    "relation": Text("Relation", "关系"),
    "target": Text("Linked asset", "关联设施"),
    "devices": Text("Devices", "设备数"),
    "heard": Text("Heard", "在线数"),
    "share": Text("Share (%)", "占比（%）"),
    "device": Text("Device", "设备"),
    "interval_s": Text("Interval (s)", "上报周期（秒）"),
    "last_heard": Text("Last heard", "最近上报"),
    "silent_min": Text("Silent for (min)", "静默时长（分钟）"),
    "observations": Text("Observations", "观测数"),
    "reason": Text("Reason", "原因"),
    "letters": Text("Messages", "条数"),
    "latest": Text("Latest", "最近一次"),
    "pending": Text("Pending", "待发送"),
    "failed": Text("Failed", "发送失败"),
    "unaddressed": Text("Nobody addressed", "无接收人"),
    "oldest_pending_s": Text("Oldest pending (s)", "最久等待（秒）"),
    "property": Text("Property", "监测项"),
    "unit": Text("Unit", "单位"),
    "quality": Text("Quality", "质量"),
    "severity": Text("Severity, 0 to 4", "严重程度（0 至 4）"),
    "latitude": Text("Latitude", "纬度"),
    "longitude": Text("Longitude", "经度"),
    "alerts": Text("Open alerts", "未关闭报警"),
    "on": Text("On", "开启"),
    "off": Text("Off", "关闭"),
    "below": Text("Below", "偏低"),
    "within": Text("Within", "正常"),
    "above": Text("Above", "偏高"),
    "alarms": Text("Alarms", "报警数"),
    "per_hour": Text("Per hour", "每小时"),
    "worst_day": Text("Worst day", "单日最多"),
    "peak": Text("Most in 10 min", "十分钟最多"),
    "floods": Text("Floods", "泛滥次数"),
    "chattering": Text("Chattering", "抖动"),
    "fleeting": Text("Fleeting", "瞬时"),
    "stale": Text("Stale (worst day)", "陈旧（单日最多）"),
    "unacknowledged": Text("Unacknowledged now", "当前未确认"),
    "held_back": Text("Never announced", "未通知"),
    "withdrawn": Text("Announced, withdrawn", "通知后撤回"),
    "acceptable": Text("Acceptable", "可接受"),
    "manageable": Text("Most that can be managed", "可应对上限"),
    "in_flood": Text("In a flood", "泛滥期间"),
    "started_at": Text("Began", "开始"),
    "ended_at": Text("Ended", "结束"),
    "rule": Text("Rule", "规则"),
    "subject": Text("Subject", "对象"),
    "asked": Text("Asked (%)", "要求（%）"),
    "position": Text("Operator position", "值班岗位"),
    "raised_at": Text("Raised", "发生时间"),
    "stale_to": Text("Until", "截至"),
    "standing": Text("Still stands", "仍在持续"),
    "bursts": Text("Bursts", "抖动次数"),
    "acknowledge_median_s": Text("Acknowledged: median", "确认：中位数"),
    "acknowledge_p90_s": Text("Acknowledged: nine of ten", "确认：九成以内"),
    "acknowledge_max_s": Text("Acknowledged: longest", "确认：最长"),
    "clear_median_s": Text("Cleared: median", "解除：中位数"),
    "clear_p90_s": Text("Cleared: nine of ten", "解除：九成以内"),
    "clear_max_s": Text("Cleared: longest", "解除：最长"),
    "detect_median_s": Text("Detected: median", "发现：中位数"),
    "detect_p90_s": Text("Detected: nine of ten", "发现：九成以内"),
    "restore_median_s": Text("Restored: median", "恢复：中位数"),
    "restore_p90_s": Text("Restored: nine of ten", "恢复：九成以内"),
    "incidents": Text("Incidents", "事件数"),
    "not_acknowledged": Text("Not acknowledged", "尚未确认"),
    "not_restored": Text("Not restored", "尚未恢复"),
    "detect_min": Text("Detected (min)", "发现（分钟）"),
    "acknowledge_min": Text("Acknowledged (min)", "确认（分钟）"),
    "restore_min": Text("Restored (min)", "恢复（分钟）"),
    "exercise": Text("Exercise", "演练"),
    "scenario": Text("Scenario", "场景"),
    "addressee": Text("Handed on to", "上报至"),
    "channel": Text("Channel", "通道"),
    "sent": Text("Sent", "已发送"),
    "between_h": Text("Between alarms (h)", "平均间隔（小时）"),
    **LEVELS,
}

EVENTS = {
    "raised": Text("Raised", "发生"),
    "level_changed": Text("Level changed", "级别变化"),
    "cleared": Text("Cleared", "恢复"),
    "acknowledged": Text("Acknowledged", "确认"),
    "commented": Text("Commented", "备注"),
    "escalated": Text("Escalated", "升级上报"),
}
STATES = {"active": Text("Active", "持续"), "returned": Text("Returned to normal", "已恢复")}
YES_NO = {"true": Text("Yes", "是"), "false": Text("No", "否")}
RELATIONS = {
    "feeds": Text("Feeds", "供给"),
    "drains_to": Text("Drains to", "排入"),
    "powered_by": Text("Powered by", "供电来自"),
    "adjacent_to": Text("Adjacent to", "相邻"),
}
QUALITIES = {
    "good": Text("Good", "良好"),
    "out_of_range": Text("Out of range", "超量程"),
    "device_doubt": Text("Doubted by the device", "设备存疑"),
    "historical": Text("Sent as history", "补传"),
}
REASONS: dict[str, Text] = {
    RejectReason.BAD_TOPIC: Text("Wrong topic", "主题不符"),
    RejectReason.BAD_ENCODING: Text("Not UTF-8", "编码错误"),
    RejectReason.BAD_JSON: Text("Not JSON", "不是 JSON"),
    RejectReason.BAD_SHAPE: Text("Wrong shape", "结构不符"),
    RejectReason.BAD_SENML: Text("Bad SenML", "SenML 有误"),
    RejectReason.TOO_LARGE: Text("Too large", "报文过大"),
    RejectReason.BAD_TIME: Text("Bad time", "时间有误"),
    RejectReason.TOO_LATE: Text("Too late", "迟到过久"),
    RejectReason.IN_FUTURE: Text("In the future", "时间超前"),
    RejectReason.UNKNOWN_DEVICE: Text("Unknown device", "未登记设备"),
    RejectReason.UNKNOWN_PROPERTY: Text("Unknown property", "未登记监测项"),
    RejectReason.WRONG_UNIT: Text("Wrong unit", "单位不符"),
    RejectReason.WRONG_TYPE: Text("Wrong type", "类型不符"),
    RejectReason.NOT_FINITE: Text("Not a finite number", "非有限数"),
    RejectReason.DUPLICATE_KEY: Text("Key named twice", "键重复"),
    RejectReason.CONFLICT: Text("Conflicting value", "数值冲突"),
    RejectReason.REFUSED_BY_DATABASE: Text("Refused by the database", "数据库拒收"),
}
