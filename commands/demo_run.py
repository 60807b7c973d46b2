"""One run of the demo: platform, registry and fleet together, from the first start to the ordered stop."""

import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

from commands.demo_view import View
from commands.demo_watch import Watch, counters, undelayed_rules
from commands.platform import FOLDERS, Platform
from domain.registry_folder import read, write
from runtime.settings import Settings
from simulators.county import County, build
from simulators.fleet import Fleet
from storage import status
from storage.database import connect
from storage.registry import import_registry, known

_WORDS = {
    "en": {
        "services": "starting broker and database",
        "registry": "registering {devices} devices with {datastreams} datastreams",
        "stages": "starting ingest, rules, notify and API",
        "fleet": "devices begin to publish",
        "stopped": "stopped: {name}",
        "devices": "devices",
    },
    "zh": {
        "services": "正在启动消息服务器和数据库",
        "registry": "正在登记 {devices} 台设备、{datastreams} 个数据流",
        "stages": "正在启动接入、规则、通知和接口进程",
        "fleet": "设备开始上报",
        "stopped": "已停止：{name}",
        "devices": "设备",
    },
}
_REGISTRY_FOLDER = "registry"
#: Everything that a run leaves in its folder.
PARTS = (*FOLDERS, _REGISTRY_FOLDER)


class Demo:
    """A context manager that stops everything in order when it is left, however far it came.

    Args:
        settings: Of this process.
        seed: Of the county.
        stop: Set when the person has had enough.
        say: Told each step, in the language of the settings.
    """

    def __init__(self, settings: Settings, seed: int, stop: threading.Event, say: Callable[[str], object]) -> None:
        self.settings = settings
        self.county: County = build(seed)
        self.platform = Platform(settings, quiet=True)
        self.fleet: Fleet | None = None
        #: Counters of ingest before the first device spoke; not zero on a database that was given.
        self.before = counters(())
        self._stop = stop
        self._say = say
        self._words = _WORDS[settings.language]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.fleet:
            self.fleet.stop()
            self._say(self._words["stopped"].format(name=self._words["devices"]))
        self.platform.stop(lambda name: self._say(self._words["stopped"].format(name=name)))

    def start(self, timeout_s: float) -> None:
        """Starts everything; the first incident begins within two seconds after it. Ends early when asked to stop.

        Raises:
            InUseError: Another process runs on the same folder.
            StartError: An embedded server did not come up.
            StageFailedError: A stage was not ready in time.
            UnavailableError: The broker did not accept the devices.
        """
        registry = self.county.registry
        self._say(self._words["services"])
        self.platform.start_services()
        self._say(self._words["registry"].format(devices=len(registry.devices), datastreams=len(registry.datastreams)))
        self._register()
        self._say(self._words["stages"])
        # First what the devices need, so that the first alert does not wait for the API's start.
        self.platform.start_stages("ingest", "rules")
        # What is published before ingest has subscribed for the first time, nobody keeps.
        self.platform.wait_ready(timeout_s, self._stop.is_set)
        if self._stop.is_set():
            return
        self._say(self._words["fleet"])
        self.fleet = Fleet(self.county, self.platform.mqtt_url)
        self.fleet.start()
        self.platform.start_stages()

    def watch(self) -> Watch:
        """A reader of moments; call after `start`."""
        if self.fleet is None:
            raise RuntimeError("nothing publishes yet")
        return Watch(
            self.platform.database_url,
            self.fleet,
            rules=undelayed_rules(self.settings.rules_dir),
            docs_url=f"{self.platform.api_url}/docs",
            before=self.before,
            stages=self.platform.running,
        )

    def view(self) -> View:
        """How moments of this run are drawn."""
        return View(language=self.settings.language, zone=ZoneInfo(self.settings.zone))

    def _register(self) -> None:
        """Writes the registry folder and imports it, as a person would."""
        folder = self.settings.data_dir.absolute() / _REGISTRY_FOLDER
        write(self.county.registry, Path(folder))
        with connect(self.platform.database_url, application="demo", statement_timeout_s=60) as connection:
            import_registry(connection, read(folder, known(connection)))
            self.before = counters(status.partitions(connection))
