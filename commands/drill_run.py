"""`lifeline drill run`: an exercise from end to end, on the platform that really runs."""

import getpass
import json
import threading
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from commands.drill_play import Responding
    from commands.drill_view import DrillView
    from domain.after_action import Report
    from runtime.settings import Settings
    from simulators.devices.timing import Play
    from simulators.devices.traffic import Traffic
    from simulators.scenario import Scenario
    from simulators.town.layout import Town
    from storage.database import Link

#: From when the equipment stands until it publishes: ingest and the rules look at the registry once a second.
_LEAD_S = 3.0
#: An ingest worker that was not heard for so long is not running.
_ALIVE_S = 15.0


def run(
    scenario: str = typer.Argument(
        metavar="SCENARIO", help="A shipped scenario (`lifeline simulate list`), or a file."
    ),
    scale: str = typer.Option("test", help="Size of the twin: town (about 400 assets) or test (about 50)."),
    speed: float = typer.Option(1.0, min=1.0, max=3600.0, help="Seconds of the incident in one second."),
    seed: int = typer.Option(1, help="Of the twin and of everything random in it."),
    start: str | None = typer.Option(
        None, help="When the incident begins, as for `lifeline simulate`: an instant, now, end, clock or own."
    ),
    since: str | None = typer.Option(
        None,
        "--from",
        metavar="TIME",
        help="From which time of the scenario on it is played; default: a quarter of an hour before its first event.",
    ),
    by: str | None = typer.Option(None, help="Who holds the exercise; default the user of this machine."),
    responder: str = typer.Option("people", help="Who responds: people (through the API), or scripted."),
    skip: list[int] = typer.Option([], help="A step that the scripted responder leaves out; repeat for several."),
    wait: float | None = typer.Option(
        None, min=0.0, help="Seconds to wait for people after the incident. Default: 900 for people, 10 for scripted."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the report as JSON."),
) -> None:
    """Holds an exercise: a twin of the town's equipment suffers an incident, and people respond to it.

    The platform must run (`lifeline up`): the twin is registered there, publishes over MQTT, and what comes of it is
    stored, judged and told as if it were real, marked as an exercise everywhere. Ctrl-C ends it early; in any case the
    twin is retired and what is open of it is closed. Then the after-action report is printed.

    Exit status: 0 when every expectation and step was met in time, 1 when one was late or missed, 2 when the exercise
    could not be held.

    Example: `lifeline drill run cloudburst-power-loss --speed 10`
    """
    from commands.drill_play import Responding
    from commands.drill_view import DrillView
    from commands.simulate_run import scale_of
    from domain.errors import LifelineError
    from runtime.logs import configure
    from runtime.process import stop_on_signals
    from runtime.settings import load as load_settings
    from simulators.devices import timing
    from simulators.scenario import load
    from simulators.town.build import build
    from storage.database import connect
    from storage.migrate import check

    if responder not in ("people", "scripted"):
        raise typer.BadParameter(f"{responder!r} is neither people nor scripted", param_hint="--responder")
    size = scale_of(scale)
    who = Responding(
        scripted=responder == "scripted",
        skip=frozenset(skip),
        wait_s=wait if wait is not None else 10.0 if responder == "scripted" else 900.0,
    )
    story = load(scenario)
    town = build(size, seed, sample_s=story.sample_s)
    story.check(town)
    skipped_s = timing.quiet(story) if since is None else timing.skipped(story, since)
    settings = load_settings()
    configure("drill", settings)
    stop = stop_on_signals()
    url = settings.database_url.get_secret_value()
    try:
        with (
            connect(url, application="drill", statement_timeout_s=600) as connection,
            DrillView(settings.language) as view,
        ):
            check(connection)
            _check_platform(connection)
            report = _hold(
                connection, settings, story, town, who, view, stop, seed=seed, speed=speed, start=start,
                skipped_s=skipped_s, by=by or getpass.getuser(),
            )  # fmt: skip
    except LifelineError as exc:
        typer.echo(f"lifeline drill: {exc}", err=True)
        raise typer.Exit(2) from None
    _tell(report, settings, as_json=as_json)
    raise typer.Exit(0 if report.passed else 1)


def _check_platform(connection: "Link") -> None:
    """An exercise that nobody would hear must not begin."""
    from domain.errors import ConfigurationError
    from domain.exercise_mark import area_of
    from domain.topics import serves
    from storage.status import partitions

    area = area_of(1, "")
    alive = [p for p in partitions(connection) if p.connected and p.heartbeat_age_s <= _ALIVE_S]
    if not alive:
        raise ConfigurationError("no exercise can be held", ["ingest does not run: start `lifeline up` first"])
    if not any(serves(p.partition, area) for p in alive):
        raise ConfigurationError(
            "no exercise can be held",
            ["no ingest worker hears the areas of exercises: run one with LIFELINE_PARTITION=all"],
        )


def _hold(
    connection: "Link",
    settings: "Settings",
    story: "Scenario",
    town: "Town",
    who: "Responding",
    view: "DrillView",
    stop: threading.Event,
    *,
    seed: int,
    speed: float,
    start: str | None,
    skipped_s: int,
    by: str,
) -> "Report":
    from commands import drill_twin
    from commands.drill_play import flush, play, report_on
    from domain.exercise import Pace, Words
    from domain.times import MICROS_PER_SECOND, now_micros
    from simulators.devices import timing
    from simulators.devices.emit import emit
    from simulators.town.world import World
    from storage import exercises

    # First of all the place is taken: nobody computes for minutes to hear that another exercise runs.
    exercise = exercises.open_exercise(
        connection,
        title=Words(en=story.title.en, zh=story.title.zh),
        scenario=story.id,
        scale=town.scale,
        seed=seed,
        by=by,
        plan=lambda number: drill_twin.plan(story, town, number, skipped_s=skipped_s),
    )
    try:
        begin = timing.begin(story, start, now=now_micros(), speed=speed, skipped_s=skipped_s)
        opens = begin + skipped_s * MICROS_PER_SECOND
        view.preparing(exercise, story, town)
        happenings = story.happenings(begin)
        with World(town) as world:
            truth = world.truth(story.span(begin), happenings)
        traffic = emit(town, truth.since(opens), happenings, seed=seed)
        ready = now_micros() + round(_LEAD_S * MICROS_PER_SECOND)
        # Time passed while the engines ran: what begins now begins when they are done.
        shift = ready // 1000 * 1000 - opens if speed == 1 and start in {None, "now"} else 0
        _check_times(settings, timing.Play(origin=opens, begins=ready, speed=speed, shift=shift), traffic)
        ends = begin + shift + story.duration * MICROS_PER_SECOND
        pace = Pace(begins=opens + shift, published_from=ready, speed=speed, ends=ends)
        exercises.begin(connection, exercise, drill_twin.equipment(town, exercise), pace)
        play(connection, settings, exercise, town, traffic, who, view, stop, pace=pace, origin=opens, shift=shift)
    finally:
        exercises.end(connection, exercise, by=by, now=now_micros())
    flush(connection, exercise)
    return report_on(connection, exercise)


def _check_times(settings: "Settings", play: "Play", traffic: "Traffic") -> None:
    from commands.replay import _admission
    from simulators.devices import timing

    admission = _admission(settings)
    if admission is not None:
        timing.check(play, traffic, admission)


def _tell(report: "Report", settings: "Settings", *, as_json: bool) -> None:
    from commands.drill_report import document, rendered

    if as_json:
        typer.echo(json.dumps(document(report), ensure_ascii=False))
        return
    from rich.console import Console

    Console().print(rendered(report, settings.language))
