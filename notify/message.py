"""What a message says, in English and in Chinese. Pure: a notice in, a title and a body out."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from domain.alert import LEVEL_NAMES_ZH, AlertEvent, Level
from domain.exercise_mark import BANNER_EN, BANNER_ZH
from domain.times import to_datetime
from domain.units import quantity
from storage.notifications import Delivery, Names, Notice

_GRADES_EN = {Level.RED: "I", Level.ORANGE: "II", Level.YELLOW: "III", Level.BLUE: "IV"}
_GRADES_ZH = {Level.RED: "一级", Level.ORANGE: "二级", Level.YELLOW: "三级", Level.BLUE: "四级"}
_LABELS = {
    "en": {
        "what": "What happened", "level": "Level", "network": "Network", "where": "Where", "device": "Device",
        "value": "Value", "since": "Since", "at": "At", "id": "Notification id", "alert": "Alert", "event": "event",
        "threshold": "threshold", "by": "By", "to": "To", "note": "Note",
    },
    "zh": {
        "what": "事件", "level": "级别", "network": "专项", "where": "位置", "device": "设备",
        "value": "监测值", "since": "起始时间", "at": "发生时间", "id": "通知编号", "alert": "告警编号",
        "event": "事件编号", "threshold": "阈值", "by": "上报人", "to": "上报至", "note": "说明",
    },
}  # fmt: skip
#: In English and in Chinese.
_WHAT: dict[str, tuple[str, str]] = {
    AlertEvent.RAISED: ("raised", "新告警"),
    AlertEvent.CLEARED: ("cleared", "已解除"),
    AlertEvent.ESCALATED: ("escalated", "已升级上报"),
    AlertEvent.RELEASED: ("still active after what explained it has ended", "原因告警已解除，本告警仍未解除"),
    AlertEvent.UNSUPPRESSED: ("still active after its suppression has ended", "抑制已结束，告警仍未解除"),
    AlertEvent.UNSHELVED: ("still active after its shelving has ended", "搁置已结束，告警仍未解除"),
    AlertEvent.IN_SERVICE: ("active after its return to service", "恢复投用后告警未解除"),
}
#: What the body of a message about an exercise begins with, after the banner.
_EXERCISE = (
    "this is exercise {exercise}. Nothing of this is real: practise, and send nobody out because of it.",
    "本消息属于第{exercise}号演练，并非真实警情，请勿据此实际出动。",
)
#: By the event that never was.
_WITHDRAWN: dict[str, tuple[str, str]] = {
    AlertEvent.RAISED: ("taken back: late readings show it never was", "已撤回：补传数据表明该情况并未发生"),
    AlertEvent.LEVEL_CHANGED: (
        "change of level taken back: late readings show it never was",
        "级别变化已撤回：补传数据表明级别并未改变",
    ),
    AlertEvent.CLEARED: (
        "not cleared: late readings show it has lasted",
        "解除已撤回：补传数据表明告警一直未解除",
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """What a receiver sees; `facts` go beside the text where the channel has fields for them."""

    title: str
    body: str
    facts: dict[str, str]


def render(notice: Notice, delivery: Delivery, zone: str) -> Message:
    """The message of a delivery, in its language, with local times of `zone` (IANA name)."""
    zh = delivery.language == "zh"
    labels = _LABELS[delivery.language]
    colon = "：" if zh else ": "
    # The banner stands once, before everything else: the parts need not repeat it.
    banner = BANNER_ZH if zh else BANNER_EN
    network, title, text = (_in(one, zh).removeprefix(banner) for one in (notice.network, notice.title, notice.text))
    where = _in(notice.asset_name, zh).removeprefix(banner) if notice.asset_name else notice.asset or notice.area
    what = _what(notice, zh)
    lines = [
        (labels["what"], what),
        (labels["level"], _level(notice.level, zh)),
        (labels["network"], network),
        (labels["where"], where if where == notice.asset or not notice.asset else _noted(where, notice.asset, zh)),
    ]
    if notice.event == AlertEvent.ESCALATED:
        said = {"by": notice.actor, "to": notice.addressee, "note": notice.comment}
        lines += [(labels[name], text) for name, text in said.items() if text]
    if notice.device:
        lines.append((labels["device"], notice.device))
    if notice.value is not None:
        lines.append((labels["value"], _value(notice, zh)))
    lines += [(labels["since"], _local(notice.raised_at, zone)), (labels["at"], _local(notice.time, zone))]
    reference = f"{labels['id']}{colon}{delivery.id}\n{labels['alert']}{colon}{delivery.alert}"
    reference += f"{'，' if zh else ', '}{labels['event']}{colon if zh else ' '}{delivery.event}"
    body = "\n".join([text, "", *(f"{label}{colon}{content}" for label, content in lines), "", reference])
    head = f"【{LEVEL_NAMES_ZH[notice.level]}】{network}" if zh else f"[{notice.level.upper()}] {network}"
    middle = "·" if zh else " · "
    line = middle.join((head, title, where)) + f"{colon}{what}"
    if notice.exercise is not None:
        line = banner + line
        body = f"{banner}{_EXERCISE[zh].format(exercise=notice.exercise)}\n\n{body}"
    return Message(title=line, body=body, facts=_facts(notice, delivery))


def _facts(notice: Notice, delivery: Delivery) -> dict[str, str]:
    return {
        "notification": delivery.id,
        "alert": str(delivery.alert),
        "event": str(delivery.event),
        "kind": notice.event,
        "level": notice.level,
        "asset": notice.asset or "",
        "exercise": "" if notice.exercise is None else str(notice.exercise),
        "time": to_datetime(notice.time).isoformat(timespec="milliseconds"),
    }


def _in(names: Names, zh: bool) -> str:  # noqa: FBT001 - the language of the whole message
    return names.zh if zh else names.en


def _noted(text: str, note: str, zh: bool) -> str:  # noqa: FBT001
    return f"{text}（{note}）" if zh else f"{text} ({note})"


def _level(level: str, zh: bool) -> str:  # noqa: FBT001
    grade = Level.parse(level)
    return f"{LEVEL_NAMES_ZH[level]}（{_GRADES_ZH[grade]}）" if zh else f"{level} ({_GRADES_EN[grade]})"


def _what(notice: Notice, zh: bool) -> str:  # noqa: FBT001
    if notice.event == AlertEvent.LEVEL_CHANGED and notice.previous_level:
        before, after = notice.previous_level, notice.level
        if zh:
            return f"级别由{LEVEL_NAMES_ZH[before]}变为{LEVEL_NAMES_ZH[after]}"
        return f"level changed from {before} to {after}"
    if notice.event == AlertEvent.WITHDRAWN:
        # Of an event that was told, so that the receiver knows what is taken back.
        taken = _WITHDRAWN.get(notice.withdraws or "", _WITHDRAWN[AlertEvent.RAISED])
        return taken[zh]
    return _WHAT.get(notice.event, _WHAT[AlertEvent.RAISED])[zh]


def _value(notice: Notice, zh: bool) -> str:  # noqa: FBT001
    unit = notice.unit or ""
    shown = quantity(notice.value or 0.0, unit)
    if notice.property_name:
        shown = f"{_in(notice.property_name, zh)} {shown}"
    if notice.threshold is None:
        return shown
    return _noted(shown, f"{_LABELS['zh' if zh else 'en']['threshold']} {quantity(notice.threshold, unit)}", zh)


def _local(micros: int, zone: str) -> str:
    return f"{to_datetime(micros).astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S} ({zone})"
