from dataclasses import replace

import pytest

from domain.alert import TOLD
from domain.times import from_datetime, to_datetime
from notify.message import render
from storage.notifications import Delivery, Names, Notice

RAISED = from_datetime(to_datetime(0).replace(year=2026, month=5, day=1, hour=8))
NOTICE = Notice(
    event="level_changed",
    level="red",
    previous_level="blue",
    time=RAISED + 60_000_000,
    raised_at=RAISED,
    value=52.34,
    threshold=50.0,
    network=Names(en="Gas", zh="燃气"),
    area="530100",
    asset="well-1",
    asset_name=Names(en="Valve well 1", zh="1号阀井"),
    device="well-1-d",
    property_name=Names(en="Methane in chamber", zh="阀井甲烷浓度"),
    unit="%{LEL}",
    title=Names(en="Methane in a valve well", zh="阀井甲烷超限"),
    text=Names(en="Methane is high.", zh="甲烷浓度偏高。"),
)
DELIVERY = Delivery(
    id="0b5a2f6e-0000-4000-8000-000000000001", event=34, alert=12, channel="room", language="en", attempts=1
)


def test_a_message_in_english_says_everything() -> None:
    message = render(NOTICE, DELIVERY, "Asia/Shanghai")
    assert message.title == "[RED] Gas · Methane in a valve well · Valve well 1: level changed from blue to red"
    assert message.body.splitlines() == [
        "Methane is high.",
        "",
        "What happened: level changed from blue to red",
        "Level: red (I)",
        "Network: Gas",
        "Where: Valve well 1 (well-1)",
        "Device: well-1-d",
        "Value: Methane in chamber 52.34 %LEL (threshold 50 %LEL)",
        "Since: 2026-05-01 16:00:00 (Asia/Shanghai)",
        "At: 2026-05-01 16:01:00 (Asia/Shanghai)",
        "",
        "Notification id: 0b5a2f6e-0000-4000-8000-000000000001",
        "Alert: 12, event 34",
    ]


@pytest.mark.parametrize(
    ("event", "withdraws", "english", "chinese"),
    [
        ("raised", None, "raised", "新告警"),
        ("cleared", None, "cleared", "已解除"),
        ("withdrawn", "raised", "taken back: late readings show it never was", "已撤回：补传数据表明该情况并未发生"),
        (
            "withdrawn",
            "cleared",
            "not cleared: late readings show it has lasted",
            "解除已撤回：补传数据表明告警一直未解除",
        ),
        (
            "withdrawn",
            "level_changed",
            "change of level taken back: late readings show it never was",
            "级别变化已撤回：补传数据表明级别并未改变",
        ),
        (
            "released",
            None,
            "still active after what explained it has ended",
            "原因告警已解除，本告警仍未解除",
        ),
        ("unsuppressed", None, "still active after its suppression has ended", "抑制已结束，告警仍未解除"),
        ("unshelved", None, "still active after its shelving has ended", "搁置已结束，告警仍未解除"),
        ("in_service", None, "active after its return to service", "恢复投用后告警未解除"),
    ],
)
def test_each_event_that_is_told_has_its_words(event: str, withdraws: str | None, english: str, chinese: str) -> None:
    notice = replace(NOTICE, event=event, withdraws=withdraws)
    assert render(notice, DELIVERY, "Asia/Shanghai").title.endswith(f"Valve well 1: {english}")
    assert render(notice, replace(DELIVERY, language="zh"), "Asia/Shanghai").title.endswith(f"1号阀井：{chinese}")


def test_no_event_that_is_told_is_without_words() -> None:
    words = {event: render(replace(NOTICE, event=event), DELIVERY, "UTC").title for event in TOLD}
    assert len(set(words.values())) == len(TOLD)


def test_a_message_in_chinese_says_everything() -> None:
    message = render(NOTICE, replace(DELIVERY, language="zh"), "Asia/Shanghai")
    assert message.title == "【红色】燃气·阀井甲烷超限·1号阀井：级别由蓝色变为红色"
    assert message.body.splitlines() == [
        "甲烷浓度偏高。",
        "",
        "事件：级别由蓝色变为红色",
        "级别：红色（一级）",
        "专项：燃气",
        "位置：1号阀井（well-1）",
        "设备：well-1-d",
        "监测值：阀井甲烷浓度 52.34 %LEL（阈值 50 %LEL）",
        "起始时间：2026-05-01 16:00:00 (Asia/Shanghai)",
        "发生时间：2026-05-01 16:01:00 (Asia/Shanghai)",
        "",
        "通知编号：0b5a2f6e-0000-4000-8000-000000000001",
        "告警编号：12，事件编号：34",
    ]


@pytest.mark.parametrize(
    ("event", "language", "ending"),
    [
        ("raised", "en", ": raised"),
        ("cleared", "en", ": cleared"),
        ("raised", "zh", "：新告警"),
        ("cleared", "zh", "：已解除"),
    ],
)
def test_the_title_says_what_happened(event: str, language: str, ending: str) -> None:
    notice = replace(NOTICE, event=event, previous_level=None)
    assert render(notice, replace(DELIVERY, language=language), "UTC").title.endswith(ending)


def test_what_is_not_known_is_left_out() -> None:
    bare = replace(NOTICE, value=None, asset=None, asset_name=None, device=None, property_name=None, unit=None)
    body = render(bare, DELIVERY, "UTC").body
    assert "Value" not in body
    assert "Device" not in body
    assert "Where: 530100" in body


def test_programs_get_the_stable_id_as_a_field() -> None:
    facts = render(NOTICE, DELIVERY, "UTC").facts
    assert facts["notification"] == DELIVERY.id
    assert (facts["alert"], facts["event"], facts["kind"], facts["level"]) == ("12", "34", "level_changed", "red")


@pytest.mark.parametrize("event", TOLD)
@pytest.mark.parametrize(("language", "banner"), [("en", "EXERCISE – "), ("zh", "【演练】")])
def test_every_message_about_an_exercise_begins_with_its_mark(event: str, language: str, banner: str) -> None:
    names = Names(en="EXERCISE – Valve well 1", zh="【演练】1号阀井")
    notice = replace(NOTICE, event=event, exercise=7, title=names, text=names, asset_name=names)
    message = render(notice, replace(DELIVERY, language=language), "UTC")
    assert message.title.startswith(banner)
    assert message.body.startswith(banner)
    # Once is enough.
    assert message.title.count(banner.strip(" –")) == 1
    assert message.facts["exercise"] == "7"
    assert render(replace(notice, exercise=None), DELIVERY, "UTC").facts["exercise"] == ""


def test_a_message_about_what_is_real_speaks_of_no_exercise() -> None:
    for language in ("en", "zh"):
        message = render(NOTICE, replace(DELIVERY, language=language), "UTC")
        assert not any(word in message.title + message.body for word in ("EXERCISE", "演练"))


def test_an_escalation_says_who_handed_it_on_to_whom_and_why() -> None:
    notice = replace(NOTICE, event="escalated", actor="王伟", addressee="值班领导", comment="请派人")
    assert "escalated" in render(notice, DELIVERY, "UTC").title
    chinese = render(notice, replace(DELIVERY, language="zh"), "UTC")
    assert chinese.title.endswith("已升级上报")
    for line in ("上报人：王伟", "上报至：值班领导", "说明：请派人"):
        assert line in chinese.body.splitlines()
