"""What the handlers share: connections, the doorkeeper, the follower of the stream, the clock."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

import anyio
from fastapi import Depends, Request

from api.access import Doorkeeper
from api.follower import Follower
from api.problems import busy
from domain.times import Clock
from storage.database import Pool

#: How long a request waits for a connection before it is answered 503.
CONNECTION_WAIT_S = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """One process's API.

    Attributes:
        queries: Connections for questions; one of them is always kept from heavy ones.
        control: One connection for tokens and readiness, which slow questions cannot take.
    """

    queries: Pool
    control: Pool
    doorkeeper: Doorkeeper
    follower: Follower
    clock: Clock
    heavy_limit: int
    #: The longest time that a person may shelve an alert for.
    shelve_max_s: int
    #: Probes that wait for the database at once; others wait for them.
    probes: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(2))
    _heavy: threading.BoundedSemaphore = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_heavy", threading.BoundedSemaphore(self.heavy_limit))

    def database(self) -> AbstractContextManager[Any]:
        """A connection for a question that is answered from a few rows."""
        return self.queries.connection(CONNECTION_WAIT_S)

    @contextmanager
    def heavy_database(self) -> Iterator[Any]:
        """A connection for a question over many rows; of these only some run at once."""
        if not self._heavy.acquire(timeout=CONNECTION_WAIT_S):
            raise busy("Too many questions over many rows at once: try again.")
        try:
            with self.queries.connection(CONNECTION_WAIT_S) as connection:
                yield connection
        finally:
            self._heavy.release()


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


Services = Annotated[Service, Depends(_service)]
