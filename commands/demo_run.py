"""One run of the demo: platform, town and its devices together, from the first start to the ordered stop."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self
from zoneinfo import ZoneInfo

from commands.demo_view import View
from commands.demo_watch import Watch, counters, undelayed_rules
from commands.platform import FOLDERS, Platform
from domain.errors import UnavailableError
from domain.registry_folder import read, write
from domain.times import MICROS_PER_SECOND, now_micros
from runtime.settings import Settings
from simulators import demonstration
from simulators.devices.chunks import Chunk
from simulators.devices.emit import emit
from simulators.devices.live import Broadcast
from simulators.town.build import registry
from simulators.town.ground import Scale, ground
from simulators.town.layout import Town
from simulators.town.world import World
from storage import status
from storage.database import connect
from storage.registry import import_registry, known

if TYPE_CHECKING:
    from domain.registry import Registry

_WORDS = {
    "en": {
        "services": "starting broker and database",
        "registry": "registering {devices} devices with {datastreams} datastreams",
        "stages": "starting ingest, rules, notify and API",
        "engines": "the engines of the networks compute the first half hour",
        "fleet": "devices begin to publish",
        "stopped": "stopped: {name}",
        "devices": "devices",
    },
    "zh": {
        "services": "正在启动消息服务器和数据库",
        "registry": "正在登记 {devices} 台设备、{datastreams} 个数据流",
        "stages": "正在启动接入、规则、通知和接口进程",
        "engines": "各专项仿真引擎正在计算最初半小时",
        "fleet": "设备开始上报",
        "stopped": "已停止：{name}",
        "devices": "设备",
    },
}
_REGISTRY_FOLDER = "registry"
#: Everything that a run leaves in its folder.
PARTS = (*FOLDERS, _REGISTRY_FOLDER)
#: The engines have this long, about, before the devices speak: what is computed must be true of the time of day.
_LEAD_S = 15
#: How long the first half hour may take on a machine that has other things to do.
_ENGINES_S = 240.0
#: The next chapter is computed so long before it begins; until then the engines take no memory and no time.
_AHEAD_S = 300
_POLL_S = 0.1


class Demo:
    """A context manager that stops everything in order when it is left, however far it came.

    Args:
        settings: Of this process.
        seed: Of the town.
        stop: Set when the person has had enough.
        say: Told each step, in the language of the settings.
        scale: Of the town.

    Raises:
        ConfigurationError: The engines of the town are not installed.
    """

    def __init__(
        self,
        settings: Settings,
        seed: int,
        stop: threading.Event,
        say: Callable[[str], object],
        *,
        scale: Scale = "town",
    ) -> None:
        # Without the engines nothing need be started.
        ground(scale)
        self.settings = settings
        self.platform = Platform(settings, quiet=True)
        self.broadcast: Broadcast | None = None
        #: Counters of ingest before the first device spoke; not zero on a database that was given.
        self.before = counters(())
        self._seed = seed
        self._scale: Scale = scale
        self._stop = stop
        self._over = threading.Event()
        self._heard = threading.Event()
        self._say = say
        self._words = _WORDS[settings.language]
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="engines")
        self._world: World | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.fall_silent()
        if self.broadcast:
            self._say(self._words["stopped"].format(name=self._words["devices"]))
        if self._world:
            self._world.close()
        self._beside.shutdown(cancel_futures=True)
        self.platform.stop(lambda name: self._say(self._words["stopped"].format(name=name)))

    def start(self, timeout_s: float) -> None:
        """Starts everything; returns when the devices speak. Ends early when asked to stop.

        Raises:
            InUseError: Another process runs on the same folder.
            StartError: An embedded server did not come up.
            StageFailedError: A stage was not ready in time.
            UnavailableError: The broker did not accept the devices, or an engine failed.
        """
        # While broker, database and stages start, the town is built and its engines run.
        building = self._beside.submit(demonstration.town, self._scale, self._seed)
        self._say(self._words["services"])
        self.platform.start_services()
        town = building.result()
        self._world = World(town)
        begin = (now_micros() // MICROS_PER_SECOND + _LEAD_S) * MICROS_PER_SECOND
        chunks = self._chunks(town, self._world, begin)
        first = self._beside.submit(next, chunks)
        whole = registry(town)
        self._say(self._words["registry"].format(devices=len(whole.devices), datastreams=len(whole.datastreams)))
        self._register(whole)
        self._say(self._words["stages"])
        # First what the devices need, so that the first alert does not wait for the API's start.
        self.platform.start_stages("rules")
        if not first.done():
            self._say(self._words["engines"])
        if not self._computed(first):
            return
        self.broadcast = Broadcast(
            town,
            self._after(first, chunks),
            self.platform.mqtt_url,
            origin=begin,
            # The engines took their time: devices write the time at which they speak.
            shift=None,
            prefix="lifeline-demo",
        )
        self.broadcast.start()
        # As soon as somebody listens, the devices speak: later they would be silent, earlier nobody would keep it.
        self.platform.start_stages("ingest")
        self.platform.wait_ready(timeout_s, self._stop.is_set)
        if self._stop.is_set():
            return
        self._say(self._words["fleet"])
        self._heard.set()
        self.platform.start_stages()

    def _chunks(self, town: Town, world: World, begin: int) -> Iterator[Chunk]:
        """The traffic of one chapter after another, each computed shortly before it is needed."""
        for span, happenings in demonstration.chapters(begin):
            early_s = (span.start - now_micros()) / MICROS_PER_SECOND - _AHEAD_S
            if self._over.wait(max(0.0, early_s)):
                return
            truth = world.truth(span, happenings)
            # Engines that wait for the next chapter need not hold their memory.
            world.close()
            traffic = emit(town, truth, happenings, seed=self._seed)
            yield Chunk(traffic=demonstration.dated(traffic), until=span.end)

    def _after(self, first: "Future[Chunk]", others: Iterator[Chunk]) -> Iterator[Chunk]:
        """All chapters, but none before somebody listens."""
        chunk = first.result()
        self._heard.wait()
        yield chunk
        yield from others

    def _computed(self, first: "Future[Chunk]") -> bool:
        """Waits until the engines are done; False when asked to stop."""
        deadline = time.monotonic() + _ENGINES_S
        while not (first.done() or self._stop.wait(_POLL_S)):
            if time.monotonic() > deadline:
                raise UnavailableError(f"the engines are not done within {_ENGINES_S:.0f} s: is --scale test enough?")
        return not self._stop.is_set()

    def fall_silent(self) -> int:
        """Stops the devices and returns how many values the broker has acknowledged."""
        # Nobody waits for the next chapter any more.
        self._over.set()
        self._heard.set()
        if self.broadcast is None:
            return 0
        self.broadcast.stop()
        return self.broadcast.ledger.entries

    def watch(self) -> Watch:
        """A reader of moments; call after `start`."""
        if self.broadcast is None:
            raise RuntimeError("nothing publishes yet")
        return Watch(
            self.platform.database_url,
            self.broadcast,
            rules=undelayed_rules(self.settings.rules_dir),
            docs_url=f"{self.platform.api_url}/docs",
            before=self.before,
            stages=self.platform.running,
        )

    def view(self) -> View:
        """How moments of this run are drawn."""
        return View(language=self.settings.language, zone=ZoneInfo(self.settings.zone))

    def _register(self, whole: "Registry") -> None:
        """Writes the registry folder and imports it, as a person would."""
        folder = self.settings.data_dir.absolute() / _REGISTRY_FOLDER
        write(whole, Path(folder))
        with connect(self.platform.database_url, application="demo", statement_timeout_s=60) as connection:
            import_registry(connection, read(folder, known(connection)))
            self.before = counters(status.partitions(connection))
