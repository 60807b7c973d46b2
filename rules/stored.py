"""Stored history as material for a backtest."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Self

from domain.errors import ConfigurationError
from domain.times import isoformat
from rules.material import Readings, in_order, span_of
from rules.past import Past
from rules.recall import StoredPast
from rules.rerun import Site
from rules.step import Observations
from storage.database import Link
from storage.history import read_one, read_slice
from storage.watched import WatchedRegistry


class StoredMaterial:
    """What was observed in [since, until), read slice after slice.

    Args:
        connection: In autocommit; nobody else uses it meanwhile.
        site: What stands in the field now.
        since: Microseconds since 1970 (UTC).
        until: Microseconds since 1970 (UTC).
    """

    def __init__(self, connection: Link, site: Site, since: int, until: int) -> None:
        if since >= until:
            raise ConfigurationError("the period is empty", ["`from` must lie before `to`"])
        self._connection = connection
        # Nobody counts as silent since before the period: what was heard then is not read.
        self.site = replace(
            site,
            watched=tuple(replace(item, registered_at=max(item.registered_at, since)) for item in site.watched),
        )
        self.since = since
        self.until = until

    @classmethod
    def of(cls, connection: Link, registry: WatchedRegistry, since: int, until: int) -> Self:
        """The material of a registry."""
        site = Site(watched=registry.watched, assets=registry.assets, links=registry.links)
        return cls(connection, site, since, until)

    @property
    def title(self) -> str:
        """Where it comes from, as a report names it."""
        return f"{isoformat(self.since)} / {isoformat(self.until)}"

    def slices(self) -> Iterator[Observations]:
        """All of it in the order of time."""
        step = span_of(self.site)
        for begin in range(self.since, self.until, step):
            found = read_slice(self._connection, begin, min(begin + step, self.until))
            if len(found.times):
                yield in_order(found.datastreams, found.times, found.values, found.qualities)

    def readings(self, datastream: int, since: int, until: int) -> Readings:
        """What one datastream said in [since, until)."""
        found = read_one(self._connection, datastream, since, until)
        return Readings(found.times, found.values, found.qualities)

    def past(self) -> Past:
        """What is stored, as it is asked for: measures look back to before the period, too."""
        return StoredPast(self._connection)
