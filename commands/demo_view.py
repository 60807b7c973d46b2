"""The live view of the demo, in English or Chinese. Pure: a moment in, a drawing out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from domain.alert import LEVEL_NAMES_ZH, AlertState
from domain.catalogue import NETWORKS, properties
from domain.condition import Condition
from domain.units import quantity
from storage.alert_reading import AlertEntry
from storage.latencies import Latency

_LEVEL_STYLES = {
    "red": "bold white on red3",
    "orange": "bold black on dark_orange",
    "yellow": "bold black on yellow3",
    "blue": "bold white on dodger_blue3",
}
#: Alerts that are over keep their colour, but not its weight.
_FADED_STYLES = {"red": "red3", "orange": "dark_orange", "yellow": "yellow3", "blue": "dodger_blue2"}
_LEVELS = tuple(_LEVEL_STYLES)
_UNITS = {p.id: p.unit for p in properties()}
_SWITCHES = frozenset(p.id for p in properties() if p.type == "boolean")
_WORDS = {
    "en": {
        "title": "City Lifeline", "running": "running", "docs": "API", "stop": "Ctrl-C stops in order",
        "flow": "Observations", "published": "published", "under_way": "under way", "received": "received",
        "stored": "stored", "duplicates": "duplicates", "conflicts": "conflicts", "rejected": "rejected",
        "balanced": "✔ every entry is accounted for", "unbalanced": "✘ the counters do not balance",
        "rate": "stored per second", "lag": "behind the broker", "acknowledged": "publish → acknowledged",
        "to_stored": "publish → stored", "to_alert": "publish → alert", "networks": "Networks",
        "devices": "devices", "silent": "silent", "alerts": "Alerts", "active": "active", "time": "time",
        "level": "level", "network": "network", "what": "what", "value": "value", "state": "state",
        "cleared": "cleared after {s:.0f} s", "none": "none yet: the first incident begins in a moment",
        "told": "notifications waiting", "stages": "Stages",
    },
    "zh": {
        "title": "城市生命线", "running": "已运行", "docs": "接口文档", "stop": "按 Ctrl-C 有序停止",
        "flow": "监测数据", "published": "已发布", "under_way": "在途", "received": "已接收",
        "stored": "已入库", "duplicates": "重复", "conflicts": "冲突", "rejected": "拒收",
        "balanced": "✔ 逐条对账，计数平衡", "unbalanced": "✘ 计数不平衡",
        "rate": "每秒入库", "lag": "落后于消息服务器", "acknowledged": "发布 → 确认",
        "to_stored": "发布 → 入库", "to_alert": "发布 → 告警", "networks": "各专项",
        "devices": "设备", "silent": "失联", "alerts": "告警", "active": "告警中", "time": "时间",
        "level": "级别", "network": "专项", "what": "内容", "value": "监测值", "state": "状态",
        "cleared": "{s:.0f} 秒后解除", "none": "暂无告警：首个事件即将发生",
        "told": "待发通知", "stages": "进程",
    },
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """Everything that the view shows."""

    county_en: str
    county_zh: str
    elapsed_s: float
    docs_url: str
    published: int
    #: Messages handed to the broker and not acknowledged yet.
    under_way: int
    acknowledged_ms: Latency
    rate: float
    condition: Condition
    #: Counters of ingest (received, stored, duplicates, conflicts, rejected) since the demo began.
    counts: Mapping[str, int]
    to_stored: Latency
    to_alert: Latency
    #: Newest change first.
    alerts: Sequence[AlertEntry]
    #: Name of each stage -> whether it runs.
    stages: Mapping[str, bool]
    problem: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """How to draw: language (en, zh) and time zone."""

    language: str
    zone: ZoneInfo

    def word(self, key: str) -> str:
        """A word in the language of the view."""
        return _WORDS[self.language][key]

    def choose(self, en: str, zh: str) -> str:
        """One of two names."""
        return zh if self.language == "zh" else en

    def draw(self, moment: Moment, height: int) -> RenderableType:
        """The picture of a moment for a terminal of so many lines."""
        layout = Layout()
        layout.split_column(
            Layout(self._header(moment), size=3),
            Layout(name="middle", size=15),
            Layout(self._alerts(moment, max(3, height - 22)), name="alerts"),
        )
        layout["middle"].split_row(Layout(self._flow(moment), ratio=1), Layout(self._networks(moment), ratio=1))
        return layout

    def line(self, moment: Moment) -> str:
        """The picture of a moment in one line, for logs and pipes."""
        balanced = all(p.balanced for p in moment.condition.partitions)
        active = sum(a.active for a in moment.condition.alerts)
        parts = [
            f"{self.word('published')} {moment.published}",
            *(f"{self.word(name)} {count}" for name, count in moment.counts.items()),
            self.word("balanced" if balanced else "unbalanced"),
            f"{self.word('active')} {active}",
            f"{self.word('docs')} {moment.docs_url}",
        ]
        return " · ".join(parts)

    def _header(self, moment: Moment) -> Panel:
        minutes, seconds = divmod(int(moment.elapsed_s), 60)
        line = Text.assemble(
            (f"{self.word('title')} · {self.choose(moment.county_en, moment.county_zh)}", "bold"),
            f"   {self.word('running')} {minutes:02d}:{seconds:02d}   {self.word('docs')}: ",
            (moment.docs_url, "underline cyan"),
            (f"   {self.word('stop')}", "dim"),
            no_wrap=True,
        )
        return Panel(line, box=box.HEAVY, border_style="cyan")

    def _flow(self, moment: Moment) -> Panel:
        partitions = moment.condition.partitions
        table = Table.grid(padding=(0, 2), expand=True)
        table.add_column()
        table.add_column(justify="right", style="bold")
        table.add_row(self.word("published"), f"{moment.published:,}")
        table.add_row(self.word("under_way"), f"{moment.under_way:,}")
        for name, count in moment.counts.items():
            bad = name in {"conflicts", "rejected"} and count
            table.add_row(self.word(name), Text(f"{count:,}", style="red" if bad else ""))
        balanced = all(p.balanced for p in partitions)
        verdict = Text(self.word("balanced" if balanced else "unbalanced"), style="green" if balanced else "bold red")
        table.add_row(self.word("rate"), f"{moment.rate:,.0f}")
        lags = [p.lag_s for p in partitions if p.lag_s is not None]
        table.add_row(self.word("lag"), f"{max(lags):.1f} s" if lags else "–")
        table.add_row(self.word("acknowledged"), _percentiles(moment.acknowledged_ms))
        table.add_row(self.word("to_stored"), _percentiles(moment.to_stored))
        table.add_row(self.word("to_alert"), _percentiles(moment.to_alert))
        return Panel(Group(table, verdict), title=self.word("flow"), border_style="blue", box=box.ROUNDED)

    def _networks(self, moment: Moment) -> Panel:
        table = Table(box=None, expand=True, padding=(0, 1))
        table.add_column(self.word("network"))
        table.add_column(self.word("devices"), justify="right")
        table.add_column(self.word("silent"), justify="right")
        table.add_column(self.word("active"))
        devices = {d.network: d for d in moment.condition.devices}
        for network in NETWORKS:
            count = devices.get(network.id)
            silent = count.silent if count else 0
            table.add_row(
                self.choose(network.name_en, network.name_zh),
                str(count.reporting) if count else "–",
                Text(str(silent), style="yellow" if silent else "dim"),
                self._active(moment, network.id),
            )
        waiting = moment.condition.deliveries.outbox + moment.condition.deliveries.pending
        stages = Text(f"{self.word('stages')}: ")
        for name, runs in moment.stages.items():
            stages.append(f"{'●' if runs else '○'} {name}  ", style="green" if runs else "bold red")
        parts: list[RenderableType] = [table, Text(), stages, Text(f"{self.word('told')}: {waiting}", style="dim")]
        if moment.problem:
            parts.append(Text(moment.problem, style="bold red"))
        return Panel(Group(*parts), title=self.word("networks"), border_style="blue", box=box.ROUNDED)

    def _active(self, moment: Moment, network: str) -> Text:
        text = Text()
        for level in _LEVELS:
            active = sum(a.active for a in moment.condition.alerts if a.network == network and a.level == level)
            if active:
                text.append(f" {active} ", style=_LEVEL_STYLES[level])
                text.append(" ")
        return text

    def _alerts(self, moment: Moment, rows: int) -> Panel:
        title = self.word("alerts")
        if not moment.alerts:
            return Panel(Text(self.word("none"), style="dim"), title=title, border_style="red", box=box.ROUNDED)
        table = Table(box=None, expand=True, padding=(0, 1))
        for name in ("time", "level", "network", "what", "value", "state"):
            table.add_column(
                self.word(name),
                no_wrap=True,
                overflow="ellipsis",
                ratio=1 if name == "what" else None,
                min_width={"time": 8, "level": 8, "value": 11, "state": 18}.get(name),
            )
        for alert in moment.alerts[:rows]:
            table.add_row(*self._row(alert))
        return Panel(table, title=title, border_style="red", box=box.ROUNDED)

    def _row(self, alert: AlertEntry) -> tuple[RenderableType, ...]:
        active = alert.state == AlertState.ACTIVE
        dim = "" if active else "dim"
        network = next((n for n in NETWORKS if n.id == alert.network), None)
        level = self.choose(alert.level, LEVEL_NAMES_ZH[alert.level])
        if active or alert.cleared_at is None:
            state = Text(self.word("active"), style="bold red")
        else:
            lasted = (alert.cleared_at - alert.raised_at).total_seconds()
            state = Text(self.word("cleared").format(s=lasted), style="green")
        return (
            Text(self._clock(alert.raised_at), style=dim),
            Text(f" {level} ", style=(_LEVEL_STYLES if active else _FADED_STYLES)[alert.level]),
            Text(self.choose(network.name_en, network.name_zh) if network else alert.network, style=dim),
            Text(self.choose(alert.title_en, alert.title_zh), style=dim),
            Text(_value(alert), style=dim),
            state,
        )

    def _clock(self, moment: datetime) -> str:
        return f"{moment.astimezone(self.zone):%H:%M:%S}"


def _value(alert: AlertEntry) -> str:
    if alert.value is None or alert.property is None or alert.property in _SWITCHES:
        return ""
    return quantity(alert.value, _UNITS.get(alert.property, ""))


def _percentiles(latency: Latency) -> str:
    if latency.p50 is None or latency.p99 is None:
        return "–"
    return f"p50 {latency.p50:.0f} ms  p99 {latency.p99:.0f} ms"
