"""Anti-automation: a client whose tokens keep being wrong is told to wait, and fills neither log nor database.

A right token always passes: guessing 256 random bits is hopeless anyway, and a forgotten script behind the same address
must not lock out the operators beside it.
"""

import threading
from collections import OrderedDict

from domain.times import MICROS_PER_SECOND, Clock


class FailureThrottle:
    """Counts failures by client in windows of fixed length; remembers a bounded number of clients.

    Args:
        clock: Microseconds since 1970.
        limit: Failures of one client in one window that are answered in full.
        window_s: Length of a window.
        clients: Clients remembered; beyond that the one seen longest ago is forgotten.
    """

    def __init__(self, clock: Clock, *, limit: int = 10, window_s: int = 60, clients: int = 10_000) -> None:
        self._clock = clock
        self._limit = limit
        self._window = window_s * MICROS_PER_SECOND
        self._clients = clients
        self._seen: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._lock = threading.Lock()

    def failed(self, client: str) -> int:
        """Counts one failure; returns the seconds that the client must wait, 0 while it is below the limit."""
        now = self._clock()
        with self._lock:
            begun, count = self._seen.pop(client, (now, 0))
            if now - begun >= self._window or now < begun:
                begun, count = now, 0
            self._seen[client] = (begun, count + 1)
            if len(self._seen) > self._clients:
                self._seen.popitem(last=False)
        if count < self._limit:
            return 0
        return max(1, -(-(begun + self._window - now) // MICROS_PER_SECOND))
