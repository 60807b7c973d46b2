"""An alert in the Common Alerting Protocol, version 1.2 (OASIS), as other systems take it. Pure.

An alert of an exercise has the status `Exercise`, which CAP defines as "actionable only by designated exercise
participants", and a note that says which exercise; a real one has the status `Actual`.
"""

from collections.abc import Sequence
from datetime import datetime
from xml.etree.ElementTree import Element, SubElement, tostring

from storage.alert_reading import AlertEntry, EventEntry

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
MEDIA_TYPE = "application/cap+xml"
#: Our levels as CAP grades them.
_SEVERITY = {"red": "Extreme", "orange": "Severe", "yellow": "Moderate", "blue": "Minor"}
_URGENCY = {"red": "Immediate", "orange": "Immediate", "yellow": "Expected", "blue": "Expected"}
_NOTES = "Exercise {exercise}: nothing of this is real. / 第{exercise}号演练，并非真实警情。"
_TELLS = ("raised", "level_changed", "cleared", "withdrawn")


def document(alert: AlertEntry, events: Sequence[EventEntry], *, sender: str) -> bytes:
    """The newest message about an alert: Alert while it is new, Update when its level has changed, Cancel at its end.

    Args:
        alert: As it is now.
        events: Its history, oldest first.
        sender: Identifies this platform; no spaces, commas, < or &.
    """
    told = [event for event in events if event.event in _TELLS]
    newest = told[-1] if told else None
    over = alert.state != "active" or alert.withdrawn
    root = Element("alert", {"xmlns": NAMESPACE})
    _add(root, "identifier", f"alert-{alert.id}-{newest.id if newest else 0}")
    _add(root, "sender", sender)
    _add(root, "sent", _time(newest.recorded_at if newest else alert.recorded_at))
    _add(root, "status", "Actual" if alert.exercise is None else "Exercise")
    _add(root, "msgType", "Cancel" if over else "Alert" if len(told) <= 1 else "Update")
    _add(root, "scope", "Restricted")
    _add(root, "restriction", "operators of the city / 城市运行值守人员")
    if alert.exercise is not None:
        _add(root, "note", _NOTES.format(exercise=alert.exercise))
    if len(told) > 1:
        earlier = (f"{sender},alert-{alert.id}-{event.id},{_time(event.recorded_at)}" for event in told[:-1])
        _add(root, "references", " ".join(earlier))
    for language in ("zh-CN", "en"):
        _information(root, alert, language, over=over)
    text: str = tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()


def _information(root: Element, alert: AlertEntry, language: str, *, over: bool) -> None:
    chinese = language == "zh-CN"
    info = SubElement(root, "info")
    _add(info, "language", language)
    _add(info, "category", "Infra")
    _add(info, "event", alert.rule)
    _add(info, "urgency", "Past" if over else _URGENCY[alert.level])
    _add(info, "severity", _SEVERITY[alert.level])
    _add(info, "certainty", "Unlikely" if alert.withdrawn else "Observed")
    _add(info, "onset", _time(alert.raised_at))
    _add(info, "headline", alert.title_zh if chinese else alert.title_en)
    _add(info, "description", alert.text_zh if chinese else alert.text_en)
    facts = {"network": alert.network, "level": alert.level, "asset": alert.asset, "device": alert.device}
    if alert.exercise is not None:
        facts["exercise"] = str(alert.exercise)
    for name, value in facts.items():
        if value:
            parameter = SubElement(info, "parameter")
            _add(parameter, "valueName", name)
            _add(parameter, "value", value)
    if alert.area:
        area = SubElement(info, "area")
        _add(area, "areaDesc", alert.area)
        geocode = SubElement(area, "geocode")
        _add(geocode, "valueName", "GB/T 2260")
        _add(geocode, "value", alert.area)


def _add(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = text


def _time(moment: datetime) -> str:
    """CAP wants a whole second and an offset written out: UTC is -00:00."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}-00:00"
