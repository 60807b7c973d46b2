"""`lifeline up`: all stages in one process group."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from runtime.settings import Settings

if TYPE_CHECKING:
    from commands.platform import Platform

_READY_S = 60.0


def up(
    port: Annotated[int | None, typer.Option(help="Port of the API; 0 takes a free one.", min=0, max=65_535)] = None,
    mqtt_port: Annotated[
        int, typer.Option(help="Port of the embedded broker; 0 takes a free one.", min=0, max=65_535)
    ] = 1883,
) -> None:
    """Runs ingest, rules, notify and the API until Ctrl-C or SIGTERM, and starts a stage again that has crashed.

    A broker or database that LIFELINE_MQTT_URL or LIFELINE_DATABASE_URL names is used; one that is not named is
    embedded, with its data in LIFELINE_DATA_DIR, where other commands find it while it runs. The database is migrated
    first.

    Exit status 0 after an ordered stop, 2 when the platform cannot run.

    Example: `LIFELINE_DATA_DIR=/srv/lifeline lifeline up --port 8080`
    """
    from commands.platform import Platform
    from runtime.embedded import InUseError, StartError
    from runtime.logs import configure
    from runtime.process import end_with_threads, stop_on_signals
    from runtime.settings import load
    from runtime.supervisor import StageFailedError

    settings = _with_port(load(), port)
    configure("up", settings)
    stop = stop_on_signals()
    end_with_threads()
    platform = Platform(settings, quiet=False, mqtt_port=mqtt_port)
    status = 0
    try:
        platform.start_services()
        platform.start_stages()
        platform.wait_ready(_READY_S, stop.is_set)
        if not stop.is_set():
            _say(platform)
        stop.wait()
    except (InUseError, StartError, StageFailedError) as exc:
        sys.stderr.write(f"lifeline up: {exc}\n")
        status = 2
    finally:
        platform.stop(lambda name: typer.echo(f"stopped: {name}"))
    raise typer.Exit(status)


def _with_port(settings: Settings, port: int | None) -> Settings:
    return settings if port is None else settings.model_copy(update={"api_port": port})


def _say(platform: "Platform") -> None:
    from runtime.broker_address import parse

    broker = parse(platform.mqtt_url)
    typer.echo(f"devices publish to   {'mqtts' if broker.tls else 'mqtt'}://{broker.host}:{broker.port}")
    typer.echo(f"API                  {platform.api_url} (documentation: {platform.api_url}/docs)")
    for name, url in platform.health_urls.items():
        typer.echo(f"health of {name:<10} {url}/readyz")
    typer.echo("Ctrl-C stops in order.")
