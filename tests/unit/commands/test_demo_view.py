from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from commands.demo_report import Report
from commands.demo_view import Moment, View
from commands.demo_watch import percentiles
from domain.catalogue import NETWORKS
from domain.condition import Condition, DeviceCount, OpenAlerts, PartitionCondition
from storage.alert_reading import AlertEntry
from storage.latencies import Latency

RAISED = datetime(2026, 5, 1, 8, 0, 0, tzinfo=UTC)
ALERT = AlertEntry(
    id=1,
    rule="gas-methane-in-chamber",
    subject="datastream:1",
    kind="safety",
    alert_class="alarm",
    network="gas",
    area="539900100",
    asset="valve-well-001",
    device="valve-well-001-d",
    property="gas.ch4.chamber",
    level="red",
    state="active",
    open=True,
    acknowledged=False,
    acknowledged_at=None,
    acknowledged_by=None,
    raised_at=RAISED,
    level_at=RAISED,
    cleared_at=None,
    value=52.34,
    threshold=50.0,
    title_en="Methane in Gas valve well 1",
    title_zh="1号燃气阀井内甲烷超限",
    text_en="…",
    text_zh="…",
    recorded_at=RAISED,
    changed_at=RAISED,
    alarm_state="unacknowledged",
    announced=True,
    latched=False,
    withdrawn=False,
    inhibited=False,
    cause=None,
    suppressed_by=None,
    maintenance_window=None,
    out_of_service=False,
    shelving=None,
    facts=(),
    exercise=None,
)
PARTITION = PartitionCondition(
    partition="all",
    connected=True,
    messages=10,
    received=1234,
    stored=1233,
    duplicates=1,
    conflicts=0,
    rejected=0,
    session_losses=0,
    lag_s=0.25,
    heartbeat_age_s=0.5,
)
MOMENT = Moment(
    county_en="Wangchuan County",
    county_zh="望川县",
    elapsed_s=83.0,
    docs_url="http://127.0.0.1:8080/docs",
    published=1240,
    under_way=6,
    acknowledged_ms=Latency(p50=2.0, p99=5.0, count=10),
    rate=137.0,
    condition=Condition(
        server="18",
        level="postgresql",
        schema_current=True,
        partitions=(PARTITION,),
        alerts=(OpenAlerts(network="gas", level="red", active=1, unacknowledged=1),),
        devices=(DeviceCount(network="gas", reporting=41, silent=2),),
    ),
    counts={"received": 1234, "stored": 1233, "duplicates": 1, "conflicts": 0, "rejected": 0},
    to_stored=Latency(p50=12.4, p99=40.0, count=10),
    to_alert=Latency(p50=None, p99=None, count=0),
    alerts=(ALERT, replace(ALERT, id=2, state="returned", level="blue", cleared_at=RAISED + timedelta(seconds=45))),
    stages={"ingest": True, "rules": False},
)


def drawn(moment: Moment, language: str) -> str:
    output = StringIO()
    console = Console(file=output, width=130, height=36, force_terminal=True, color_system=None)
    console.print(View(language=language, zone=ZoneInfo("Asia/Shanghai")).draw(moment, 36))
    return output.getvalue()


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        (
            "en",
            [
                "City Lifeline · Wangchuan County",
                "running 01:23",
                "http://127.0.0.1:8080/docs",
                "1,233",
                "every entry is accounted for",
                "p50 12 ms  p99 40 ms",
                "Methane in Gas valve well 1",
                "52.34 %LEL",
                "16:00:00",
                "cleared after 45 s",
                "● ingest",
                "○ rules",
            ],
        ),
        (
            "zh",
            [
                "城市生命线 · 望川县",
                "已运行 01:23",
                "计数平衡",
                "1号燃气阀井内甲烷超限",
                "红色",
                "告警中",
                "45 秒后解除",
            ],
        ),
    ],
)
def test_the_view_shows_the_moment_in_the_language_of_the_reader(language: str, texts: list[str]) -> None:
    picture = drawn(MOMENT, language)
    for text in texts:
        assert text in picture


@pytest.mark.parametrize("language", ["en", "zh"])
def test_counters_that_do_not_balance_are_not_called_balanced(language: str) -> None:
    broken = replace(MOMENT, condition=replace(MOMENT.condition, partitions=(replace(PARTITION, stored=1000),)))
    assert "✘" in drawn(broken, language)
    assert "✔" not in drawn(broken, language)
    assert "✘" in View(language=language, zone=ZoneInfo("UTC")).line(broken)


def test_percentiles_of_nothing_are_unknown() -> None:
    assert percentiles([]).p50 is None
    assert percentiles([float(n) for n in range(101)]) == Latency(p50=50.0, p99=99.0, count=101)


REPORT = Report(
    published=10,
    received=10,
    stored=7,
    duplicates=1,
    conflicts=1,
    rejected=1,
    held=0,
    alerts_by_network={network.id: 1 for network in NETWORKS},
    publish_to_stored=Latency(p50=1.0, p99=2.0, count=3),
    publish_to_alert=Latency(p50=1.0, p99=2.0, count=3),
)


def test_a_report_that_balances_with_alerts_everywhere_has_no_problem() -> None:
    assert REPORT.problems() == []
    assert REPORT.document()["alerts_raised"] == 5


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (replace(REPORT, published=11), "published 11 entries, received 10"),
        (replace(REPORT, stored=6), "received 10 entries, but 9 are accounted for"),
        (replace(REPORT, alerts_by_network={"gas": 3}), "no alert was raised on the network water"),
        (replace(REPORT, published=0, received=0, stored=0, duplicates=0, conflicts=0, rejected=0), "nothing was"),
    ],
)
def test_every_broken_promise_of_the_demo_is_named(wrong: Report, problem: str) -> None:
    assert any(problem in found for found in wrong.problems())
