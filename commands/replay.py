"""`lifeline replay`: publish a recorded feed, or a period of a database, over MQTT."""

import json
import math
import os
import secrets
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from simulators.ledger import Ledger

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from commands.replay_database import Period
    from runtime.settings import Settings
    from simulators.alignment import Admission, Align
    from simulators.programme import Programme
    from simulators.replay import Summary

_ZONED = ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M%z"]
#: The word for the database of LIFELINE_DATABASE_URL, whose password then stands in no list of processes.
_HERE = "here"
_ANY_AGE_S = 10**12


def replay(
    feed: Path | None = typer.Argument(None, help="Descriptor of the feed (YAML)."),
    from_database: str | None = typer.Option(
        None, metavar="URL", help="Replay a database instead; `here` is that of LIFELINE_DATABASE_URL."
    ),
    since: datetime | None = typer.Option(None, formats=_ZONED, help="Of the database: from here on (with zone)."),
    until: datetime | None = typer.Option(None, formats=_ZONED, help="Of the database: up to here (with zone)."),
    network: str | None = typer.Option(None, help="Of the database: only this network."),
    area: str | None = typer.Option(None, help="Of the database: only this area, with the areas inside it."),
    device: str | None = typer.Option(None, metavar="PATTERN", help="Of the database: only devices such as lamp-*."),
    registry: Path | None = typer.Option(
        None, metavar="FOLDER", help="Write the registry of what is replayed, for `lifeline registry import`."
    ),
    overlap: bool = typer.Option(
        False, "--overlap", help="Publish although the receiving database may hold these times already."
    ),
    speed: str = typer.Option("1", help="Recorded seconds in one second, or max."),
    data: Path | None = typer.Option(
        None, help="Folder of the recordings; default the descriptor's own, then LIFELINE_RECORDINGS_DIR."
    ),
    files: str | None = typer.Option(None, help="Pattern of files, instead of the descriptor's."),
    align: str = typer.Option("end", help="Shift the recording so that it starts or ends now: start or end."),
    keep: bool = typer.Option(False, "--keep", help="Keep the recorded times instead of shifting them."),
    at: datetime | None = typer.Option(None, formats=_ZONED, help="Start or end at this instant instead of now."),
    ledger: Path | None = typer.Option(None, help="Save every acknowledged entry here (.npz)."),
    as_json: bool = typer.Option(False, "--json", help="Print the summary as JSON."),
) -> None:
    """Publishes a recorded feed, or what a database holds of a period, over MQTT, at its cadence times a speed.

    Counts what the broker acknowledged. Nothing is published if the receiving database would refuse the times, or holds
    them already; the message says what to change. With LIFELINE_CLOCK=replay the receiving platform lives by the clock
    of the replay: it raises the alerts of the recorded time, at any speed.

    Example: `lifeline replay simulators/feeds/skab/feed.yaml --speed max --align end`

    Example: `lifeline replay --from-database postgresql://reader@live/lifeline --since 2026-05-01T00:00:00+08:00
    --until 2026-05-02T00:00:00+08:00 --registry day/registry --speed 60`
    """
    from domain.times import from_datetime, now_micros
    from runtime.logs import configure
    from runtime.process import stop_on_signals
    from runtime.settings import load

    parts = (since, until, network, area, device, registry)
    if (feed is None) == (from_database is None):
        raise typer.BadParameter("name a feed, or a database with --from-database", param_hint="FEED")
    if feed is not None and (overlap or any(part is not None for part in parts)):
        raise typer.BadParameter("parts and registry of a feed stand in its descriptor", param_hint="FEED")
    now = now_micros()
    settings = load()
    asked = _Asked(
        how=_alignment(align, keep=keep), at=from_datetime(at) if at else now, now=now, speed=_speed(speed),
        admission=_admission(settings),
    )  # fmt: skip
    configure("replay", settings)
    stop = stop_on_signals()
    screen = Console(stderr=True)
    with (
        ExitStack() as sources,
        Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=screen,
            disable=not screen.is_terminal,
        ) as bar,
    ):
        task = bar.add_task("checking the recording", total=None)
        if feed is not None:
            folders = [data] if data else [feed.parent, settings.recordings_dir]
            programme = _of_feed(feed, folders, files, asked, lambda done: bar.advance(task, done))
        else:
            from commands.replay_database import Period

            period = Period(
                since=from_datetime(since) if since else None,
                until=from_datetime(until) if until else None,
                network=network,
                area=area,
                device=device,
            )
            programme = _of_database(str(from_database), period, registry, asked, settings, sources, overlap=overlap)
        bar.reset(task, total=programme.samples, description="publishing")
        kept = Ledger(keep=ledger is not None)
        summary = _publish(programme, settings, asked.speed, kept, stop, lambda done: bar.advance(task, done))
    if ledger is not None:
        kept.columns().save(ledger)
    _tell(summary, as_json=as_json)
    raise typer.Exit(0 if summary.complete else 1)


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """How the times are shifted and paced; instants in microseconds since 1970 (UTC)."""

    how: "Align"
    at: int
    now: int
    speed: float
    admission: "Admission"


def _of_feed(
    feed: Path, folders: "list[Path]", files: str | None, asked: _Asked, progress: "Callable[[int], None]"
) -> "Programme":
    from simulators import plan as planning

    described, recording, scans, topics = planning.prepare(feed, folders, files=files, progress=progress)
    parts = planning.align(
        described, scans, how=asked.how, at=asked.at, now=asked.now, speed=asked.speed, admission=asked.admission
    )
    return planning.Plan(feed=described, recording=recording, parts=parts, topics=topics).programme()


def _of_database(
    url: str,
    period: "Period",
    registry: Path | None,
    asked: _Asked,
    settings: "Settings",
    sources: ExitStack,
    *,
    overlap: bool,
) -> "Programme":
    from commands import replay_database

    own = settings.database_url.get_secret_value()
    source = own if url == _HERE else url
    connection = sources.enter_context(replay_database.reading(source))
    programme, chosen = replay_database.programme(
        connection, period, how=asked.how, at=asked.at, now=asked.now, speed=asked.speed, admission=asked.admission
    )
    if registry is not None:
        replay_database.write_registry(connection, chosen, registry)
    if not overlap:
        replay_database.refuse_mixing(own, programme, chosen, same=source == own, registry=registry)
    return programme


def _publish(
    programme: "Programme",
    settings: "Settings",
    speed: float,
    ledger: Ledger,
    stop: "threading.Event",
    progress: "Callable[[int], None]",
) -> "Summary":
    from simulators.publisher import Publisher
    from simulators.replay import ClockTeller, play

    with Publisher(
        settings.mqtt_url.get_secret_value(),
        f"lifeline-replay-{os.getpid()}-{secrets.token_hex(4)}",
        ledger=ledger,
        version=settings.mqtt_version,  # type: ignore[arg-type]  # the setting's pattern allows no other
        ca_file=settings.mqtt_ca_file,
        keepalive_s=settings.mqtt_keepalive_s,
    ) as publisher:
        publisher.wait_connected(30)
        clock = ClockTeller(publisher, speed, programme.topics.values()) if settings.clock == "replay" else None
        return play(programme, publisher, speed=speed, stop=stop, clock=clock, progress=progress)


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
    """What the receiving database admits; one that lives by the clock of the replay admits what was admitted live."""
    from simulators.alignment import Admission

    limits = type(settings).model_fields["lateness_s"].metadata
    anything = settings.clock == "replay"
    return Admission(
        lateness_s=_ANY_AGE_S if anything else settings.lateness_s,
        skew_s=_ANY_AGE_S if anything else settings.skew_s,
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
