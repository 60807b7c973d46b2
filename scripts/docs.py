"""Writes docs/reference.md from the code: commands, settings, metrics, reject reasons, properties, rules.

scripts/docs.py            write it
scripts/docs.py --check    exit status 1 if it is stale
"""

import argparse
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
PAGE = ROOT / "docs" / "reference.md"


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def _commands() -> Iterator[str]:
    from lifeline import COMMANDS

    yield "## Commands"
    yield "Every command has `--help` with an example. Exit status: 0 done, 1 ran and something is wrong, 2 cannot run."
    yield ""
    rows: list[tuple[str, str]] = []
    for name, (module, attribute, line) in COMMANDS.items():
        found = getattr(import_module(module), attribute)
        rows.append((f"`lifeline {name}`", line))
        if isinstance(found, typer.Typer):
            rows += [(f"`lifeline {name} {sub}`", text) for sub, text in _subcommands(found)]
    yield from _table(("command", "what it does"), iter(rows))


def _subcommands(found: typer.Typer) -> Iterator[tuple[str, str]]:
    for command in found.registered_commands:
        if command.hidden:
            continue
        function: Any = command.callback
        name = command.name or function.__name__.replace("_", "-")
        yield name, (function.__doc__ or "").strip().splitlines()[0]


def _settings() -> Iterator[str]:
    from pydantic import SecretStr

    from runtime.settings import PREFIX, Settings

    yield "## Settings"
    yield "Environment variables; any of them may come from a file as `…_FILE`, which is the way for secrets."
    yield ""

    def row(name: str, field: Any) -> tuple[str, ...]:  # noqa: ANN401 - pydantic's FieldInfo
        default = field.default
        shown = default.get_secret_value() if isinstance(default, SecretStr) else default
        return f"`{PREFIX}{name.upper()}`", "" if shown is None else f"`{shown}`", field.description or ""

    yield from _table(("setting", "default", "meaning"), (row(n, f) for n, f in Settings.model_fields.items()))


def _metrics() -> Iterator[str]:
    from prometheus_client import Counter
    from prometheus_client.metrics import MetricWrapperBase

    from runtime import metrics

    yield "## Metrics"
    yield "Each stage serves `/metrics`, `/healthz` and `/readyz` on `LIFELINE_METRICS_HOST`:`LIFELINE_METRICS_PORT`."
    yield ""
    found = [m for m in vars(metrics).values() if isinstance(m, MetricWrapperBase)]

    def row(metric: MetricWrapperBase) -> tuple[str, ...]:
        described = next(iter(metric.describe()))
        name = described.name + ("_total" if isinstance(metric, Counter) else "")
        return f"`{name}`", described.type, described.documentation

    yield from _table(("metric", "type", "meaning"), (row(m) for m in found))


def _reasons() -> Iterator[str]:
    from domain.observation import REJECT_HELP, Quality

    yield "## Reject reasons"
    yield "What is not stored is kept in `dead_letters` with one of these reasons and the raw bytes."
    yield ""
    yield from _table(("reason", "meaning"), ((f"`{reason}`", text) for reason, text in REJECT_HELP.items()))
    yield ""
    yield "## Quality flags"
    yield "`observations.quality` is the sum of these; 0 is good. A flagged value never counts as normal."
    yield ""
    yield from _table(("flag", "value"), ((f"`{(q.name or '').lower()}`", str(q.value)) for q in Quality if q))


def _properties() -> Iterator[str]:
    from domain.catalogue import properties

    yield "## Observed properties"
    yield "Units are UCUM. A value outside the range is stored, flagged `out_of_range`. A registry folder may add more."
    yield ""
    yield from _table(
        ("property", "unit", "range", "usual interval", "English", "中文"),
        (
            (f"`{p.id}`", f"`{p.unit}`", f"{p.minimum:g} to {p.maximum:g}", f"{p.interval_s} s", p.name_en, p.name_zh)
            for p in properties()
        ),
    )


def _rules() -> Iterator[str]:
    from commands.rules_words import condition_of, evidence_of, watched_by
    from rules.load import load
    from rules.rule import Rule

    yield "## Rules"
    yield "The shipped catalogue (`rules/catalogue/`). Evidence says how far a limit can be trusted: people act on it."
    yield ""

    def row(rule: Rule) -> tuple[str, ...]:
        levels = " ".join(level.label for level in rule.levels)
        trust = ", ".join(dict.fromkeys(evidence_of(rule)))
        kind = f"{rule.kind}, {levels}"
        return f"`{rule.id}`", rule.network, kind, watched_by(rule), condition_of(rule), trust, rule.title.zh

    yield from _table(
        ("rule", "network", "kind, levels", "watches", "raises when", "evidence", "中文"), map(row, load())
    )


def page() -> str:
    """The whole page."""
    parts = (_commands, _settings, _metrics, _reasons, _properties, _rules)
    head = "# Reference\n\nWritten by `make docs` from the code; a test fails when it is stale.\n"
    return head + "\n" + "\n\n".join("\n".join(part()) for part in parts) + "\n"


def main() -> int:
    """Writes or checks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    written = page()
    if parser.parse_args().check:
        stale = not PAGE.exists() or PAGE.read_text(encoding="utf-8") != written
        if stale:
            print("docs/reference.md is stale: run `make docs`")
        return int(stale)
    PAGE.write_text(written, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
