"""`lifeline rules test`: the tests that stand beside a catalogue, run through the engine."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rules.rule import Rule
from rules.rulebook import WAYS, RuleTests
from rules.series import sparkline
from rules.trial import Verdict

_TICK, _CROSS = "[green]✓[/]", "[red]✗[/]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How all tests went."""

    rules: tuple[Rule, ...]
    verdicts: tuple[Verdict, ...]
    #: Rule -> the ways in which it is not tested.
    untested: dict[str, tuple[str, ...]]

    @property
    def failed(self) -> tuple[Verdict, ...]:
        """The cases in which something else happened."""
        return tuple(verdict for verdict in self.verdicts if not verdict.passed)

    @property
    def passed(self) -> bool:
        """Whether every rule was tested in all three ways and nothing failed."""
        return not self.failed and not self.untested


def run_tests(
    folder: Path | None = typer.Argument(
        None, help="Folder of the catalogue; default: LIFELINE_RULES_DIR, or the shipped one."
    ),
    rule: str | None = typer.Option(None, "--rule", metavar="ID", help="Only the tests of this rule."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Runs the tests of a catalogue, which stand in its folder `tests`, through the very engine.

    Exit status 0 if every rule is tested in all three ways (it fires, it stays quiet, it clears) and passes, 1 if not,
    2 if catalogue or tests cannot be read.

    Example: `lifeline rules test ./our-rules --rule gas-methane-in-chamber`
    """
    from rules.load import SHIPPED
    from rules.load import load as load_rules
    from rules.rulebook import load as load_tests
    from runtime.settings import load

    folder = folder or load().rules_dir or SHIPPED
    rules = load_rules(folder)
    outcome = run(rules, load_tests(folder, rules), only=rule)
    if as_json:
        typer.echo(json.dumps(_as_data(outcome), ensure_ascii=False))
    else:
        _show(Console(), outcome)
    raise typer.Exit(0 if outcome.passed else 1)


def run(rules: Sequence[Rule], tests: Sequence[RuleTests], *, only: str | None = None) -> Outcome:
    """Runs everything, or what belongs to one rule; ConfigurationError if there is no such rule."""
    from domain.errors import ConfigurationError
    from rules.trial import try_out
    from runtime.progress import Steps

    by_id = {rule.id: rule for rule in rules}
    if only is not None and only not in by_id:
        raise ConfigurationError(f"no rule {only!r}", ["`lifeline rules list` shows the rules there are"])
    chosen = tuple(rule for rule in rules if only in {None, rule.id})
    by_rule = {one.rule: one for one in tests}
    verdicts: list[Verdict] = []
    with Steps(len(chosen)) as steps:
        for rule in chosen:
            steps.next(rule.id)
            if rule.id in by_rule:
                verdicts += try_out(by_id, by_rule[rule.id])
    lacking = {
        rule.id: tuple(way for way in WAYS if rule.id not in by_rule or not getattr(by_rule[rule.id], way))
        for rule in chosen
    }
    return Outcome(
        rules=chosen, verdicts=tuple(verdicts), untested={name: ways for name, ways in lacking.items() if ways}
    )


def _show(console: Console, outcome: Outcome) -> None:
    for network in sorted({rule.network for rule in outcome.rules}):
        table = Table("rule", *WAYS, title=network, title_justify="left", title_style="bold")
        table.columns[0].min_width = max(len(rule.id) for rule in outcome.rules)
        for column in table.columns[1:]:
            column.justify = "center"
        for rule in outcome.rules:
            if rule.network == network:
                table.add_row(rule.id, *(_cell(outcome.verdicts, rule.id, way) for way in WAYS))
        console.print(table)
    for verdict in outcome.failed:
        _show_failure(console, verdict)
    for name, ways in outcome.untested.items():
        console.print(f"[yellow]{name} has no test under {', '.join(ways)}[/]")
    tested = len(outcome.rules) - len(outcome.untested)
    console.print(
        f"{len(outcome.verdicts) - len(outcome.failed)} of {len(outcome.verdicts)} cases passed; "
        f"{tested} of {len(outcome.rules)} rules are tested in all three ways."
    )


def _cell(verdicts: Sequence[Verdict], rule: str, way: str) -> str:
    own = [verdict for verdict in verdicts if (verdict.rule, verdict.way) == (rule, way)]
    return " ".join(_TICK if verdict.passed else _CROSS for verdict in own) or "[yellow]-[/]"


def _show_failure(console: Console, verdict: Verdict) -> None:
    console.print(f"\n[red]✗ {verdict.rule}[/], {verdict.way}: {escape(verdict.case)}")
    for name, series in verdict.feed.items():
        console.print(f"  {name}  {sparkline(series)}", highlight=False)
    if verdict.fault is not None:
        console.print(f"  [red]{escape(verdict.fault)}[/]")
        return
    table = Table("", "expected", "got", box=None, padding=(0, 2))
    for line in verdict.lines:
        table.add_row(_TICK if line.agrees else _CROSS, line.expected or "nothing", line.got or "nothing")
    console.print(table)


def _as_data(outcome: Outcome) -> dict[str, Any]:
    return {
        "rules": len(outcome.rules),
        "cases": len(outcome.verdicts),
        "failed": len(outcome.failed),
        "untested": {name: list(ways) for name, ways in outcome.untested.items()},
        "results": [
            {
                "rule": verdict.rule,
                "way": verdict.way,
                "case": verdict.case,
                "passed": verdict.passed,
                "fault": verdict.fault,
                "expected": [line.expected for line in verdict.lines if line.expected],
                "got": [line.got for line in verdict.lines if line.got],
            }
            for verdict in outcome.verdicts
        ],
    }
