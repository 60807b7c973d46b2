"""`lifeline serve`: the HTTP API."""

import socket
import sys
import threading
from contextvars import copy_context
from typing import Annotated

import typer

from runtime.settings import Settings

#: How long requests may take to end after SIGTERM.
_DRAIN_S = 5
_DATABASE_WAIT_S = 30.0


def serve(
    host: Annotated[str | None, typer.Option(help="Address to bind; other than loopback needs a token.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to bind; 0 takes a free one.", min=0, max=65_535)] = None,
) -> None:
    """Serves the API until SIGTERM or Ctrl-C; its documentation is at /docs.

    On loopback no token is needed until the first one is made. Bound to any other address it refuses to start
    without one.

    Example: `lifeline serve --port 8080`
    """
    import structlog

    from api.access import is_loopback
    from runtime.logs import configure
    from runtime.process import end_with_threads, stop_on_signals
    from runtime.settings import load

    settings = load()
    changes = {"api_host": host, "api_port": port}
    settings = settings.model_copy(update={k: v for k, v in changes.items() if v is not None})
    configure("serve", settings)
    log = structlog.get_logger(__name__)
    stop = stop_on_signals()
    end_with_threads()
    _check_database(settings, stop)
    if stop.is_set():
        return
    loopback = is_loopback(settings.api_host)
    if not loopback:
        _check_tokens(settings)
    listener = _listen(settings.api_host, settings.api_port)
    address, chosen = listener.getsockname()[:2]
    url = f"http://[{address}]:{chosen}" if ":" in address else f"http://{address}:{chosen}"

    import uvicorn

    from api.app import create_app

    app = create_app(settings, open_to_all=loopback)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            limit_concurrency=settings.api_concurrency + settings.api_streams + 100,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=_DRAIN_S,
        )
    )
    # In a thread of its own uvicorn leaves the signals to us: streams must be ended before it waits for them.
    # It takes our context along: what the log says of every line.
    thread = threading.Thread(
        target=copy_context().run, args=(server.run,), kwargs={"sockets": [listener]}, name="uvicorn"
    )
    thread.start()
    typer.echo(f"City Lifeline API: {url} (documentation: {url}/docs)")
    log.info("api_listening", url=url)
    while thread.is_alive() and not stop.wait(0.5):
        pass
    app.state.service.follower.close()
    server.should_exit = True
    thread.join()
    log.info("stopped")
    if not stop.is_set():
        raise typer.Exit(1)


def _refuse(message: str) -> typer.Exit:
    sys.stderr.write(f"lifeline serve: {message}\n")
    return typer.Exit(2)


def _check_database(settings: Settings, stop: threading.Event) -> None:
    """Waits a while for the database, then for good or ill: its schema must be ours."""
    import time

    import structlog

    from domain.errors import SchemaError, UnavailableError
    from storage import migrate
    from storage.database import connect

    log = structlog.get_logger(__name__)
    deadline = time.monotonic() + _DATABASE_WAIT_S
    while not stop.is_set():
        try:
            with connect(settings.database_url.get_secret_value(), application="serve") as connection:
                migrate.check(connection)
        except SchemaError as exc:
            raise _refuse(str(exc)) from None
        except UnavailableError as exc:
            if time.monotonic() > deadline:
                raise _refuse(f"the database cannot be reached: {exc}") from None
            log.warning("database_unavailable", error=str(exc))
            stop.wait(1.0)
        else:
            return


def _check_tokens(settings: Settings) -> None:
    from storage.database import connect
    from storage.tokens import register

    with connect(settings.database_url.get_secret_value(), application="serve") as connection:
        known = register(connection)
    if not known.bearers:
        raise _refuse(
            f"{settings.api_host} can be reached from other machines, and there is no valid token: make one with "
            "`lifeline tokens add NAME --role operator`, or bind 127.0.0.1 (LIFELINE_API_HOST)"
        )


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.create_server(address[:2], family=family, backlog=512)
    except OSError as exc:
        raise _refuse(f"cannot listen on {host}:{port}: {exc.strerror}: choose another with --host or --port") from None
    listener.set_inheritable(False)
    return listener
