"""How statements of scenarios read, in both languages: in the terminal, in JSON and in the documents."""

from collections.abc import Sequence

from simulators.scenario_parts import Ban, Event, Expectation
from simulators.town.happenings import KINDS

_LEVELS_ZH = {"red": "红色", "orange": "橙色", "yellow": "黄色", "blue": "蓝色"}
_KINDS_ZH = {"safety": "安全", "resilience": "韧性", "equipment": "设备"}
_NETWORKS_ZH = {"water": "供水", "drainage": "排水", "gas": "燃气", "manhole": "窨井", "lighting": "照明"}


def event_in_words(event: Event, language: str) -> str:
    """What happens, to whom and how much."""
    kind = KINDS[event.event]
    text = kind.text_zh if language == "zh" else kind.text_en
    where = f" ({event.target})" if event.target else ""
    units = {name: parameter.unit for name, parameter in kind.parameters.items()}
    how = ", ".join(
        f"{name} {value:g}{'' if units[name] == '1' else ' ' + units[name]}" for name, value in event.parameters.items()
    )
    observed = f" [{event.observed}]" if event.observed else ""
    return f"{text}{where}{observed}{': ' + how if how else ''}"


def statement_in_words(own: Expectation | Ban, language: str) -> str:
    """What must rise by when, or what must not."""
    return _expected(own, language) if isinstance(own, Expectation) else _banned(own, language)


def _expected(own: Expectation, language: str) -> str:
    if language == "zh":
        rules = "或".join(own.rule)
        level = f"达到{_LEVELS_ZH[own.level]}及以上，" if own.level else ""
        since = f"不早于{own.since.text}，" if own.since else ""
        return f"{rules}{_at(own.on, language)}：{level}{since}不晚于{own.by.text}"
    level = f" at {own.level} or worse" if own.level else ""
    since = f" after {own.since.text}" if own.since else ""
    return f"{' or '.join(own.rule)}{_at(own.on, language)}{level}{since} by {own.by.text}"


def _banned(own: Ban, language: str) -> str:
    if language == "zh":
        what = "、".join(own.rules) or "任何告警"
        scope = "".join(
            (
                f"{_NETWORKS_ZH[own.network]}网络的" if own.network else "",
                f"{_KINDS_ZH[own.kind]}类的" if own.kind else "",
            )
        )
        when = f"{own.since.text if own.since else ''}至{own.until.text}" if own.until else ""
        when = when or (f"{own.since.text}起" if own.since else "")
        but = f"（{'、'.join(own.except_)}除外）" if own.except_ else ""
        return f"不得出现{scope}{what}{_at(own.on, language)}{'，' + when if when else ''}{but}"
    what = ", ".join(own.rules) or "anything"
    scope = " ".join(part for part in (own.network, own.kind) if part)
    when = (f" from {own.since.text}" if own.since else "") + (f" until {own.until.text}" if own.until else "")
    but = f", except {', '.join(own.except_)}" if own.except_ else ""
    return f"never {what}{' of ' + scope if scope else ''}{_at(own.on, language)}{when}{but}"


def _at(places: Sequence[str], language: str) -> str:
    if not places:
        return ""
    return f"（{'、'.join(places)}）" if language == "zh" else f" at {' or '.join(places)}"
