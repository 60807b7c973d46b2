"""Runs the engines of a town: each in a child process, those that do not need each other at the same time.

An engine is run again only when something happens that concerns it: a quiet day of water serves every scenario that is
about gas.
"""

import signal
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from types import TracebackType
from typing import Any, Self

from domain.errors import LifelineError
from runtime.process import end_with_parent
from simulators.town.happenings import Domain, Happening, of_domains
from simulators.town.layout import Town
from simulators.town.truth import Span, Truth, together

#: Network -> the domains of what may happen to it.
_ENGINES: dict[str, tuple[Domain, ...]] = {"water": ("water",), "drainage": ("drainage",), "gas": ("gas",)}
#: Network -> its domains, and the engines on whose truth it builds.
_MODELS: dict[str, tuple[tuple[Domain, ...], tuple[str, ...]]] = {
    "lighting": (("lighting",), ("drainage",)),
    "manhole": (("manhole", "gas", "drainage"), ("drainage", "gas")),
}
_MODULES = {"manhole": "simulators.town.manholes"}
#: What is kept of engines' results, at most.
_KEPT_BYTES = 250_000_000
_Key = tuple[object, ...]


class SimulationError(LifelineError):
    """An engine did not come to an end."""


class World:
    """The engines of one town; a context manager that ends their processes.

    Args:
        town: As it was built.
        workers: Engines that run at the same time.
    """

    def __init__(self, town: Town, *, workers: int = 2) -> None:
        self.town = town
        self._workers = workers
        self._pool: ProcessPoolExecutor | None = None
        self._kept: OrderedDict[_Key, Truth] = OrderedDict()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the processes; what has not begun is not begun any more."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def truth(self, span: Span, happenings: Iterable[Happening]) -> Truth:
        """What is true over a span when all this happens; events of devices change nothing here.

        Raises:
            SimulationError: An engine failed; the text says which and why.
        """
        events = tuple(happenings)
        waiting: dict[str, tuple[_Key, Future[Truth]]] = {}
        found: dict[str, Truth] = {}
        for network, domains in _ENGINES.items():
            own = self._concerning(network, events, domains)
            key: _Key = (network, span, tuple(h.identity for h in own))
            if key in self._kept:
                self._kept.move_to_end(key)
                found[network] = self._kept[key]
            else:
                waiting[network] = key, self._submit(network, span, own)
        for network, (key, future) in waiting.items():
            found[network] = self._result(network, future)
            self._keep(key, found[network])
        later = {}
        for network, (domains, needed) in _MODELS.items():
            ground = together(span, (found[name] for name in needed))
            later[network] = self._submit(network, span, self._concerning(network, events, domains), ground)
        for network, future in later.items():
            found[network] = self._result(network, future)
        return together(span, (found[network] for network in (*_ENGINES, *_MODELS)))

    def _concerning(
        self, network: str, events: Sequence[Happening], domains: tuple[Domain, ...]
    ) -> tuple[Happening, ...]:
        assets = {asset.id for asset in self.town.layouts[network].assets}
        power = (h for h in of_domains(events, "power") if h.target in assets)
        return tuple(sorted((*of_domains(events, *domains), *power), key=lambda h: (h.since, h.kind, h.target or "")))

    def _submit(self, network: str, span: Span, events: tuple[Happening, ...], *truth: Truth) -> "Future[Truth]":
        if self._pool is None:
            # A fresh interpreter: engines keep global state, and a fork would copy the threads' locks of the parent.
            self._pool = ProcessPoolExecutor(self._workers, mp_context=get_context("spawn"), initializer=_undisturbed)
        module = _MODULES.get(network, f"simulators.town.{network}")
        return self._pool.submit(_solve, module, self.town.layouts[network], span, events, self.town.seed, *truth)

    def _result(self, network: str, future: "Future[Truth]") -> Truth:
        try:
            return future.result()
        except BrokenExecutor as exc:
            self._pool = None
            raise SimulationError(f"the process of {network} died: is there memory enough? ({exc})") from exc
        except LifelineError:
            raise
        except Exception as exc:
            raise SimulationError(f"{network} could not be solved: {exc}") from exc

    def _keep(self, key: _Key, truth: Truth) -> None:
        self._kept[key] = truth
        while len(self._kept) > 1 and sum(map(_bytes, self._kept.values())) > _KEPT_BYTES:
            self._kept.popitem(last=False)


def _bytes(truth: Truth) -> int:
    return sum(series.nbytes for series in (*truth.signals.values(), *truth.fields.values()))


def _undisturbed() -> None:
    """Ctrl-C is for the parent, which ends its children in order; one that is killed leaves none behind."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()


def _solve(module: str, *given: Any) -> Truth:  # noqa: ANN401 - the engines differ in what they are given
    solve: Callable[..., Truth] = import_module(module).solve
    return solve(*given)
