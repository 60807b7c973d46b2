"""Who asks, and whether they may.

The API binds loopback. While no token was ever made, whoever reaches it there is an administrator: that is a person on
the same machine, who could as well open the database. From the first token on, every request needs one, wherever it
comes from. Bound to any other address the API does not start without a token (commands.serve).
"""

import ipaddress
import threading
from collections.abc import Callable
from typing import Annotated

import structlog
from fastapi import Depends, Request

from api.problems import Problem
from api.throttle import FailureThrottle
from domain.access import Role
from domain.errors import UnavailableError
from domain.times import MICROS_PER_SECOND, Clock
from runtime import metrics
from storage.database import Pool
from storage.tokens import Bearer, Register, digest, register

log = structlog.get_logger(__name__)

#: A revoked token may work for so much longer; in exchange a check costs no query.
REGISTER_LIFE_S = 2.0
_SCHEME = "bearer "
_LONGEST_TOKEN = 200


def is_loopback(host: str) -> bool:
    """Whether an address or name is this machine only; names other than localhost are not trusted to be."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Doorkeeper:
    """Recognises bearers by their tokens.

    Args:
        pool: Where the tokens are; not the pool of the queries, so that slow ones never keep anybody at the door.
        clock: Microseconds since 1970.
        open_to_all: Whether anybody is let in while no token was ever made: on loopback only.
    """

    def __init__(self, pool: Pool, clock: Clock, *, open_to_all: bool) -> None:
        self._pool = pool
        self._clock = clock
        self._open_to_all = open_to_all
        self._throttle = FailureThrottle(clock)
        self._register: Register | None = None
        self._tried_at = 0
        self._lock = threading.Lock()

    def _current(self) -> Register:
        with self._lock:
            now = self._clock()
            if not 0 <= now - self._tried_at < REGISTER_LIFE_S * MICROS_PER_SECOND:
                # Forgotten first: when the database is away, everybody is refused at once instead of waiting in turn.
                self._register, self._tried_at = None, now
                with self._pool.connection(timeout_s=1.0) as connection:
                    self._register = register(connection)
            if self._register is None:
                raise UnavailableError("the tokens could not be read")
            return self._register

    def bearer(self, request: Request) -> Bearer:
        """Who sends this request; raises Problem 401 or 429."""
        header = request.headers.get("authorization")
        known = self._current()
        if header is None and self._open_to_all and not known.closed:
            return self._neighbour(request)
        if header is not None and header.lower().startswith(_SCHEME) and len(header) < _LONGEST_TOKEN:
            found = known.bearers.get(digest(header[len(_SCHEME) :].strip()))
            if found is not None:
                return found
        raise self._refusal(request, "no token" if header is None else "unknown, expired or revoked token")

    def _neighbour(self, request: Request) -> Bearer:
        # A page from elsewhere may send a browser here under a name of its own (DNS rebinding): only our names count.
        if not is_loopback(request.url.hostname or ""):
            raise Problem(
                403,
                "foreign-host",
                "The request names another host",
                "Without tokens this service answers to localhost and loopback addresses only: "
                "make one with `lifeline tokens add`.",
            )
        return Bearer(name="loopback", role=Role.ADMIN)

    def _refusal(self, request: Request, why: str) -> Problem:
        client = request.client.host if request.client else "?"
        wait_s = self._throttle.failed(client)
        if wait_s:
            metrics.api_refused.labels("throttled").inc()
            return Problem(
                429,
                "too-many-failures",
                "Too many requests without a valid token",
                f"Try again in {wait_s} s.",
                headers={"Retry-After": str(wait_s)},
            )
        metrics.api_refused.labels("unauthorised").inc()
        log.warning("access_refused", client=client, path=request.url.path, why=why)
        return Problem(
            401,
            "no-valid-token",
            "A valid token is needed",
            "Send `Authorization: Bearer TOKEN`; an administrator makes one with `lifeline tokens add`.",
            headers={"WWW-Authenticate": 'Bearer realm="City Lifeline"'},
        )


def require(role: Role) -> Callable[[Request], Bearer]:
    """A dependency that admits bearers of at least this role and tells the handler who it is."""

    def check(request: Request) -> Bearer:
        doorkeeper: Doorkeeper = request.app.state.service.doorkeeper
        bearer = doorkeeper.bearer(request)
        if not bearer.role.includes(role):
            log.warning("access_denied", bearer=bearer.name, role=bearer.role.value, path=request.url.path)
            raise Problem(
                403, "role-too-low", "The token's role is too low", f"This needs {role.value}, not {bearer.role.value}."
            )
        return bearer

    return check


Viewer = Annotated[Bearer, Depends(require(Role.VIEWER))]
Operator = Annotated[Bearer, Depends(require(Role.OPERATOR))]
Admin = Annotated[Bearer, Depends(require(Role.ADMIN))]
