"""What a person sees of an exercise while it runs: where it stands, what is expected next, what was done."""

from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from commands.drill_words import Words

if TYPE_CHECKING:
    from domain.after_action import Report, StepResult
    from simulators.devices.live import Broadcast
    from simulators.scenario import Scenario
    from simulators.town.layout import Town

_NEXT = 6


class DrillView:
    """A context manager; draws only on a terminal, on the error output.

    Args:
        language: en or zh.
    """

    def __init__(self, language: str) -> None:
        self._words = Words(language)
        self._screen = Console(stderr=True)
        self._live = Live(console=self._screen, transient=True, auto_refresh=False)

    def __enter__(self) -> Self:
        if self._screen.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def preparing(self, exercise: int, story: "Scenario", town: "Town") -> None:
        """The engines run."""
        words = self._words
        line = f"{words('exercise')} {exercise} · {story.title.of(words.language)}: {words('preparing')}"
        self._draw(Spinner("dots", Text(f"{line} ({len(town.assets)})")))

    def responded(self, result: "StepResult") -> None:
        """The scripted responder did something."""
        words = self._words
        if self._screen.is_terminal:
            self._screen.print(
                f"[green]✓[/] {words(result.step.name)}: {result.step.text.of(words.language)}", highlight=False
            )

    def show(self, report: "Report", broadcast: "Broadcast", at: int) -> None:
        """Draws how far it has come."""
        if not self._live.is_started:
            return
        from commands.drill_report import detections, steps

        words = self._words
        facts = Table.grid(padding=(0, 2))
        facts.add_row(words("event_time"), words.moment(at))
        facts.add_row(words("messages"), f"{broadcast.progress().messages:,}")
        self._draw(
            Group(
                Panel(Text(words("banner"), style="bold white on magenta"), style="magenta", expand=False),
                Text(report.exercise.title.of(words.language), style="bold"),
                facts,
                self._expected(report, at),
                detections(report, words),
                steps(report, words),
            )
        )

    def _expected(self, report: "Report", at: int) -> Table:
        """What should come next, the most urgent first."""
        words = self._words
        table = Table(title=words("next"), title_justify="left", show_header=False)
        pace = report.exercise.pace
        begins = pace.begins if pace else at
        waiting = [
            (one.expected.by_s - (at - begins) / 1_000_000, "|".join(one.expected.rules))
            for one in report.detections
            if one.verdict == "open"
        ]
        for left, name in sorted(waiting)[:_NEXT]:
            table.add_row(name, Text(words.lasting(left), style="red" if left < 0 else ""))
        for result in [one for one in report.steps if one.verdict == "open" and one.alert is not None][:_NEXT]:
            text = f"{words(result.step.name)}: {result.step.text.of(words.language)}"
            table.add_row(Text(text, style="bold"), f"#{result.alert}")
        return table

    def _draw(self, shown: Group | Spinner) -> None:
        if self._live.is_started:
            self._live.update(shown, refresh=True)
