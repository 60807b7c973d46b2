"""`lifeline simulate SCENARIO`: the town publishes a scenario over MQTT."""

import json
import os
import secrets
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from commands.simulate_view import Summary, View
    from simulators.alignment import Admission
    from simulators.devices.chunks import Chunk
    from simulators.devices.live import Broadcast
    from simulators.devices.timing import Play
    from simulators.devices.traffic import Traffic
    from simulators.scenario import Scenario
    from simulators.town.ground import Scale
    from simulators.town.layout import Town


def run(
    scenario: str = typer.Argument(
        metavar="SCENARIO", help="A shipped scenario (`lifeline simulate list`), or a file."
    ),
    scale: str = typer.Option("test", help="Size of the town: town (about 400 assets) or test (about 50)."),
    speed: str = typer.Option("1", help="Seconds of the scenario in one second, or max."),
    seed: int = typer.Option(1, help="Of the town and of everything random in it."),
    start: str | None = typer.Option(
        None,
        help="When it begins: an instant with zone, now, end (so that it ends now), clock (its own time of day, on the"
        " last day on which it is over by now) or own (its own day). Default: now at speed 1, else clock.",
    ),
    since: str | None = typer.Option(
        None, "--from", metavar="TIME", help='Play it from this time of its own on, as "13:45"; default: its begin.'
    ),
    connections: bool = typer.Option(
        False, "--connections", help="One MQTT connection a device, instead of one a gateway and carrier."
    ),
    registry: Path | None = typer.Option(
        None, metavar="FOLDER", help="Only write the town's registry, for `lifeline registry import FOLDER`."
    ),
    ledger: Path | None = typer.Option(None, help="Save every acknowledged entry here (.npz)."),
    as_json: bool = typer.Option(False, "--json", help="Print the summary as JSON."),
) -> None:
    """Plays a scenario: five networks are solved, their devices publish, faults and outages included.

    The platform must know the town first: write its registry with `--registry FOLDER` (same --scale and --seed), import
    it with `lifeline registry import FOLDER`, run `lifeline up` or `lifeline ingest`, then play. Nothing is published
    if the database would refuse the times; the message says what to change.

    Exit status: 0 when the broker has acknowledged everything, 1 when not, 2 when the run could not begin.

    Example: `lifeline simulate cloudburst-power-loss --speed 60`
    """
    from commands.replay import _admission, _speed
    from commands.simulate_view import View
    from domain.registry_folder import write
    from domain.times import MICROS_PER_SECOND, now_micros
    from runtime.logs import configure
    from runtime.settings import load as load_settings
    from simulators.devices import timing
    from simulators.devices.chunks import Chunk
    from simulators.devices.live import Broadcast, LiveLedger
    from simulators.scenario import load
    from simulators.town.build import build
    from simulators.town.build import registry as registry_of

    pace, size = _speed(speed), scale_of(scale)
    story = load(scenario)
    town = build(size, seed, sample_s=story.sample_s)
    if registry is not None:
        write(registry_of(town), registry)
        _tell_registry(registry, town, as_json=as_json)
        return
    story.check(town)
    settings = load_settings()
    configure("simulate", settings)
    admission = _admission(settings)
    now = now_micros()
    skipped_s = timing.skipped(story, since)
    begin = timing.begin(story, start, now=now, speed=pace, skipped_s=skipped_s)
    opens = begin + skipped_s * MICROS_PER_SECOND
    live = pace == 1 and start in {None, "now"}
    play = timing.Play(origin=opens, begins=now, speed=pace)
    if admission is not None:
        timing.check_span(play, story.span(begin).since(opens), admission)
    kept = LiveLedger(keep=ledger is not None)
    chunks: list[Chunk] = []
    broadcast = Broadcast(
        town,
        chunks,
        settings.mqtt_url.get_secret_value(),
        speed=pace,
        origin=opens,
        # Time passes while the engines run: what begins now begins when they are done.
        shift=None if live else 0,
        connections=connections,
        prefix=f"lifeline-town-{os.getpid()}-{secrets.token_hex(2)}",
        ledger=kept,
        tells_clock=settings.clock == "replay",
        version=settings.mqtt_version,  # type: ignore[arg-type]  # the setting's pattern allows no other
        ca_file=settings.mqtt_ca_file,
        keepalive_s=settings.mqtt_keepalive_s,
    )
    with View(settings.language) as view:
        summary = _play(broadcast, chunks, story, town, begin, play, admission, view, seed=seed, live=live)
    if ledger is not None:
        kept.columns().save(ledger)
    view.tell(summary, as_json=as_json)
    raise typer.Exit(0 if summary.complete else 1)


def scale_of(text: str) -> "Scale":
    """A scale by its name."""
    if text == "town":
        return "town"
    if text == "test":
        return "test"
    raise typer.BadParameter(f"{text!r} is neither town nor test", param_hint="--scale")


def traffic_of(
    story: "Scenario", town: "Town", begin: int, *, seed: int, view: "View", since: int | None = None
) -> "Traffic":
    """What the devices of a town publish in a scenario that begins at an instant, or of its later part."""
    from simulators.devices.emit import emit
    from simulators.town.world import World

    happenings = story.happenings(begin)
    view.solving(story, town, begin)
    with World(town) as world:
        truth = world.truth(story.span(begin), happenings)
    return emit(town, truth if since is None else truth.since(since), happenings, seed=seed)


def _play(
    broadcast: "Broadcast",
    chunks: "list[Chunk]",
    story: "Scenario",
    town: "Town",
    begin: int,
    play: "Play",
    admission: "Admission | None",
    view: "View",
    *,
    seed: int,
    live: bool,
) -> "Summary":
    """Connects, solves, publishes; `chunks` is the source of the broadcast, `live` that it begins when it is solved.

    The scenario begins at `begin`; from the origin of `play` on it is played.
    """
    from commands.simulate_view import Summary
    from domain.times import now_micros
    from runtime.process import stop_on_signals
    from simulators.devices import timing
    from simulators.devices.chunks import Chunk

    began = time.monotonic()
    try:
        broadcast.connect(15.0)
        traffic = traffic_of(story, town, begin, seed=seed, view=view, since=play.origin)
        ready = now_micros()
        if admission is not None:
            timing.check(replace(play, begins=ready, shift=ready - play.origin if live else 0), traffic, admission)
        chunks.append(Chunk(traffic=traffic))
        # Until here Ctrl-C ends at once; from here on what is sent must be acknowledged.
        stop = stop_on_signals()
        generated = time.monotonic() - began
        broadcast.start()
        view.playing(story, traffic, broadcast, begin)
        while not broadcast.wait(0.2) and not stop.is_set():
            view.refresh()
    finally:
        finished = broadcast.done.is_set()
        drained = broadcast.stop(timeout_s=30.0)
    return Summary.of(
        story,
        traffic,
        broadcast,
        begin=play.origin,
        end=story.span(begin).end,
        interrupted=not finished,
        drained=drained,
        generated_s=generated,
        seconds=time.monotonic() - began - generated,
    )


def _tell_registry(folder: Path, town: "Town", *, as_json: bool) -> None:
    sizes = {
        "assets": len(town.assets),
        "devices": len(town.instruments),
        "datastreams": sum(len(one.properties) for one in town.instruments),
    }
    if as_json:
        typer.echo(json.dumps({"folder": str(folder), **sizes}))
    else:
        counted = ", ".join(f"{size:,} {kind}" for kind, size in sizes.items())
        typer.echo(f"{folder}: {counted}. Import it: lifeline registry import {folder}")
