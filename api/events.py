"""Server-sent events: how they are written, how they are ordered, how they are sent without waiting for ever."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from domain.times import MICROS_PER_SECOND

#: A reader that takes nothing for so long is gone.
SEND_TIMEOUT_S = 30.0
HEARTBEAT = b": heartbeat\n\n"
#: How soon a reader comes back after a cut, milliseconds.
RETRY = b"retry: 2000\n\n"


def encode(event: str, data: object, *, id_: int | None = None) -> bytes:
    """One event. JSON never holds a line break, so one data line is enough."""
    lines = [f"event: {event}", f"data: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}"]
    if id_ is not None:
        lines.insert(0, f"id: {id_}")
    return ("\n".join(lines) + "\n\n").encode()


class Sequencer:
    """Lets numbered rows through in order, though a lower number may become visible after a higher one.

    Numbers are given when a row is written, and seen when it is committed. A row behind a gap therefore waits until the
    gap is filled, or until it has itself been seen for so long that whoever holds the missing number has given up.

    Args:
        position: The last number that was let through.
        patience_s: How long a row waits behind a gap.
    """

    def __init__(self, position: int, patience_s: float = 2.0) -> None:
        self.position = position
        self._patience = int(patience_s * MICROS_PER_SECOND)
        self._seen: dict[int, int] = {}

    def admit(self, numbers: Sequence[int], now: int) -> int:
        """How many of the rows after `position`, given in order, may go now; `now` in microseconds."""
        self._seen = {n: self._seen.get(n, now) for n in numbers}
        admitted = 0
        for number in numbers:
            if number != self.position + 1 and now - self._seen[number] < self._patience:
                break
            self.position = number
            admitted += 1
        return admitted


class EventStream(Response):
    """Sends events until they end, the reader leaves, or takes too long."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterator[bytes]) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Sends; leaves when the other side does."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async with anyio.create_task_group() as group:
            group.start_soon(self._until_gone, receive, group.cancel_scope)
            try:
                await self._send_all(send)
            finally:
                group.cancel_scope.cancel()

    async def _send_all(self, send: Send) -> None:
        async with aclosing(self._events) as events:  # type: ignore[type-var]
            async for event in events:
                with anyio.move_on_after(SEND_TIMEOUT_S) as limit:
                    await send({"type": "http.response.body", "body": event, "more_body": True})
                if limit.cancelled_caught:
                    return
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    @staticmethod
    async def _until_gone(receive: Receive, scope: anyio.CancelScope) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        scope.cancel()
