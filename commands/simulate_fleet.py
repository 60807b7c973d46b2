"""`lifeline simulate fleet`: a load test of any MQTT broker, with the devices of hundreds of counties."""

import json
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from runtime.settings import Settings
    from simulators.load.histogram import Quantiles
    from simulators.load.run import Load, Outcome, Snapshot


def fleet(
    devices: int = typer.Option(10_000, min=1, max=1_000_000, help="Devices of the fleet."),
    rate: float = typer.Option(1000.0, min=0.1, max=100_000, help="Messages a second, all devices together."),
    duration: float = typer.Option(60.0, min=0.1, max=86_400, help="Seconds to publish for."),
    connections: int = typer.Option(50, min=1, max=5000, help="MQTT connections; each carries an equal part."),
    url: str | None = typer.Option(None, help="Broker, mqtt://… or mqtts://…; default LIFELINE_MQTT_URL."),
    embedded: bool = typer.Option(False, "--embedded", help="Start an embedded broker for this run."),
    qos: int = typer.Option(
        1, min=0, max=1, help="Quality of service; 0: what the socket took counts as acknowledged."
    ),
    window: int = typer.Option(200, min=1, max=60_000, help="Most unanswered messages on each connection."),
    drain: float = typer.Option(30.0, min=0, max=3600, help="Longest wait for late messages and answers, seconds."),
    seed: int = typer.Option(1, min=0, help="Another seed, another fleet."),
    registry: Path | None = typer.Option(None, help="Write the fleet's registry into a folder, publish nothing."),
    ledger: Path | None = typer.Option(None, help="Save what became of every message here (.npz)."),
    as_json: bool = typer.Option(False, "--json", help="Print the outcome as JSON."),
) -> None:
    """Publishes for a fleet of devices at a steady rate and says how late and how complete it was.

    An open loop: each message is due at its time, whatever the broker does. How late each one was written is measured
    from that time, and messages that could not be sent count with the time they waited.

    The exit status is 0 when everything was published at its rate and acknowledged, 1 when something is short.

    Example: `lifeline simulate fleet --devices 100000 --rate 5000 --duration 60 --embedded`

    So that a platform knows the devices, import their registry before the run, made with the same devices and rate:
    `lifeline simulate fleet --devices 1000 --rate 100 --registry fleet/` and `lifeline registry import fleet/`.
    """
    from domain.errors import LifelineError
    from runtime.logs import configure
    from runtime.process import stop_on_signals
    from runtime.settings import load as load_settings
    from simulators.load.groups import compose, streams
    from simulators.load.inventory import save
    from simulators.load.run import FleetRun, Load

    if embedded and url is not None:
        raise typer.BadParameter("give either a broker or --embedded", param_hint="--url")
    settings = load_settings()
    configure("fleet", settings)
    errors = Console(stderr=True)
    try:
        if registry is not None:
            groups = compose(devices, rate)
            save(groups, registry)
            _say_registry(registry, devices, streams(groups), as_json=as_json)
            return
        load = Load(
            devices=devices,
            rate=rate,
            duration_s=duration,
            connections=connections,
            qos=qos,
            seed=seed,
            window=window,
            drain_s=drain,
            version=settings.mqtt_version,
            ca_file=settings.mqtt_ca_file,
            keep=ledger is not None,
        )
        with _broker(settings, url, embedded=embedded) as address, _progress(errors, load) as tell:
            run = FleetRun(
                load,
                address,
                prefix=f"lifeline-fleet-{os.getpid()}-{secrets.token_hex(3)}",
                stop=stop_on_signals(),
                progress=tell,
            )
            outcome = run.run()
        if ledger is not None:
            run.ledger().save(ledger)
    except (LifelineError, ValueError, OSError) as exc:
        errors.print(f"error: {exc}", style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(json.dumps({**asdict(outcome), "complete": outcome.complete}))
    else:
        _show(outcome)
    raise typer.Exit(0 if outcome.complete else 1)


def _say_registry(folder: Path, devices: int, datastreams: int, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"registry": str(folder), "devices": devices, "datastreams": datastreams}))
    else:
        said = f"{devices:,} devices with {datastreams:,} datastreams: lifeline registry import {folder}"
        Console().print(said, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _broker(settings: "Settings", url: str | None, *, embedded: bool) -> Iterator[str]:
    if not embedded:
        yield url or settings.mqtt_url.get_secret_value()
        return
    from runtime.embedded import EmbeddedBroker

    with tempfile.TemporaryDirectory(prefix="lifeline-fleet-") as folder, EmbeddedBroker(Path(folder)) as broker:
        yield broker.url


@contextmanager
def _progress(screen: Console, load: "Load") -> "Iterator[Callable[[Snapshot], None] | None]":
    """A line on a terminal; nothing elsewhere."""
    if not screen.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), TextColumn("{task.fields[now]}"))
    with Progress(*columns, console=screen, transient=True) as bar:
        task = bar.add_task(f"{load.devices:,} devices", total=load.duration_s, now="connecting")

        def tell(now: "Snapshot") -> None:
            said = f"{now.published:,} sent, {now.outstanding:,} unanswered, {now.behind_s * 1000:.0f} ms behind"
            bar.update(task, completed=min(now.elapsed_s, load.duration_s), now=said)

        yield tell


def _show(outcome: "Outcome") -> None:
    screen = Console()
    table = Table(show_header=False)
    table.add_row("devices", f"{outcome.devices:,} with {outcome.datastreams:,} datastreams")
    table.add_row("connections", f"{outcome.connections:,} (MQTT {outcome.protocol}, QoS {outcome.qos})")
    table.add_row(
        "rate", f"{outcome.achieved_rate:,.1f} of {outcome.rate:,.1f} messages/s for {outcome.duration_s:,.1f} s"
    )
    table.add_row("published", f"{outcome.published:,} of {outcome.scheduled:,} due")
    table.add_row("acknowledged", f"{outcome.acknowledged:,}")
    table.add_row("outstanding, refused", f"{outcome.outstanding:,}, {outcome.refused:,}")
    table.add_row("written late by", _quantiles(outcome.lateness_ms))
    table.add_row("acknowledged after", _quantiles(outcome.ack_ms))
    table.add_row("memory, processor", f"{outcome.rss_mb:,.0f} MB, {outcome.cpu_s:,.1f} s")
    screen.print(table)
    for count, what in (
        (outcome.unsent, "messages were due and could not be sent"),
        (outcome.repeated, "messages were sent again after a connection had broken"),
        (outcome.connections_lost, "connections broke"),
        (outcome.unmatched, "messages found no subscriber"),
    ):
        if count:
            screen.print(f"[yellow]{count:,} {what}[/]", highlight=False)
    if outcome.interrupted:
        screen.print("[yellow]stopped before the end[/]")


def _quantiles(found: "Quantiles") -> str:
    if found.p50 is None:
        return "never"
    return f"{found.p50:,.1f} ms (half), {found.p99:,.1f} ms (99 %), {found.max:,.1f} ms (longest)"
