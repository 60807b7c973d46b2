"""Since when each partition of ingest has been listening without interruption.

While ingest is away its clock stands still. When it moves again, what was published meanwhile may be lost with the
devices that could not reach the broker; none of them is to blame. So silence counts from the return on.
"""

import time
from collections.abc import Callable, Mapping

from rules.silence import NEVER

#: A clock that stood for longer was interrupted; ingest moves it each second while it listens.
_STOOD_S = 10.0


class Listening:
    """Watches the clocks of ingest over the ticks of a session.

    Args:
        monotonic: Seconds; only differences count.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._moved: dict[str, tuple[int, float]] = {}
        self._since: dict[str, int] = {}

    def of(self, clocks: Mapping[str, int]) -> dict[str, int]:
        """For each partition since when it has listened, microseconds since 1970 (UTC); NEVER: no break is known.

        Args:
            clocks: Up to when each has heard everything, microseconds since 1970 (UTC).
        """
        now = self._monotonic()
        for partition, clock in clocks.items():
            before, moved = self._moved.get(partition, (clock, now))
            if clock != before or partition not in self._moved:
                if now - moved > _STOOD_S:
                    self._since[partition] = clock
                self._moved[partition] = (clock, now)
        return {partition: self._since.get(partition, NEVER) for partition in clocks}
