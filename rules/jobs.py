"""Backtests that people asked for over the API, one after the other, in a process of low priority of its own.

The rules of a request are laid over the catalogue in force: those of the same id replace it, others are added. Without
any, the catalogue in force runs alone.
"""

import tempfile
import threading
import time
from collections.abc import Callable
from datetime import datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import Any

import structlog
import yaml

from domain.errors import ConfigurationError, LifelineError, UnavailableError
from domain.times import from_datetime
from rules.backtest import backtest
from rules.load import OVERRIDES, SHIPPED, Catalogue, load_catalogue
from rules.report import as_data, make
from rules.rerun import PLACE
from rules.stored import StoredMaterial
from runtime.backoff import Backoff
from runtime.documents import Document, DocumentError
from storage import backtests
from storage.backtests import Claim
from storage.database import Link, connect
from storage.watched import WatchedRegistry, read_watched

log = structlog.get_logger(__name__)

_LOOK_S = 1.0
#: Between two signs of life.
_ADVANCE_S = 1.0
#: Alerts in the result of a job; the figures count all of them.
ALERTS = 2000


class _StoppedError(Exception):
    """The runner is stopped, or the job was taken out."""


class Runner:
    """Works off what is queued until it is stopped.

    Args:
        database_url: Where the queue and the history are.
        rules_dir: Folder of the catalogue in force; the shipped one if None.
        name: Unique among runners.
        stop: Ends `run`, in the middle of a job too, which is put back.
        orphaned: Whether whoever started this process is gone.
        zone: The time of the place.
    """

    def __init__(
        self,
        database_url: str,
        rules_dir: Path | None,
        *,
        name: str,
        stop: threading.Event,
        orphaned: Callable[[], bool] = lambda: False,
        zone: tzinfo = PLACE,
    ) -> None:
        self._zone = zone
        self._url = database_url
        self._rules_dir = rules_dir or SHIPPED
        self._name = name
        self._stop = stop
        self._orphaned = orphaned

    def run(self) -> None:
        """Works until stopped; a database that is away is waited for."""
        backoff = Backoff(0.5, 10.0)
        while not self._over():
            try:
                with connect(self._url, application="backtests", statement_timeout_s=600) as connection:
                    while not self._over():
                        if not self.work(connection):
                            self._stop.wait(_LOOK_S)
                        backoff.reset()
            except UnavailableError as exc:
                log.warning("database_unavailable", reason=str(exc))
                self._stop.wait(backoff.next_s())

    def work(self, connection: Link) -> bool:
        """Does the next job; False if there is none."""
        job = backtests.claim(connection, runner=self._name)
        if job is None:
            return False
        log.info("backtest_started", id=job.id)
        try:
            result = self._result(connection, job)
        except _StoppedError:
            backtests.hand_back(connection, job.id, runner=self._name)
        except UnavailableError:
            # Nothing can be written now: it is stale soon, and taken again.
            raise
        except ConfigurationError as exc:
            backtests.finish(connection, job.id, runner=self._name, error="\n".join([exc.what, *exc.problems]))
        except LifelineError as exc:
            backtests.finish(connection, job.id, runner=self._name, error=str(exc))
        except Exception as exc:
            log.exception("backtest_failed", id=job.id)
            backtests.finish(connection, job.id, runner=self._name, error=f"{type(exc).__name__}: {exc}")
        else:
            backtests.finish(connection, job.id, runner=self._name, result=result)
            log.info("backtest_finished", id=job.id)
        return True

    def _over(self) -> bool:
        return self._stop.is_set() or self._orphaned()

    def _result(self, connection: Link, job: Claim) -> dict[str, Any]:
        registry = read_watched(connection)
        since, until = (from_datetime(datetime.fromisoformat(job.parameters[end])) for end in ("from", "to"))
        in_force = load_catalogue(self._rules_dir, known=registry.properties, networks=registry.networks)
        text = job.parameters.get("rules")
        sets = [in_force] if text is None else [proposed(text, self._rules_dir, registry), in_force]
        material = StoredMaterial.of(connection, registry, since, until)
        told_at = 0.0

        def advance(number: int, share: float) -> None:
            nonlocal told_at
            if self._over():
                raise _StoppedError
            if time.monotonic() - told_at < _ADVANCE_S:
                return
            told_at = time.monotonic()
            done = (number + share) / len(sets)
            if not backtests.advance(connection, job.id, runner=self._name, progress=done):
                raise _StoppedError

        outcomes = [
            backtest(catalogue, material, partial(advance, number), zone=self._zone)
            for number, catalogue in enumerate(sets)
        ]
        return _bounded(as_data(make(material, *outcomes)))


def proposed(text: str, folder: Path, registry: WatchedRegistry) -> Catalogue:
    """The catalogue of a folder with the rules of a text laid over it; ConfigurationError with every problem."""
    with tempfile.TemporaryDirectory(prefix="lifeline-backtest-") as name:
        place = Path(name)
        request = place / "request.yaml"
        request.write_text(text, encoding="utf-8")
        replaced = _ids(request)
        for path in folder.glob("*.yaml"):
            if path.name == OVERRIDES:
                (place / OVERRIDES).write_bytes(path.read_bytes())
                continue
            kept = [rule for rule in Document(path).value["rules"] if rule["id"] not in replaced]
            (place / f"in-force-{path.name}").write_text(yaml.safe_dump({"rules": kept}), encoding="utf-8")
        try:
            return load_catalogue(place, known=registry.properties, networks=registry.networks)
        except ConfigurationError as exc:
            raise ConfigurationError(exc.what, [line.replace(f"{place}/", "") for line in exc.problems]) from None


def _ids(path: Path) -> set[str]:
    """The ids that a text names, as far as it can be read; what is wrong with it is said by the catalogue's check."""
    try:
        value = Document(path).value
    except DocumentError:
        # The check of the whole says it with file and line.
        return set()
    rules = value.get("rules") if isinstance(value, dict) else None
    return {str(rule.get("id")) for rule in rules if isinstance(rule, dict)} if isinstance(rules, list) else set()


def _bounded(data: dict[str, Any]) -> dict[str, Any]:
    """A result of bounded size: of each list of alerts the first, and how many there are."""
    lists = [(data, "alerts"), (data, "held_back")]
    if "difference" in data:
        lists += [(data["difference"], name) for name in ("new", "lost", "moved")]
    for place, name in lists:
        place[f"{name}_count"] = len(place[name])
        place[name] = place[name][:ALERTS]
    return data
