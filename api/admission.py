"""The gate in front of every handler: how many requests at once, how large, and what every answer carries.

Requests beyond the limit are answered 503 at once instead of waiting in a queue that nobody bounds; health answers are
given outside the gate, so that they are there when everything else is busy.
"""

import time
from collections.abc import Awaitable, MutableMapping
from typing import Any

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import Problem, busy, response
from runtime import metrics

log = structlog.get_logger(__name__)

BODY_LIMIT_BYTES = 65_536
#: Answered always; streams have a limit of their own.
_UNGATED = ("/healthz", "/readyz", "/metrics", "/api/v1/stream")
_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    "cache-control": "no-store",
}


class Gate:
    """ASGI middleware; counts on the event loop, so it needs no lock.

    Args:
        app: What is behind it.
        limit: Requests admitted at once.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Admits or refuses, and measures."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(message)
            await send(message)

        try:
            await self._admit(scope, receive, answer)
        finally:
            # The template of the path, never the path itself: labels must stay few.
            route = getattr(scope.get("route"), "path", "none")
            metrics.api_requests.labels(route, str(status)).inc()
            metrics.api_request_seconds.labels(route).observe(time.perf_counter() - begun)

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if path in _UNGATED:
            await self._app(scope, receive, send)
            return
        if self._inside >= self._limit:
            metrics.api_refused.labels("busy").inc()
            await response(busy("Too many requests at once: try again.", 1), path)(scope, receive, send)
            return
        if _declared_length(scope) > BODY_LIMIT_BYTES:
            metrics.api_refused.labels("too_large").inc()
            await response(_too_large(), path)(scope, receive, send)
            return
        self._inside += 1
        try:
            await self._app(scope, _bounded(receive), send)
        finally:
            self._inside -= 1


def _too_large() -> Problem:
    return Problem(413, "body-too-large", "The body is too large", f"At most {BODY_LIMIT_BYTES} bytes are read.")


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() and len(value) < 16 else BODY_LIMIT_BYTES + 1
    return 0


def _bounded(receive: Receive) -> Receive:
    read = 0

    async def bounded() -> MutableMapping[str, Any]:
        nonlocal read
        awaited: Awaitable[Message] = receive()
        message = await awaited
        read += len(message.get("body", b""))
        if read > BODY_LIMIT_BYTES:
            raise _too_large()
        return message

    return bounded


def _add_headers(message: Message) -> None:
    headers: list[tuple[bytes, bytes]] = message.setdefault("headers", [])
    present = {name.lower() for name, _ in headers}
    headers += [(k.encode(), v.encode()) for k, v in _HEADERS.items() if k.encode() not in present]
