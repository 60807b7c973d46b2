"""`lifeline ingest`: one worker from broker to database."""

import typer


def ingest() -> None:
    """Stores every observation of one partition exactly once; runs until SIGTERM, then drains.

    Exit status 0 after a clean stop, 1 when another worker holds the partition, 70 after a bug.

    Example: `LIFELINE_MQTT_URL=mqtt://broker LIFELINE_PARTITION=530100 lifeline ingest`
    """
    import gc

    from ingest.worker import Worker
    from runtime.health import HealthServer
    from runtime.logs import configure
    from runtime.process import end_with_threads, stop_on_signals
    from runtime.settings import load

    settings = load()
    configure("ingest", settings)
    stop = stop_on_signals()
    end_with_threads()
    worker = Worker(settings)
    health = HealthServer(settings.metrics_host, settings.metrics_port, worker.problems)
    health.start()
    # The catalogue lives as long as the process: keep it out of every collection.
    gc.collect()
    gc.freeze()
    try:
        worker.run(stop)
    finally:
        health.stop()
    raise typer.Exit(0)
