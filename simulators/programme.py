"""What a replay publishes: samples on one time line or on several, wherever they were recorded."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from simulators.recording import Sample


@dataclass(frozen=True, kw_only=True, slots=True)
class Reel:
    """Samples in the order in which they leave. Recorded instants are microseconds since 1970 (UTC)."""

    samples: Callable[[], Iterator[Sample]]
    #: The begin and the end of what is played: samples are paced from the begin on.
    first: int
    last: int
    #: Added to every instant.
    moved: int
    #: When the first message left, if that is not the first instant.
    begins: int | None = None

    @property
    def origin(self) -> int:
        """The instant from which it is paced."""
        return self.first if self.begins is None else self.begins


@dataclass(frozen=True, kw_only=True, slots=True)
class Programme:
    """A replay that can start."""

    title: str
    reels: tuple[Reel, ...]
    #: Device -> the topic on which it publishes.
    topics: Mapping[str, str]
    #: Whether all reels share one time line, or are played one after another, each at its own.
    one_clock: bool = True
    #: Samples of a device in one message.
    pack: int = 1
    #: How many samples there are; None if nobody has counted them.
    samples: int | None = None
    #: Values that the recording itself lacks, and entries that repeat an instant of their device.
    missing: int = 0
    repeated: int = 0
