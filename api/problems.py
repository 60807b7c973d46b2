"""Errors as RFC 9457 problems: one shape for everything that goes wrong, whoever noticed it.

What a client can mend is named exactly; what it cannot is named only in kind, and the log has the rest.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from domain.errors import LifelineError, RefusedDataError, UnavailableError
from domain.lifecycle import NotAllowedError

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
_NAMESPACE = "urn:city-lifeline:problem:"
_RETRY_AFTER_S = 2
#: Problems of one request that are named; more help nobody.
_ERRORS_SHOWN = 20


class Fault(BaseModel):
    """One value of the request that cannot be used."""

    where: str = Field(description="Place of the value: query, path, header or body, and its name.")
    message: str = Field(description="What is wrong with it.")


class ProblemBody(BaseModel):
    """A problem (RFC 9457). Further members depend on the type."""

    model_config = ConfigDict(
        title="Problem",
        extra="allow",
        json_schema_extra={
            "example": {
                "type": f"{_NAMESPACE}range-too-long",
                "title": "The range is too long for raw observations",
                "status": 422,
                "detail": "Raw observations are given for at most 31 days; ask for bucket=1d.",
                "instance": "/api/v1/datastreams/7/observations",
                "bucket": "1d",
            }
        },
    )

    type: str = Field(description="Identifies the kind of problem; stable, for programs.")
    title: str = Field(description="The kind of problem, for people.")
    status: int = Field(description="The HTTP status.", ge=400, le=599)
    detail: str | None = Field(None, description="This occurrence, and what to do about it.")
    instance: str | None = Field(None, description="The path that was asked for.")
    errors: list[Fault] | None = Field(None, description="The values that cannot be used.")


class Problem(HTTPException):
    """An answer other than success.

    Args:
        status: HTTP status.
        kind: Stable name of the kind of problem, with hyphens.
        title: The kind, for people.
        detail: This occurrence, and what to do.
        headers: Further headers, such as Retry-After.
        extra: Further members of the body.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        title: str,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        **extra: object,
    ) -> None:
        super().__init__(status, detail or title, dict(headers or {}))
        self.kind = kind
        self.title = title
        self.extra = extra


def not_found(what: str, identifier: object) -> Problem:
    """The problem of a thing that does not exist."""
    return Problem(404, "not-found", "There is no such thing", f"There is no {what} {identifier}.")


def busy(detail: str, retry_after_s: int = _RETRY_AFTER_S) -> Problem:
    """The problem of a request that may succeed later."""
    return Problem(503, "busy", "The service cannot answer now", detail, headers={"Retry-After": str(retry_after_s)})


def response(problem: HTTPException, path: str) -> JSONResponse:
    """A problem as it goes over the wire."""
    status = HTTPStatus(problem.status_code)
    kind = problem.kind if isinstance(problem, Problem) else status.phrase.lower().replace(" ", "-")
    body: dict[str, Any] = {
        "type": f"{_NAMESPACE}{kind}",
        "title": problem.title if isinstance(problem, Problem) else status.phrase,
        "status": status.value,
        "detail": str(problem.detail),
        "instance": path,
    }
    if isinstance(problem, Problem):
        body |= problem.extra
    return JSONResponse(body, status.value, headers=dict(problem.headers or {}), media_type=MEDIA_TYPE)


def _invalid(error: RequestValidationError) -> Problem:
    faults = []
    for item in error.errors()[:_ERRORS_SHOWN]:
        # The offending input is not repeated: it may be large, secret, or not even text.
        message = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(item["msg"])[:300])
        faults.append({"where": ".".join(str(part)[:100] for part in item["loc"]), "message": message})
    return Problem(
        422,
        "invalid-request",
        "The request cannot be used",
        "; ".join(f"{f['where']}: {f['message']}" for f in faults[:3]),
        errors=[{k: v.encode("utf-8", "replace").decode() for k, v in f.items()} for f in faults],
    )


def _problem_of(error: Exception) -> HTTPException:
    if isinstance(error, HTTPException):
        return error
    if isinstance(error, RequestValidationError):
        return _invalid(error)
    if isinstance(error, NotAllowedError):
        return Problem(
            409, "not-allowed-now", "The state of the alert does not allow this", error.reason, alarm_state=error.state
        )
    if isinstance(error, RefusedDataError):
        return Problem(422, "refused-value", "The database refuses a value of the request")
    if isinstance(error, UnavailableError):
        return busy("The database cannot be reached or did not answer in time: ask for less, or try again.")
    return Problem(500, "internal-error", "Something is wrong with the service", "It was logged.")


def handle(request: Request, error: Exception) -> JSONResponse:
    """The one handler of everything that goes wrong."""
    problem = _problem_of(error)
    if problem.status_code == 500:
        log.error("request_failed", path=request.url.path, exc_info=error)
    elif isinstance(error, UnavailableError):
        # Refusals of ours are counted, not logged: under load there are thousands.
        log.warning("database_unavailable", path=request.url.path, error=str(error))
    return response(problem, request.url.path)


def install(app: FastAPI) -> None:
    """Makes every error of the application a problem."""
    for kind in (HTTPException, RequestValidationError, LifelineError, Exception):
        app.add_exception_handler(kind, handle)
