"""The traffic of one span after another: the next is computed while the current one is published."""

import queue
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulators.devices.emit import emit
from simulators.devices.traffic import Traffic
from simulators.town.happenings import Happening
from simulators.town.truth import Span

if TYPE_CHECKING:
    from simulators.town.world import World

_GRAIN_S = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """The traffic of one span; what leaves at `until` or later leaves among the messages of the spans that follow."""

    traffic: Traffic
    #: Microseconds since 1970 on the clock of the traffic; None: no span follows.
    until: int | None = None


def consecutive(world: "World", spans: Iterable[tuple[Span, Sequence[Happening]]], *, seed: int) -> Iterator[Chunk]:
    """The traffic of spans that follow one another, computed when it is asked for."""
    for span, happenings in spans:
        truth = world.truth(span, happenings)
        yield Chunk(traffic=emit(world.town, truth, happenings, seed=seed), until=span.end)


class Ahead:
    """Computes the next chunk while the current one is published; a thread of its own.

    Args:
        chunks: What to compute.
        stop: Nothing more is wanted.
    """

    def __init__(self, chunks: Iterable[Chunk], stop: threading.Event) -> None:
        self._chunks = chunks
        self._stop = stop
        # One lies ready while another is in the making.
        self._ready: queue.Queue[Chunk | BaseException | None] = queue.Queue(maxsize=1)
        self._thread = threading.Thread(target=self._run, name="broadcast ahead", daemon=True)
        #: How often the next chunk was not ready in time.
        self.waits = 0
        self._given = 0

    def start(self) -> None:
        """Begins with the first chunk."""
        self._thread.start()

    def join(self, timeout_s: float) -> None:
        """Waits for the chunk in the making, once `stop` is set."""
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def __iter__(self) -> Iterator[Chunk]:
        waited = False
        while not self._stop.is_set():
            try:
                item = self._ready.get(timeout=_GRAIN_S)
            except queue.Empty:
                waited = True
                continue
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            # For the first chunk everybody waits.
            self.waits += waited and self._given > 0
            self._given += 1
            yield item
            waited = False

    def _run(self) -> None:
        try:
            for chunk in self._chunks:
                if not self._put(chunk):
                    return
            self._put(None)
        except BaseException as exc:  # noqa: BLE001 - told to whoever publishes
            self._put(exc)

    def _put(self, item: Chunk | BaseException | None) -> bool:
        while not self._stop.is_set():
            try:
                self._ready.put(item, timeout=_GRAIN_S)
            except queue.Full:
                continue
            return True
        return False
