"""`lifeline drill`: exercises on the platform that really runs, each ending in an after-action report."""

import getpass
import json
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from commands.drill_run import run

app = typer.Typer(
    add_completion=False,
    help="Exercises: a scripted incident end to end, marked as an exercise everywhere, and the report on it.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
app.command("run")(run)
_LISTED = 100


@app.command("list")
def list_(as_json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
    """Lists the newest 100 exercises, the newest first.

    Example: `lifeline drill list`
    """
    from commands.drill_words import Words
    from domain.times import isoformat
    from runtime.settings import load
    from storage.database import connect
    from storage.exercises import exercises

    settings = load()
    with connect(settings.database_url.get_secret_value(), application="drill") as connection:
        found = exercises(connection, limit=_LISTED)
    if as_json:
        shown = [
            {
                "exercise": one.id,
                "title_en": one.title.en,
                "title_zh": one.title.zh,
                "scenario": one.scenario,
                "running": one.running,
                "started_by": one.started_by,
                "started_at": isoformat(one.started_at),
                "ended_at": None if one.ended_at is None else isoformat(one.ended_at),
            }
            for one in found
        ]
        typer.echo(json.dumps(shown, ensure_ascii=False))
        return
    words = Words(settings.language, settings.zone)
    table = Table(*(words(name) for name in ("id", "title", "scenario", "held_by", "started", "ended")))
    for one in found:
        ended = words("running") if one.running else words.moment(one.ended_at)
        title = one.title.of(settings.language)
        table.add_row(str(one.id), title, one.scenario, one.started_by, words.moment(one.started_at), ended)
    Console().print(table)


@app.command("report")
def report(
    exercise: int = typer.Argument(help="Number of the exercise."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
    html: Path | None = typer.Option(None, metavar="FILE", help="Write one HTML file that needs nothing else."),
    language: str | None = typer.Option(None, help="en or zh; default LIFELINE_LANGUAGE."),
) -> None:
    """Prints the after-action report on an exercise; of one that runs, as it stands now.

    Example: `lifeline drill report 3 --html drill-3.html --language zh`
    """
    from commands.drill_page import page
    from commands.drill_play import report_on
    from commands.drill_report import document, rendered
    from runtime.settings import load
    from storage.database import connect

    settings = load()
    if language not in (None, "en", "zh"):
        raise typer.BadParameter(f"{language!r} is neither en nor zh", param_hint="--language")
    spoken = language or settings.language
    with connect(settings.database_url.get_secret_value(), application="drill") as connection:
        found = report_on(connection, exercise)
    if html is not None:
        html.write_text(page(found, language=spoken, zone=settings.zone), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(document(found), ensure_ascii=False))
    elif html is None:
        Console().print(rendered(found, spoken, settings.zone))
    else:
        typer.echo(str(html))


@app.command("end")
def end(
    exercise: int = typer.Argument(help="Number of the exercise."),
    by: str | None = typer.Option(None, help="Who ends it; default the user of this machine."),
) -> None:
    """Ends an exercise whose `drill run` is gone: its twin is retired, and what is open of it is closed.

    Exit status 1 when it has ended already, or never was.

    Example: `lifeline drill end 3`
    """
    from domain.times import now_micros
    from runtime.settings import load
    from storage.database import connect
    from storage.exercises import end as end_exercise

    with connect(load().database_url.get_secret_value(), application="drill") as connection:
        closed = end_exercise(connection, exercise, by=by or getpass.getuser(), now=now_micros())
    if closed is None:
        typer.echo(f"lifeline drill: exercise {exercise} has ended already, or never was", err=True)
        raise typer.Exit(1)
    typer.echo(f"exercise {exercise} has ended, {closed} alert(s) closed")
