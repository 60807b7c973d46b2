"""`lifeline simulate SCENARIO`: the town publishes a scenario over MQTT."""

import json
import os
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    import threading

    from commands.simulate_view import Summary, View
    from runtime.settings import Settings
    from simulators.devices.live import Broadcast
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
    from domain.times import now_micros
    from runtime.logs import configure
    from runtime.process import stop_on_signals
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
    stop = stop_on_signals()
    began = time.monotonic()
    with View(settings.language) as view:
        begin = timing.begin(story, start, now=now_micros(), speed=pace)
        traffic = traffic_of(story, town, begin, seed=seed, view=view)
        ready = now_micros()
        # Time passed while the engines ran: what begins now begins when they are done.
        shift = ready // 1000 * 1000 - begin if pace == 1 and start in {None, "now"} else 0
        play = timing.Play(origin=begin, begins=ready, speed=pace, shift=shift)
        admission = _admission(settings)
        if admission is not None:
            timing.check(play, traffic, admission)
        kept = LiveLedger(keep=ledger is not None)
        broadcast = Broadcast(
            town,
            [Chunk(traffic=traffic)],
            settings.mqtt_url.get_secret_value(),
            speed=pace,
            origin=begin,
            shift=shift,
            connections=connections,
            prefix=f"lifeline-town-{os.getpid()}-{secrets.token_hex(2)}",
            ledger=kept,
            version=settings.mqtt_version,  # type: ignore[arg-type]  # the setting's pattern allows no other
            ca_file=settings.mqtt_ca_file,
            keepalive_s=settings.mqtt_keepalive_s,
        )
        generated = time.monotonic() - began
        summary = _play(broadcast, story, traffic, view, stop, settings, begin=begin, generated=generated)
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


def traffic_of(story: "Scenario", town: "Town", begin: int, *, seed: int, view: "View") -> "Traffic":
    """What the devices of a town publish in a scenario that begins at an instant."""
    from simulators.devices.emit import emit
    from simulators.town.world import World

    happenings = story.happenings(begin)
    view.solving(story, town, begin)
    with World(town) as world:
        truth = world.truth(story.span(begin), happenings)
    return emit(town, truth, happenings, seed=seed)


def _play(
    broadcast: "Broadcast",
    story: "Scenario",
    traffic: "Traffic",
    view: "View",
    stop: "threading.Event",
    settings: "Settings",
    *,
    begin: int,
    generated: float,
) -> "Summary":
    from commands.simulate_view import Summary

    began = time.monotonic()
    drained = False
    try:
        broadcast.start()
        view.playing(story, traffic, broadcast, begin)
        while not broadcast.wait(0.2) and not stop.is_set():
            view.refresh()
    finally:
        interrupted = stop.is_set() and not broadcast.done.is_set()
        drained = broadcast.stop(timeout_s=float(settings.mqtt_keepalive_s) + 30.0)
    return Summary.of(
        story,
        traffic,
        broadcast,
        begin=begin,
        interrupted=interrupted,
        drained=drained,
        generated_s=generated,
        seconds=time.monotonic() - began,
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
