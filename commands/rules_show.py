"""`lifeline rules show`: everything a duty officer would ask about one rule."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.tree import Tree

from commands.rules_words import COLOURS, condition_of, limit_in_words, number_in_words, watched_by
from domain.alert import LEVEL_NAMES_ZH, Level
from domain.units import shown
from rules.fused import All, Any_, Fused, Hours, Leaf, Not
from rules.grounds import Grounds, Limit, Span, Words
from rules.rule import Cause, Rule

if TYPE_CHECKING:
    from rules.load import Catalogue
    from rules.override import Override
    from rules.rulebook import RuleTests

_WORDS = {
    "watches": ("watches", "监测对象"),
    "when": ("raises when", "触发条件"),
    "levels": ("Levels", "级别与限值"),
    "limit": ("limit", "限值"),
    "evidence": ("evidence", "依据"),
    "why": ("Why, and what to do", "原因与处置"),
    "cause": ("cause", "原因"),
    "consequence": ("consequence", "后果"),
    "action": ("what to do", "处置措施"),
    "within": ("within", "处置时限"),
    "owner": ("owner", "责任单位"),
    "text": ("what it says", "警情内容"),
    "held": ("Not announced while", "以下情况不通知"),
    "inhibited": ("explained by", "由其引起"),
    "suppressed": ("suppressed while", "设计抑制"),
    "overrides": ("Overrides", "现场调整"),
    "tests": ("Tests", "测试"),
    "none": ("none", "无"),
    "off": ("not enabled", "未启用"),
    "hysteresis": ("hysteresis", "回差"),
    "on_delay": ("on-delay", "触发延时"),
    "off_delay": ("off-delay", "解除延时"),
    "latching": ("stays open until a person resets it", "需人工复位"),
}


def show(
    rule: str = typer.Argument(metavar="ID", help="The rule."),
    folder: Path | None = typer.Argument(
        None, help="Folder of the catalogue; default: LIFELINE_RULES_DIR, or the shipped one."
    ),
    language: str | None = typer.Option(None, help="en or zh; default LIFELINE_LANGUAGE."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Shows one rule: its condition and limits with their evidence, why it exists and what to do, overrides and tests.

    Example: `lifeline rules show gas-methane-in-chamber --language zh`
    """
    from difflib import get_close_matches

    from domain.errors import ConfigurationError
    from rules.load import SHIPPED, load_catalogue
    from rules.rulebook import load as load_tests
    from runtime.settings import load

    settings = load()
    folder = folder or settings.rules_dir or SHIPPED
    catalogue = load_catalogue(folder)
    found = next((one for one in catalogue.rules if one.id == rule), None)
    if found is None:
        close = get_close_matches(rule, [one.id for one in catalogue.rules], n=1)
        remedy = f"did you mean {close[0]}?" if close else "`lifeline rules list` shows the rules there are"
        raise ConfigurationError(f"no rule {rule!r}", [remedy])
    overrides = [one for one in catalogue.overrides if one.rule == rule]
    if as_json:
        data = found.model_dump(mode="json", by_alias=True, exclude_none=True)
        data["overrides"] = [one.model_dump(mode="json", exclude_none=True) for one in overrides]
        typer.echo(json.dumps(data, ensure_ascii=False))
        return
    tests = next((one for one in load_tests(folder, catalogue.rules) if one.rule == rule), None)
    sheet = Sheet(language or settings.language)
    Console().print(Group(*sheet.panels(found, catalogue, overrides, tests)))


class Sheet:
    """A rule in one language.

    Args:
        language: `en` or `zh`.
    """

    def __init__(self, language: str) -> None:
        self._at = 1 if language == "zh" else 0

    def panels(
        self, rule: Rule, catalogue: "Catalogue", overrides: "Sequence[Override]", tests: "RuleTests | None"
    ) -> Iterator[RenderableType]:
        """Everything about a rule, the most asked for first."""
        yield Panel(self._head(rule), title=f"[bold]{rule.id}[/]", title_align="left")
        yield Panel(self._levels(rule), title=self._word("levels"), title_align="left")
        yield Panel(self._why(rule), title=self._word("why"), title_align="left")
        if rule.inhibited_by or rule.suppressed_while:
            yield Panel(self._held(rule, catalogue), title=self._word("held"), title_align="left")
        if overrides:
            lines = "\n".join(_override(one) for one in overrides)
            yield Panel(lines, title=self._word("overrides"), title_align="left")
        cases = "\n".join(f"{way:<7} {escape(case.name)}" for way, case in tests.cases) if tests else self._word("none")
        yield Panel(cases, title=self._word("tests"), title_align="left")

    def _word(self, name: str) -> str:
        return _WORDS[name][self._at]

    def _said(self, words: Words) -> str:
        return escape(words.zh if self._at else words.en)

    def _level(self, level: Level) -> str:
        return f"[{COLOURS[level.label]}]{LEVEL_NAMES_ZH[level.label] if self._at else level.label}[/]"

    def _head(self, rule: Rule) -> RenderableType:
        table = _two_columns()
        state = "" if rule.enabled else f" · [red]{self._word('off')}[/]"
        table.add_row("", f"{rule.kind.value} · {rule.class_} · {rule.network}{state}")
        table.add_row(self._word("watches"), escape(watched_by(rule)))
        table.add_row(self._word("when"), escape(condition_of(rule)))
        table.add_row(self._word("text"), f"[bold]{self._said(rule.title)}[/]\n{self._said(rule.text)}")
        return table

    def _levels(self, rule: Rule) -> RenderableType:
        condition = rule.condition
        if isinstance(condition, Fused):
            trees = [self._tree(Level.parse(name), level.when) for name, level in condition.fused.items()]
            return Group(*trees, *self._delays(rule))
        unit = _unit_of(rule)
        table = Table("", self._word("limit"), self._word("evidence"), box=None, padding=(0, 2))
        for level, grounds in rule.grounds:
            limit = limit_in_words(grounds) if isinstance(grounds, Limit | Span) else condition_of(rule)
            table.add_row(self._level(level), f"{limit} {unit}".rstrip(), _evidence(grounds))
        return Group(table, *self._delays(rule))

    def _delays(self, rule: Rule) -> Iterator[str]:
        facts = []
        for name, field, unit in (
            ("hysteresis", "hysteresis", _unit_of(rule)),
            ("on_delay", "on_delay_s", "s"),
            ("off_delay", "off_delay_s", "s"),
        ):
            if value := getattr(rule.condition, field, 0):
                facts.append(f"{self._word(name)} {value:g} {unit}".rstrip())
        facts += [self._word("latching")] if rule.latching else []
        if facts:
            yield f"[dim]{' · '.join(facts)}[/]"

    def _tree(self, level: Level, expression: Any) -> Tree:  # noqa: ANN401 - any part of an expression
        tree = Tree(self._level(level), guide_style="dim")
        _grow(tree, expression)
        return tree

    def _why(self, rule: Rule) -> RenderableType:
        reason = rule.rationalization
        table = _two_columns()
        table.add_row(self._word("cause"), self._said(reason.cause))
        table.add_row(self._word("consequence"), self._said(reason.consequence))
        table.add_row(self._word("action"), f"[bold]{self._said(reason.operator_action)}[/]")
        table.add_row(self._word("within"), _lasting(reason.response_time_s))
        table.add_row(self._word("owner"), self._said(reason.owner))
        return table

    def _held(self, rule: Rule, catalogue: "Catalogue") -> RenderableType:
        titles = {one.id: one.title for one in catalogue.rules}
        table = _two_columns()

        def row(name: str, cause: Cause) -> None:
            title = titles.get(cause.rule)
            what = "" if title is None else f"  [dim]{self._said(title)}[/]"
            table.add_row(self._word(name), f"{cause.rule} ({cause.on}){what}")

        for cause in rule.inhibited_by:
            row("inhibited", cause)
        for cause in rule.suppressed_while:
            row("suppressed", cause)
        return table


def _two_columns() -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    return table


def _unit_of(rule: Rule) -> str:
    from domain.catalogue import properties

    measure = getattr(rule.condition, "measure", None)
    if measure is not None and measure.unit is not None:
        return shown(measure.unit)
    units = {item.id: item.unit for item in properties()}
    return shown(units.get(rule.applies_to.property or "", ""))


def _evidence(grounds: Grounds) -> str:
    parts = [str(grounds.evidence), getattr(grounds, "standard", None), getattr(grounds, "clause", None), grounds.note]
    return escape(", ".join(part for part in parts if part))


def _grow(tree: Tree, part: Any) -> None:  # noqa: ANN401 - any part of an expression
    if isinstance(part, Leaf):
        tree.add(f"{escape(_leaf(part))}  [dim]{_evidence(part)}[/]")
    elif isinstance(part, Hours):
        tree.add(part.hours)
    elif isinstance(part, Not):
        _grow(tree.add("not"), part.not_)
    elif isinstance(part, All | Any_):
        name, parts = ("all", part.all) if isinstance(part, All) else ("any", part.any)
        below = tree.add(name)
        for one in parts:
            _grow(below, one)


def _leaf(leaf: Leaf) -> str:
    words = [leaf.property or "device"]
    words += [leaf.measure.name] if leaf.measure else []
    if leaf.above is not None:
        words.append(f"> {number_in_words(leaf.above)}")
    elif leaf.below is not None:
        words.append(f"< {number_in_words(leaf.below)}")
    elif leaf.position is not None:
        words.append(f"is {str(leaf.position).lower()}")
    elif leaf.absent is not None:
        words.append(f"silent for {leaf.absent.factor:g} intervals + {leaf.absent.grace_s} s")
    words += [f"for {leaf.for_s} s"] if leaf.for_s else []
    where = leaf.where
    place = where.place or (f"within {where.within_m:g} m" if where.within_m else " ".join(where.linked or ()))
    kinds = f" ({', '.join(where.asset_kinds)})" if where.asset_kinds else ""
    count = leaf.count.model_dump(exclude_defaults=True)
    many = ", ".join(f"{name} {value}" for name, value in count.items())
    return f"{' '.join(words)} @ {place}{kinds}" + (f" [{many}]" if many else "")


def _override(one: "Override") -> str:
    where = one.where.model_dump(exclude_none=True, exclude_defaults=True)
    change = one.model_dump(mode="json", exclude_none=True, exclude={"rule", "where", "reason"})
    return escape(f"{where}: {change} - {one.reason}")


def _lasting(seconds: int) -> str:
    for size, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds % size == 0:
            return f"{seconds // size} {name}"
    return f"{seconds} s"
