"""`lifeline replay`: publish a recorded feed over MQTT."""

import json
import math
import os
import secrets
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from runtime.settings import Settings
    from simulators.alignment import Admission, Align
    from simulators.replay import Summary


def replay(
    feed: Path = typer.Argument(help="Descriptor of the feed (YAML)."),
    speed: str = typer.Option("1", help="Recorded seconds in one second, or max."),
    data: Path | None = typer.Option(
        None, help="Folder of the recordings; default the descriptor's own, then LIFELINE_RECORDINGS_DIR."
    ),
    files: str | None = typer.Option(None, help="Pattern of files, instead of the descriptor's."),
    align: str = typer.Option("end", help="Shift the recording so that it starts or ends now: start or end."),
    keep: bool = typer.Option(False, "--keep", help="Keep the recorded times instead of shifting them."),
    at: datetime | None = typer.Option(
        None, formats=["%Y-%m-%dT%H:%M:%S%z"], help="Start or end at this instant instead of now (with zone)."
    ),
    ledger: Path | None = typer.Option(None, help="Save every acknowledged entry here (.npz)."),
    as_json: bool = typer.Option(False, "--json", help="Print the summary as JSON."),
) -> None:
    """Publishes a recorded feed over MQTT, at its cadence times a speed, and counts what the broker acknowledged.

    Nothing is published if the database would refuse the times; the message says what to change.

    Example: `lifeline replay simulators/feeds/skab/feed.yaml --speed max --align end`
    """
    from domain.times import from_datetime, now_micros
    from runtime.logs import configure
    from runtime.process import stop_on_signals
    from runtime.settings import load
    from simulators import plan as planning
    from simulators.ledger import Ledger
    from simulators.publisher import Publisher
    from simulators.replay import play

    pace = _speed(speed)
    how = _alignment(align, keep=keep)
    settings = load()
    configure("replay", settings)
    stop = stop_on_signals()
    screen = Console(stderr=True)
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=screen,
        disable=not screen.is_terminal,
    ) as bar:
        task = bar.add_task("checking the recording", total=None)
        folders = [data] if data else [feed.parent, settings.recordings_dir]
        described, recording, scans, topics = planning.prepare(
            feed, folders, files=files, progress=lambda done: bar.advance(task, done)
        )
        now = now_micros()
        parts = planning.align(
            described,
            scans,
            how=how,
            at=from_datetime(at) if at else now,
            now=now,
            speed=pace,
            admission=_admission(settings),
        )
        plan = planning.Plan(feed=described, recording=recording, parts=parts, topics=topics)
        bar.reset(task, total=plan.samples, description="publishing")
        with Publisher(
            settings.mqtt_url.get_secret_value(),
            f"lifeline-replay-{os.getpid()}-{secrets.token_hex(4)}",
            ledger=Ledger(keep=ledger is not None),
            version=settings.mqtt_version,  # type: ignore[arg-type]  # the setting's pattern allows no other
            ca_file=settings.mqtt_ca_file,
            keepalive_s=settings.mqtt_keepalive_s,
        ) as publisher:
            publisher.wait_connected(30)
            summary = play(plan, publisher, speed=pace, stop=stop, progress=lambda done: bar.advance(task, done))
    if ledger is not None:
        publisher.ledger.columns().save(ledger)
    _tell(summary, as_json=as_json)
    raise typer.Exit(0 if summary.complete else 1)


def _speed(text: str) -> float:
    if text == "max":
        return math.inf
    try:
        speed = float(text)
    except ValueError:
        speed = math.nan
    if not 0 < speed < math.inf:
        raise typer.BadParameter(f"{text!r} is neither a number above 0 nor max", param_hint="--speed")
    return speed


def _alignment(text: str, *, keep: bool) -> "Align":
    if keep:
        return "keep"
    if text == "start":
        return "start"
    if text == "end":
        return "end"
    raise typer.BadParameter(f"{text!r} is neither start nor end", param_hint="--align")


def _admission(settings: "Settings") -> "Admission":
    from simulators.alignment import Admission

    limits = type(settings).model_fields["lateness_s"].metadata
    return Admission(
        lateness_s=settings.lateness_s,
        skew_s=settings.skew_s,
        retention_s=settings.retention_s,
        lateness_limit_s=next(int(limit.le) for limit in limits if hasattr(limit, "le")),
    )


def _tell(summary: "Summary", *, as_json: bool) -> None:
    from domain.times import isoformat

    rates = {
        "messages_per_s": round(summary.messages / max(summary.seconds, 1e-9), 1),
        "entries_per_s": round(summary.entries / max(summary.seconds, 1e-9), 1),
    }
    if as_json:
        shown = asdict(summary) | {"first": isoformat(summary.first), "last": isoformat(summary.last)}
        typer.echo(json.dumps({**shown, "seconds": round(summary.seconds, 3), **rates}, ensure_ascii=False))
        return
    screen = Console()
    screen.print(
        f"{summary.title}: {summary.files} file(s), {summary.messages:,} messages with {summary.entries:,} values"
        f" acknowledged in {summary.seconds:.1f} s ({rates['messages_per_s']:,.0f} messages/s),"
        f" {summary.missing:,} missing in the recording",
        highlight=False,
    )
    for count, what in (
        (summary.unacknowledged, "messages were never acknowledged"),
        (summary.refused, "messages were refused by the broker"),
        (summary.unmatched, "messages found no subscriber: is `lifeline ingest` running?"),
        (summary.repeated, "values repeat an instant of their device: the first one counts"),
    ):
        if count:
            screen.print(f"[yellow]{count:,} {what}[/]", highlight=False)
    if summary.interrupted:
        screen.print("[yellow]stopped before the end[/]")
