"""What a person sees of a scenario that is played: where it stands, what happens next, how the broker keeps up."""

import json
import math
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import RenderableType

    from simulators.devices.live import Broadcast
    from simulators.devices.traffic import Traffic
    from simulators.scenario import Scenario
    from simulators.town.layout import Town

#: A run that starts this far from the time of day of its scenario is worth a word.
_FAR_S = 1800
_EVENTS = 5
_WORDS = {
    "solving": ("solving {assets} assets, {streams} datastreams", "正在求解{assets}个设施、{streams}个数据流"),
    "next": ("next", "即将"),
    "now": ("now", "进行中"),
    "over": ("over", "已结束"),
    "clock": ("time in the town", "城市时间"),
    "messages": ("messages", "消息"),
    "pending": ("not acknowledged", "未确认"),
    "late": ("lateness (median, 99 %, worst)", "发送延迟（中位、99%、最大）"),
    "quiet": ("nothing happens", "没有任何事件"),
    "far": (
        "its own time of day is {own}, this run begins at {begins}; lamps and people follow the clock: --start clock",
        "该场景本来的时刻为{own}，本次从{begins}开始：路灯、用量和人的作息随时钟变化。用 --start clock 可保持原时刻",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What was published; messages and entries are those that the broker acknowledged. Times are RFC 3339."""

    scenario: str
    begin: str
    end: str
    devices: int
    connections: int
    messages: int
    entries: int
    #: Readings that never left their devices.
    lost: int
    #: Readings that are not what a sound instrument would say.
    faulty: int
    refused: int
    unmatched: int
    unacknowledged: int
    interrupted: bool
    problem: str | None
    late_p99_ms: float
    late_worst_ms: float
    generated_s: float
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether the broker has everything."""
        return not (self.interrupted or self.unacknowledged or self.refused or self.problem)

    @classmethod
    def of(
        cls,
        story: "Scenario",
        traffic: "Traffic",
        broadcast: "Broadcast",
        *,
        begin: int,
        end: int,
        interrupted: bool,
        drained: bool,
        generated_s: float,
        seconds: float,
    ) -> "Summary":
        """The summary of a broadcast that has stopped."""
        from domain.times import isoformat

        ledger, progress = broadcast.ledger, broadcast.progress()
        return cls(
            scenario=story.id,
            begin=isoformat(begin + broadcast.shift),
            end=isoformat(end + broadcast.shift),
            devices=len(traffic.devices),
            connections=broadcast.connections,
            messages=ledger.messages,
            entries=ledger.entries,
            lost=traffic.lost,
            faulty=int((traffic.labels != 0).sum()),
            refused=ledger.refused,
            unmatched=ledger.unmatched,
            unacknowledged=0 if drained else broadcast.pending,
            interrupted=interrupted,
            problem=broadcast.problem,
            late_p99_ms=round(progress.late_ms[1], 1),
            late_worst_ms=round(progress.worst_ms, 1),
            generated_s=round(generated_s, 2),
            seconds=round(seconds, 2),
        )


class View:
    """A context manager; draws only on a terminal, on the error output.

    Args:
        language: en or zh.
    """

    def __init__(self, language: str) -> None:
        self._language = language
        self._screen = Console(stderr=True)
        self._live = Live(console=self._screen, transient=True, refresh_per_second=5, auto_refresh=False)
        self._of: tuple[Scenario, Traffic, Broadcast, int] | None = None

    def __enter__(self) -> Self:
        if self._screen.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def solving(self, story: "Scenario", town: "Town", begin: int) -> None:
        """The engines run; says when a scenario is not played at its own time of day."""
        from simulators.devices.timing import away_from_its_clock, local

        if away_from_its_clock(story, begin).total_seconds() > _FAR_S:
            own, begins = local(story.begin())[11:16], local(begin)[11:16]
            self._screen.print(f"[yellow]{self._word('far').format(own=own, begins=begins)}[/]", highlight=False)
        streams = sum(len(one.properties) for one in town.instruments)
        line = self._word("solving").format(assets=len(town.assets), streams=streams)
        self._draw(Spinner("dots", Text(f"{story.title.of(self._language)}: {line}")))

    def playing(self, story: "Scenario", traffic: "Traffic", broadcast: "Broadcast", begin: int) -> None:
        """Messages go out."""
        self._of = story, traffic, broadcast, begin
        self.refresh()

    def refresh(self) -> None:
        """Draws how far it has come."""
        if self._of is None or not self._live.is_started:
            return
        from simulators.devices.timing import local

        story, traffic, broadcast, begin = self._of
        progress = broadcast.progress()
        here = max(progress.position, int(traffic.sent[0]) if len(traffic.sent) else begin)
        facts = Table.grid(padding=(0, 2))
        facts.add_row(self._word("clock"), local(here + broadcast.shift))
        facts.add_row(self._word("messages"), f"{progress.messages:,} / {len(traffic.sent):,}")
        facts.add_row(self._word("pending"), f"{progress.pending:,}")
        facts.add_row(self._word("late"), " ".join(f"{value:.1f} ms" for value in progress.late_ms))
        self._draw(
            Group(
                Text(story.title.of(self._language), style="bold"),
                ProgressBar(total=max(len(traffic.sent), 1), completed=progress.messages, width=60),
                self._events(story, begin, here),
                facts,
            )
        )

    def _events(self, story: "Scenario", begin: int, here: int) -> Table:
        """What happens now and next."""
        from simulators.scenario_words import event_in_words

        table = Table.grid(padding=(0, 2))
        rows = []
        for event in story.timeline:
            since = story.at(begin, event.at)
            until = math.inf if event.until is None else story.at(begin, event.until)
            state = "next" if here < since else "over" if here >= until else "now"
            style = {"next": "dim", "over": "green", "now": "bold red"}[state]
            rows.append((until <= here, since, state, style, event))
        rows.sort(key=lambda row: row[:2])
        for _, _, state, style, event in rows[:_EVENTS]:
            text = event_in_words(event, self._language)
            table.add_row(Text(self._word(state), style=style), event.at.text, Text(text, style=style))
        if not rows:
            table.add_row(Text(self._word("quiet"), style="green"))
        return table

    def tell(self, summary: Summary, *, as_json: bool) -> None:
        """The end of it."""
        if as_json:
            typer.echo(json.dumps(asdict(summary), ensure_ascii=False))
            return
        screen = Console()
        screen.print(f"[bold]{summary.scenario}[/]: {summary.begin} - {summary.end}", highlight=False)
        table = Table()
        for name in ("devices", "connections", "messages", "values", "faulty", "never sent"):
            table.add_column(name, justify="right")
        counts = (summary.devices, summary.connections, summary.messages, summary.entries, summary.faulty, summary.lost)
        table.add_row(*(f"{count:,}" for count in counts))
        screen.print(table)
        rate = summary.messages / max(summary.seconds, 1e-9)
        screen.print(
            f"solved in {summary.generated_s:.1f} s, acknowledged in {summary.seconds:.1f} s ({rate:,.0f} messages/s),"
            f" lateness 99 % {summary.late_p99_ms:.1f} ms, worst {summary.late_worst_ms:.1f} ms",
            highlight=False,
        )
        for count, what in (
            (summary.unacknowledged, "messages were never acknowledged"),
            (summary.refused, "messages were refused by the broker"),
            (summary.unmatched, "messages found no subscriber: is `lifeline ingest` running?"),
        ):
            if count:
                screen.print(f"[yellow]{count:,} {what}[/]", highlight=False)
        if summary.problem:
            screen.print(f"[red]{summary.problem}[/]", highlight=False)
        if summary.interrupted:
            screen.print("[yellow]stopped before the end[/]")

    def _draw(self, shown: "RenderableType") -> None:
        if self._live.is_started:
            self._live.update(shown, refresh=True)

    def _word(self, name: str) -> str:
        return _WORDS[name][self._language == "zh"]
