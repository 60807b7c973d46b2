"""`lifeline bench`: measure, beside a baseline of the same run."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(
    add_completion=False,
    help="Measure throughput and latency against a baseline of the same run.",
    no_args_is_help=True,
)
_MQTT = typer.Option(None, "--mqtt", help="Broker to use; default an embedded one.")
_DATABASE = typer.Option(None, "--database", help="Server to use (a database of its own is made); default embedded.")
_JSON = typer.Option(False, "--json", help="Print JSON.")


@app.callback()
def _quietly() -> None:
    """Results go to standard output; of the parts that are started only what goes wrong is said, on standard error."""
    from runtime.logs import configure
    from runtime.settings import load

    configure("bench", load().model_copy(update={"log_level": "error"}))


@app.command()
def ingest(
    messages: int = typer.Option(200_000, min=1000, help="Messages to drain in each of the four measurements."),
    pack: int = typer.Option(1, min=1, max=10, help="Observations in a message."),
    devices: int = typer.Option(1000, min=1, help="Registered devices in each of three areas."),
    mqtt: str | None = _MQTT,
    database: str | None = _DATABASE,
    as_json: bool = _JSON,
) -> None:
    """Drains a filled session: the broker alone, the bare path, ingest, ingest with rules; prints the ratios.

    Example: `lifeline bench ingest --messages 200000 --pack 10 --json`
    """
    from benchmarks.ingest import run
    from runtime.progress import Steps

    with Steps(5) as steps:
        result = run(messages=messages, pack=pack, devices=devices, mqtt_url=mqtt, database_url=database, steps=steps)
    _print(asdict(result), as_json=as_json)


@app.command()
def latency(
    rate: int = typer.Option(2000, min=1, help="Messages a second."),
    duration: int = typer.Option(60, min=1, help="Seconds."),
    connections: int = typer.Option(200, min=1, help="Connections that publish."),
    mqtt: str | None = _MQTT,
    database: str | None = _DATABASE,
    as_json: bool = _JSON,
) -> None:
    """Publishes at a steady rate and measures publish to stored and publish to alert.

    Example: `lifeline bench latency --rate 2000 --duration 60 --json`
    """
    from benchmarks.latency import run
    from runtime.progress import Steps

    with Steps(3) as steps:
        result = run(
            rate=rate, duration_s=duration, connections=connections, mqtt_url=mqtt, database_url=database, steps=steps
        )
    _print(asdict(result), as_json=as_json)


@app.command()
def rules(
    datastreams: int = typer.Option(100_000, min=100, help="Datastreams, with five rules each."),
    rounds: int = typer.Option(20, min=5, help="Values of each datastream in a run."),
    as_json: bool = _JSON,
) -> None:
    """Evaluates five rules on every datastream, and the same with a plain loop over the same state machine.

    Example: `lifeline bench rules --datastreams 100000 --json`
    """
    from benchmarks.rules import measure
    from runtime.progress import Steps

    with Steps(3) as steps:
        figures = measure(datastreams=datastreams, rounds=rounds, advance=lambda: steps.next("evaluated"))
    _print(asdict(figures), as_json=as_json)


@app.command()
def detection(
    data: Path | None = typer.Option(
        None, metavar="DIR", help="Folder of the recordings, at any depth; default ../shared/data, or where feeds lie."
    ),
    chosen: str | None = typer.Option(None, "--set", help="Only this data set: batadal or skab."),
    as_json: bool = _JSON,
) -> None:
    """Runs plain rules over recordings in which attacks and anomalies are labelled, and says what they are worth.

    Limits come from the clean recordings alone: those in the folder, or else the published ones.

    Example: `lifeline bench detection --data ../shared/data`
    """
    from commands.bench_detection import judge

    judge(data, chosen, as_json=as_json)


def _print(result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(result))
        return
    table = Table(show_header=False)
    for key, value in result.items():
        table.add_row(key.replace("_", " "), f"{value:,}" if isinstance(value, int | float) else str(value))
    Console().print(table)
