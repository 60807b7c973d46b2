"""The application: everything that answers HTTP, put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import anyio.to_thread
from fastapi import FastAPI
from starlette.responses import Response

from api import problems
from api.access import Doorkeeper
from api.admission import Gate
from api.description import TITLE, openapi, page
from api.follower import Follower
from api.routes import (
    alerts,
    backtests,
    exercises,
    health,
    inventory,
    kpis,
    lifecycle,
    maintenance,
    observations,
    operations,
    rules,
    stream,
)
from api.service import Service
from domain.times import Clock, now_micros
from runtime.settings import Settings
from storage.database import connect, open_pool

#: Threads beyond the admitted requests: metrics, and the tokens and pages of streams.
_SPARE_THREADS = 8


def create_app(settings: Settings, *, open_to_all: bool, clock: Clock = now_micros) -> FastAPI:
    """An application with its own connections, which are opened when it is made and closed when it ends.

    Args:
        settings: Database, limits and timeouts.
        open_to_all: Whether requests need no token while none was ever made; only ever true on loopback.
        clock: Microseconds since 1970.
    """
    service = _service(settings, clock, open_to_all=open_to_all)

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = settings.api_concurrency + _SPARE_THREADS
        service.follower.start()
        try:
            yield
        finally:
            service.follower.close()
            service.queries.close()
            service.control.close()

    app = FastAPI(title=TITLE, lifespan=life, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.service = service
    app.add_middleware(Gate, limit=settings.api_concurrency)
    problems.install(app)
    parts = (
        health, inventory, observations, alerts, lifecycle, maintenance, exercises, rules, backtests, kpis, operations,
        stream,
    )  # fmt: skip
    for part in parts:
        app.include_router(part.router)
    app.openapi = partial(openapi, app)  # type: ignore[method-assign]

    # The description is no secret: it stands in a public repository, and says nothing about this city.
    @app.get("/openapi.json", include_in_schema=False)
    async def description() -> dict[str, object]:
        return openapi(app)

    @app.get("/docs", include_in_schema=False)
    async def documentation() -> Response:
        return page(openapi(app))

    return app


def _service(settings: Settings, clock: Clock, *, open_to_all: bool) -> Service:
    url = settings.database_url.get_secret_value()
    timeout_s = settings.api_query_timeout_s
    queries = open_pool(url, application="api", size=settings.database_pool, statement_timeout_s=timeout_s)
    control = open_pool(url, application="api control", size=1, statement_timeout_s=timeout_s)
    return Service(
        queries=queries,
        control=control,
        doorkeeper=Doorkeeper(control, clock, open_to_all=open_to_all),
        follower=Follower(
            partial(connect, url, application="api stream", statement_timeout_s=timeout_s), clock, settings.api_streams
        ),
        clock=clock,
        heavy_limit=max(1, settings.database_pool - 1),
        shelve_max_s=settings.shelve_max_s,
    )
