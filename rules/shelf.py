"""The catalogue in force, over all sessions of a process: taken over when it changes, refused whole when it is bad.

A folder is looked at every few seconds. It is read when its content has changed and then stood still for one look: what
is only half written is not judged. A catalogue with any problem changes nothing: the last good one stays in force.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from domain.errors import ConfigurationError
from rules.load import Catalogue, load_catalogue
from rules.load import digest as digest_of
from runtime import metrics
from storage.watched import WatchedRegistry

log = structlog.get_logger(__name__)

_LOOK_S = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """A newer catalogue that cannot be used, and why."""

    digest: str
    problems: tuple[str, ...]


class Source(Protocol):
    """Where a catalogue comes from."""

    def digest(self) -> str:
        """Another text whenever the content is another; never fails."""

    def read(self, registry: WatchedRegistry) -> Catalogue:
        """The catalogue for a registry; ConfigurationError with every problem."""


class Folder:
    """A catalogue in a folder of YAML files; the shipped one if None."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def digest(self) -> str:
        """Another text whenever the content is another; never fails."""
        return digest_of(self._path)

    def read(self, registry: WatchedRegistry) -> Catalogue:
        """The catalogue for a registry; ConfigurationError with every problem."""
        return load_catalogue(self._path, known=registry.properties, networks=registry.networks)


class Shelf:
    """Holds the last good catalogue, and what is wrong with a newer one.

    Args:
        source: Where newer ones appear.
        look_s: Seconds between two looks at it.
    """

    def __init__(self, source: Source, *, look_s: float = _LOOK_S) -> None:
        self._source = source
        self._look_s = look_s
        self._looked_at = -look_s
        #: What was seen at the last look, and what was last read.
        self._seen: str | None = None
        self._tried: str | None = None
        self._catalogue: Catalogue | None = None
        self.refusal: Refusal | None = None

    def changed(self) -> bool:
        """Whether something new lies there and stands still."""
        now = time.monotonic()
        if now - self._looked_at < self._look_s:
            return False
        self._looked_at = now
        before, self._seen = self._seen, self._source.digest()
        return self._seen == before and self._seen != self._tried

    def take(self, registry: WatchedRegistry) -> Catalogue:
        """The catalogue to use with a registry: the newest if it is good, or else the last that was.

        Raises ConfigurationError only while there never was a good one.
        """
        self._tried = self._source.digest()
        try:
            catalogue = self._source.read(registry)
        except Exception as exc:
            if self._catalogue is None:
                raise
            # Whatever is wrong with a newer catalogue, even a fault of ours in reading it: the rules go on.
            self._refuse(exc.problems if isinstance(exc, ConfigurationError) else [f"{type(exc).__name__}: {exc}"])
            return self._catalogue
        self.refusal = None
        metrics.rules_catalogue_refused.set(0)
        self._catalogue = catalogue
        return catalogue

    def put_back(self, former: Catalogue, problem: str) -> None:
        """A catalogue that was taken cannot be put to work: the former one stays in force."""
        self._catalogue = former
        self._refuse([problem])

    def _refuse(self, problems: list[str]) -> None:
        refusal = Refusal(digest=self._tried or "", problems=tuple(problems))
        if refusal != self.refusal:
            log.error("catalogue_refused", digest=refusal.digest, problems=problems, note="the last good one stays")
        self.refusal = refusal
        metrics.rules_catalogue_refused.set(1)
