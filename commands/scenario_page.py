"""The tables of docs/scenarios.md: what each scenario states, and what came of it."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from domain.errors import ConfigurationError
from simulators.scenario import Scenario
from simulators.scenario_parts import Ban, Expectation
from simulators.scenario_words import statement_in_words

if TYPE_CHECKING:
    from commands.scenario_score import Score
    from simulators.scenario_verdicts import Verdict

#: Between these lines of the page stands what is generated.
BEGIN, END = "<!-- generated: lifeline simulate score --all --markdown docs/scenarios.md -->", "<!-- end -->"
_MINUTE_S, _HOUR_S = 60, 3600


def in_minutes(seconds: float) -> str:
    """A delay such as 45 s, 12 min or 3.5 h."""
    if seconds < 1.5 * _MINUTE_S:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE_S:.0f} min" if seconds < 1.5 * _HOUR_S else f"{seconds / _HOUR_S:.1f} h"


def tables(found: "Sequence[Score]") -> str:
    """One line for each scenario, then each scenario with all its statements."""
    return "\n".join((*_summary(found), "", *(line for own in found for line in _scenario(own)))) + "\n"


def written(page: str, block: str) -> str:
    """A page with its generated part replaced; ConfigurationError if it has none."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise ConfigurationError("the page of scenarios", [f"it lacks the lines {BEGIN!r} and {END!r}"])
    return f"{head}{BEGIN}\n{block}{END}{tail}"


def write(path: Path, found: "Sequence[Score]") -> None:
    """Writes what came of all scenarios into the page."""
    path.write_text(written(path.read_text(encoding="utf-8"), tables(found)), encoding="utf-8")


def rows(scenario: Scenario) -> Iterator[str]:
    """How each statement of a scenario stands on the page, without what came of it."""
    for one in scenario.statements:
        yield _cell(statement_in_words(one, "en"))


def _summary(found: "Sequence[Score]") -> Iterator[str]:
    verdicts = [one for own in found for one in own.judgement.verdicts]
    held = sum(one.held for one in verdicts)
    false = sum(len(own.judgement.false_alarms) for own in found)
    yield (
        f"{len(found)} scenarios: {held} of {len(verdicts)} statements held "
        f"({100 * held / max(1, len(verdicts)):.1f} %), {false} false alarms."
    )
    yield ""
    yield "| scenario | what happens | must rise | must not | held | first alert after | false alarms |"
    yield "|---|---|---|---|---|---|---|"
    for own in found:
        scenario, judged = own.scenario, own.judgement
        delays = [one.delay_s for one in judged.verdicts if one.delay_s is not None]
        yield (
            f"| [{scenario.id}](#{scenario.id}) | {scenario.title.en} | {len(scenario.expect)} | "
            f"{len(scenario.must_not)} | {judged.held} of {len(judged.verdicts)} | "
            f"{in_minutes(min(delays)) if delays else ''} | {len(judged.false_alarms) or ''} |"
        )


def _scenario(own: "Score") -> Iterator[str]:
    scenario = own.scenario
    yield f"### {scenario.id}"
    yield f"{scenario.title.zh}。{' '.join(scenario.summary.en.split())}"
    yield ""
    yield "| statement | outcome |"
    yield "|---|---|"
    for text, verdict in zip(rows(scenario), own.judgement.verdicts, strict=True):
        yield f"| {text} | {_outcome(verdict)} |"
    yield ""
    yield from _explained(own.judgement.misses)
    others = sorted({f"`{alarm.rule}`" for alarm in own.judgement.further})
    if others:
        yield f"Announced as well: {', '.join(others)}."
        yield ""


def _outcome(verdict: "Verdict") -> str:
    if isinstance(verdict.statement, Ban):
        return "quiet" if verdict.held else f"**{len(verdict.alarms)} announced**"
    late = f", {in_minutes(verdict.delay_s)}" if verdict.delay_s is not None else ""
    return f"detected{late}" if verdict.held else f"**missed**{late}"


def _explained(misses: "Iterable[Verdict]") -> Iterator[str]:
    for verdict in misses:
        what = "Missed" if isinstance(verdict.statement, Expectation) else "Announced all the same"
        why = verdict.statement.miss.en if verdict.statement.miss else "not explained yet."
        yield f"{what}: {' '.join(why.split())}"
        yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
