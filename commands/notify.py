"""`lifeline notify`: tell people about alerts."""

import json

import typer
from rich.console import Console
from rich.table import Table

from notify.addresses import AddressBook
from runtime.settings import Settings


def notify(
    check: bool = typer.Option(False, "--check", help="Check the configuration, show who is told of what, and end."),
    as_json: bool = typer.Option(False, "--json", help="With --check: print JSON."),
) -> None:
    """Delivers every raise, level change and clear of an alert to the configured addresses, at least once.

    Addresses and lists stand in the file that LIFELINE_NOTIFY_CONFIG names. Any number of these processes share the
    work.

    Example: `LIFELINE_NOTIFY_CONFIG=notify.yaml lifeline notify --check`
    """
    from notify.addresses import load as load_book
    from runtime.settings import load

    settings = load()
    book = load_book(settings.notify_config, language=settings.language)
    if check:
        _show(book, as_json)
    else:
        _run(settings, book)


def _show(book: AddressBook, as_json: bool) -> None:
    from domain.alert import Level
    from domain.catalogue import NETWORKS

    table = Table("network", *(level.label for level in Level))
    told: dict[str, dict[str, list[str]]] = {}
    networks = dict.fromkeys([n.id for n in NETWORKS] + [n for n, _ in book.lists if n != "*"])
    for network in networks:
        told[network] = {x.label: [a.name for a in book.recipients(network, x.label)] for x in Level}
        table.add_row(network, *(", ".join(names) or "[red]nobody[/]" for names in told[network].values()))
    if as_json:
        typer.echo(json.dumps({"addresses": sorted(book.addresses), "told": told}, ensure_ascii=False))
    else:
        Console().print(table)


def _run(settings: Settings, book: AddressBook) -> None:
    from notify.worker import Worker, WorkerOptions
    from runtime.health import HealthServer
    from runtime.logs import configure
    from runtime.process import end_with_threads, stop_on_signals
    from storage.database import open_pool

    configure("notify", settings)
    end_with_threads()
    stop = stop_on_signals()
    pool = open_pool(
        settings.database_url.get_secret_value(),
        application="notify",
        size=settings.database_pool,
        statement_timeout_s=settings.statement_timeout_s,
    )
    options = WorkerOptions(
        zone=settings.zone,
        language=settings.language,
        timeout_s=settings.notify_timeout_s,
        poll_s=settings.notify_poll_ms / 1000,
        give_up_s=settings.notify_give_up_s,
    )
    worker = Worker(pool, book, options, stop=stop)
    health = HealthServer(settings.metrics_host, settings.metrics_port, worker.readiness)
    health.start()
    try:
        worker.run()
    finally:
        health.stop()
        pool.close()
