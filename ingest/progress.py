"""How far this worker has come with what the broker has for it (pure).

`caught_up_at` is an instant up to which everything the broker had is stored. Two facts move it: the socket was empty
while the window was open, so that nothing waited at the broker then; and all that had arrived by then is committed.
What stands still here stops the judgement of absence: a device is not silent while nobody listens.
"""

from collections import deque

#: After a subscription the broker needs a moment to send what it has kept.
SETTLE_MICROS = 1_000_000
#: NATS sends what an earlier connection left unacknowledged only when its `ack_wait` is over: ten seconds here.
RESEND_MICROS = 12_000_000


class Progress:
    """Instants are microseconds since 1970 (UTC)."""

    def __init__(self) -> None:
        self.held = 0
        self.caught_up_at: int | None = None
        self._arrivals: deque[list[int]] = deque()
        self._emptied_at: int | None = None
        self._listening_from: int | None = None

    def subscribed(self, now: int, settle_micros: int = SETTLE_MICROS) -> None:
        """The subscription stands; what the broker has kept for it comes within `settle_micros`."""
        self._listening_from = now + settle_micros

    def lost(self) -> None:
        """The connection is gone: nothing is known about the broker any more."""
        self._listening_from = None

    def arrived(self, number: int, now: int) -> None:
        """Messages have been received."""
        self.held += number
        self._arrivals.append([number, now])

    def finished(self, number: int) -> None:
        """The oldest messages have been committed."""
        self.held -= number
        while number and self._arrivals:
            oldest = self._arrivals[0]
            taken = min(number, oldest[0])
            oldest[0] -= taken
            number -= taken
            if not oldest[0]:
                self._arrivals.popleft()
        self._move()

    def dropped(self, number: int) -> None:
        """The youngest messages will come again on another connection."""
        self.held -= number
        while number and self._arrivals:
            youngest = self._arrivals[-1]
            taken = min(number, youngest[0])
            youngest[0] -= taken
            number -= taken
            if not youngest[0]:
                self._arrivals.pop()

    def emptied(self, now: int, *, window: int) -> None:
        """Nothing was left to read; with a full window that only means that the broker may not send more."""
        if self._listening_from is not None and now >= self._listening_from and self.held < window:
            self._emptied_at = now
            self._move()

    def _move(self) -> None:
        if self._emptied_at is None:
            return
        reached = min(self._emptied_at, self._arrivals[0][1]) if self._arrivals else self._emptied_at
        if self.caught_up_at is None or reached > self.caught_up_at:
            self.caught_up_at = reached

    def lag_s(self, now: int) -> float:
        """Age of `caught_up_at` in seconds; of the oldest held message before it is known."""
        since = self.caught_up_at
        if since is None:
            since = self._arrivals[0][1] if self._arrivals else now
        return max(0.0, (now - since) / 1e6)
