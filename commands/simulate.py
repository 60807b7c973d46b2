"""`lifeline simulate`: the county town that publishes. `simulate SCENARIO` runs one; the other words are commands."""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

#: Word -> module, function and its line in `lifeline simulate --help`. Any other word is the scenario of `run`.
COMMANDS: dict[str, tuple[str, str, str]] = {
    "run": ("commands.simulate_run", "run", "Play a scenario over MQTT (the word `run` may be left out)."),
    "record": ("commands.simulate_record", "record", "Write a scenario as a feed for `lifeline replay`."),
    "list": ("commands.simulate_list", "listing", "The scenarios that come with the package."),
    "show": ("commands.simulate_show", "show", "What happens in a scenario, and what it states."),
    "film": ("commands.simulate_film", "film", "A scenario as an animated picture of the town."),
    "score": ("commands.simulate_score", "score", "Scenarios through the rules: detected, missed, false alarms."),
    "fleet": ("commands.simulate_fleet", "fleet", "A load test: many devices at a steady rate."),
}
_RUN = "run"


class _ScenarioOrCommand(TyperGroup):
    """Loads a command when it is asked for; takes what is no command for the name of a scenario."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401, ARG002
        if cmd_name not in COMMANDS:
            return None
        module, function, line = COMMANDS[cmd_name]
        single = typer.Typer(add_completion=False, rich_markup_mode="markdown")
        single.command(cmd_name)(getattr(import_module(module), function))
        command = typer.main.get_command(single)
        command.short_help = line
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            args = [_RUN, *args]
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=_ScenarioOrCommand,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="A county town that publishes: `lifeline simulate SCENARIO`, or one of the commands below.",
)


@app.callback()
def _root() -> None:
    pass
