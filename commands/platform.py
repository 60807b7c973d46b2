"""The platform in one process group: broker and database, embedded or given, and every stage as a child of its own.

Used by `lifeline up` and `lifeline demo`.
"""

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

import structlog

from runtime import services
from runtime.embedded import EmbeddedBroker, EmbeddedDatabase
from runtime.embedded.children import free_port
from runtime.settings import PREFIX, Settings
from runtime.supervisor import Stage, Supervisor
from storage.clock import take_clock
from storage.database import connect
from storage.migrate import TimeSeriesOptions, migrate

log = structlog.get_logger(__name__)

#: In the order of starting and of stopping: the source of observations first, so that what follows can finish.
STAGES: dict[str, tuple[str, ...]] = {
    "ingest": ("ingest",),
    "rules": ("rules", "run"),
    "notify": ("notify",),
    "serve": ("serve",),
}
_ROOT = Path(__file__).parents[1]
#: Below LIFELINE_DATA_DIR.
_LOG_FOLDER = "logs"
FOLDERS = (services.DATABASE, services.BROKER, _LOG_FOLDER)


class Platform:
    """Everything but the devices, from `start` to `stop`.

    Args:
        settings: Of this process; services that the environment does not name are embedded in `data_dir`.
        quiet: Write the output of stages to files in `data_dir` instead of our own standard error.
        environment: The environment that decides what is given.
        mqtt_port: Port of an embedded broker; 0 takes a free one.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        quiet: bool,
        environment: Mapping[str, str] | None = None,
        mqtt_port: int = 0,
    ) -> None:
        self._environment = dict(os.environ if environment is None else environment)
        self._settings = settings
        self._quiet = quiet
        self._mqtt_port = mqtt_port
        self._services = ExitStack()
        self._supervisor: Supervisor | None = None
        self.database_url = ""
        self.mqtt_url = ""
        self.api_port = settings.api_port or free_port()
        #: Health and metrics page of each stage.
        self.health_urls: dict[str, str] = {}

    @property
    def api_url(self) -> str:
        """Where the API answers."""
        host = self._settings.api_host
        shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - shown, not bound
        return f"http://{shown}:{self.api_port}"

    def start_services(self) -> None:
        """Starts what is embedded and migrates the database.

        Raises:
            InUseError: Another process runs on the same folder.
            StartError: An embedded server did not come up.
        """
        folder = self._settings.data_dir.absolute()
        if self._given("database_url"):
            self.database_url = self._settings.database_url.get_secret_value()
        else:
            database = self._services.enter_context(EmbeddedDatabase(folder / services.DATABASE))
            self.database_url = database.url
        if self._given("mqtt_url"):
            self.mqtt_url = self._settings.mqtt_url.get_secret_value()
        else:
            self.mqtt_url = self._services.enter_context(EmbeddedBroker(folder / services.BROKER, self._mqtt_port)).url
        options = TimeSeriesOptions(
            lateness_s=self._settings.lateness_s, retention_s=self._settings.retention_s, zone=self._settings.zone
        )
        with connect(self.database_url, application="migrate", statement_timeout_s=600) as connection:
            for migration in migrate(connection, options):
                log.info("migration_applied", number=migration.number, name=migration.name)
            take_clock(connection, self._settings.clock)

    def start_stages(self, *names: str) -> None:
        """Starts the named stages, or all; may be called again for others."""
        logs = self._settings.data_dir.absolute() / _LOG_FOLDER
        if self._quiet:
            logs.mkdir(parents=True, exist_ok=True)
        if self._supervisor is None:
            self._supervisor = Supervisor([self._stage(name, logs) for name in STAGES])
        self._supervisor.start(*names)

    def wait_ready(self, timeout_s: float, stopped: Callable[[], bool] = lambda: False) -> None:
        """Returns when every stage that was started is ready; raises StageFailedError otherwise."""
        if self._supervisor:
            self._supervisor.wait_ready(timeout_s, stopped)

    def running(self) -> dict[str, bool]:
        """Each stage, and whether its process runs."""
        return self._supervisor.running() if self._supervisor else {}

    def stop(self, told: Callable[[str], object] = lambda _name: None) -> None:
        """Stops the stages in order, then what is embedded; `told` hears what has stopped."""
        if self._supervisor:
            self._supervisor.stop(told)
            self._supervisor = None
        self._services.close()
        told("services")

    def _given(self, name: str) -> bool:
        variable = f"{PREFIX}{name.upper()}"
        return variable in self._environment or f"{variable}_FILE" in self._environment

    def _stage(self, name: str, logs: Path) -> Stage:
        port = free_port()
        taken = {f"{PREFIX}{key}_FILE" for key in ("DATABASE_URL", "MQTT_URL", "METRICS_PORT", "API_PORT")}
        environment = {key: text for key, text in self._environment.items() if key not in taken} | {
            f"{PREFIX}DATABASE_URL": self.database_url,
            f"{PREFIX}MQTT_URL": self.mqtt_url,
            f"{PREFIX}METRICS_PORT": str(port),
            f"{PREFIX}API_PORT": str(self.api_port),
            f"{PREFIX}LANGUAGE": self._settings.language,
            "PYTHONPATH": os.pathsep.join(filter(None, (str(_ROOT), self._environment.get("PYTHONPATH")))),
        }
        page = self.api_url if name == "serve" else f"http://{self._settings.metrics_host}:{port}"
        self.health_urls[name] = page
        return Stage(
            name=name,
            # -P: the folder in which a person happens to stand must not shadow our modules.
            argv=(sys.executable, "-P", "-m", "lifeline", *STAGES[name]),
            environment=environment,
            ready_url=f"{page}/readyz",
            folder=Path.cwd(),
            output=logs / f"{name}.log" if self._quiet else None,
            patience_s=max(20.0, self._settings.notify_timeout_s + 5.0),
        )
