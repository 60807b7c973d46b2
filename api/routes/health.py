"""Whether the process lives and can answer, and its metrics. Answered outside the gate and without the query pool."""

import asyncio
from functools import partial

import anyio
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.access import Viewer
from api.models.operations import Health, Readiness
from api.service import Service, Services
from domain.errors import LifelineError
from storage import migrate

router = APIRouter(tags=["health"])

READY_TIMEOUT_S = 2.0


@router.get("/healthz", summary="Alive? · 存活")
async def alive() -> Health:
    """Answers as long as the process does; asks nothing else, needs no token."""
    return Health(status="alive")


def _database_problem(service: Service) -> str | None:
    try:
        with service.control.connection(READY_TIMEOUT_S / 2) as connection:
            migrate.check(connection)
    except LifelineError as exc:
        # Schema errors are ours and say what to do; those of a driver may name hosts and stay in the log.
        return str(exc) if "lifeline" in str(exc) else "cannot be reached"
    return None


@router.get("/readyz", summary="Ready? · 就绪", responses={503: {"model": Readiness, "description": "Not ready."}})
async def ready(response: Response, service: Services) -> Readiness:
    """Whether the database answers and has the right schema; 503 if not. Needs no token."""
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            problem = await anyio.to_thread.run_sync(
                partial(_database_problem, service), abandon_on_cancel=True, limiter=service.probes
            )
    except TimeoutError:
        problem = f"did not answer within {READY_TIMEOUT_S:.0f} s"
    if problem is not None:
        response.status_code = 503
        return Readiness(ready=False, problems={"database": problem})
    return Readiness(ready=True, problems={})


@router.get(
    "/metrics",
    summary="Prometheus metrics · 运行指标",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "Text exposition format."}},
)
def metrics(bearer: Viewer) -> Response:  # noqa: ARG001 - the dependency is the check
    """This process's metrics. Needs viewer once tokens exist."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
