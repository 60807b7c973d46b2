"""The one command line of City Lifeline. Wires stages, nothing else: every command lives in `commands`.

Commands are imported when they are called, so that each process loads only the stage it runs.
"""

import os
import signal
import sys

#: Commands that run until they are told to stop.
STAGES = (["ingest"], ["notify"], ["serve"], ["up"], ["rules", "run"])

if any(sys.argv[1 : 1 + len(words)] == words for words in STAGES):
    # Told before it has begun, a stage has nothing to drain and ends well; its own handlers take over as it begins.
    # This stands before all other imports, because they take most of the first second.
    for _number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(_number, lambda *_: os._exit(0))

from importlib import import_module  # noqa: E402
from typing import Any  # noqa: E402

import typer  # noqa: E402
from typer.core import TyperGroup  # noqa: E402

#: Name of a command -> the module and the object that make it, and its line in `lifeline --help`.
COMMANDS: dict[str, tuple[str, str, str]] = {
    "demo": ("commands.demo", "demo", "A county town that publishes, stored, watched and alerting, in this terminal."),
    "up": ("commands.up", "up", "All stages in one process group, on embedded or given services."),
    "ingest": ("commands.ingest", "ingest", "Broker -> database: store every observation exactly once."),
    "rules": ("commands.rules", "app", "The rules engine: run it; check, list, test and backtest its catalogue."),
    "notify": ("commands.notify", "notify", "Tell people about alerts."),
    "serve": ("commands.serve", "serve", "The HTTP API."),
    "status": ("commands.status", "status", "How everything is: counters, lag, alerts, notifications."),
    "kpis": ("commands.kpis", "kpis", "Alarm health and resilience of a period, against their targets."),
    "db": ("commands.db", "app", "The database: migrate it, show its level and schema."),
    "registry": ("commands.registry", "app", "Import and export what stands in the field."),
    "replay": ("commands.replay", "replay", "Publish a recorded feed, or a period of a database, at any speed."),
    "simulate": ("commands.simulate", "app", "A county town that publishes: scenarios, recordings, scores, load."),
    "drill": ("commands.drill", "app", "Exercises: an incident end to end, marked as such, and the report on it."),
    "dashboards": ("commands.dashboards", "app", "Grafana dashboards: build and push."),
    "tokens": ("commands.tokens", "app", "Access to the API: add, list, revoke."),
    "bench": ("commands.bench", "app", "Measure throughput and latency against a baseline of the same run."),
    "settings": ("commands.settings", "settings", "Every setting, its value and where it comes from."),
}


class _Lazy(TyperGroup):
    """Loads a command when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401, ARG002
        if cmd_name not in COMMANDS:
            return None
        module, attribute, line = COMMANDS[cmd_name]
        found = getattr(import_module(module), attribute)
        if not isinstance(found, typer.Typer):
            single = typer.Typer(add_completion=False, rich_markup_mode="markdown")
            single.command(cmd_name)(found)
            found = single
        command = typer.main.get_command(found)
        command.name = cmd_name
        command.short_help = line
        return command


app = typer.Typer(
    cls=_Lazy,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="City Lifeline watches the networks that keep a city alive: gas, water, drainage, manholes, street lights.",
)


@app.callback()
def _root() -> None:
    pass


def main() -> None:
    """Entry point of the `lifeline` command; errors of ours become one clear text and exit status 1 or 2."""
    from domain.errors import ConfigurationError, LifelineError, SchemaError
    from runtime.settings import SettingsError

    try:
        app()
    except (SettingsError, ConfigurationError) as exc:
        sys.stderr.write(f"{exc}\n")
        sys.exit(2)
    except SchemaError as exc:
        sys.stderr.write(f"lifeline: {exc}\n")
        sys.exit(2)
    except LifelineError as exc:
        sys.stderr.write(f"lifeline: {exc}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
