"""The one table of settings: environment variables LIFELINE_*; any of them may come from a file as LIFELINE_*_FILE.

Everything is checked before anything starts, and all problems are reported at once.
"""

import os
from collections.abc import Container, Mapping
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from runtime import services

PREFIX = "LIFELINE_"
_DAY = 86_400


class SettingsError(Exception):
    """Settings that cannot be used; holds every problem."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("settings cannot be used\n" + "\n".join(f"  - {p}" for p in problems))


class Settings(BaseSettings):
    """Every setting of every stage."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    database_url: SecretStr = Field(
        SecretStr("postgresql://postgres@127.0.0.1:5432/lifeline"),
        description="PostgreSQL or TimescaleDB to use; if not set, the embedded one that runs in LIFELINE_DATA_DIR.",
    )
    database_pool: int = Field(4, ge=1, le=100, description="Connections that one process may hold.")
    statement_timeout_s: float = Field(
        30.0, gt=0, le=600, description="Longest time a statement may take before the database ends it."
    )
    mqtt_url: SecretStr = Field(
        SecretStr("mqtt://127.0.0.1:1883"),
        description="Broker: mqtt://user:password@host:port, or mqtts:// for TLS; if not set, as for the database.",
    )
    mqtt_ca_file: Path | None = Field(None, description="Certificate authority that signed the broker's certificate.")
    mqtt_version: str = Field(
        "auto", pattern="^(auto|5|3.1.1)$", description="MQTT version; auto tries 5 and falls back to 3.1.1."
    )
    mqtt_keepalive_s: int = Field(4, ge=2, le=600, description="Longest silence before a broker counts as gone.")
    partition: str = Field(
        "all", pattern=r"^(all|\d{2,12})$", description="The area whose devices this ingest worker takes, or all."
    )
    batch_messages: int = Field(5000, ge=1, le=50_000, description="Most messages in one transaction.")
    linger_ms: int = Field(10, ge=0, le=10_000, description="How long a batch that is not full waits for more.")
    payload_limit_bytes: int = Field(262_144, ge=64, le=16_777_216, description="Largest payload that is decoded.")
    clock: str = Field(
        "system",
        pattern="^(system|replay)$",
        description="By which clock ingest hears: the system's, or (test platforms only) that of `lifeline replay`.",
    )
    lateness_s: int = Field(
        7 * _DAY, ge=60, le=400 * _DAY, description="How late an observation may arrive; older ones are dead letters."
    )
    skew_s: int = Field(300, ge=0, le=_DAY, description="How far a device's clock may run ahead.")
    retention_s: int = Field(400 * _DAY, ge=_DAY, description="How long raw observations are kept.")
    journal_retention_s: int = Field(
        2 * _DAY, ge=60, description="How long journal rows are kept after every follower has passed them."
    )
    dead_letter_retention_s: int = Field(90 * _DAY, ge=60, description="How long dead letters are kept.")
    zone: str = Field("Asia/Shanghai", description="Time zone of the days in observations_1d and of texts to people.")
    rules_dir: Path | None = Field(None, description="Folder of the rule catalogue; empty for the shipped one.")
    rules_tick_ms: int = Field(1000, ge=10, le=60_000, description="How often absence and running delays are judged.")
    rules_poll_ms: int = Field(
        50, ge=5, le=10_000, description="Longest wait for a journal row that no notice announced."
    )
    shelve_max_s: int = Field(
        8 * 3600, ge=60, le=30 * _DAY, description="Longest time for which a person may shelve an alert."
    )
    notify_config: Path | None = Field(None, description="Addresses for each network and level (YAML).")
    notify_poll_ms: int = Field(500, ge=10, le=60_000, description="How often the outbox is read.")
    notify_timeout_s: float = Field(15.0, gt=0, le=300, description="Longest time one delivery may take.")
    notify_give_up_s: int = Field(
        _DAY, ge=60, le=30 * _DAY, description="Age at which a delivery that keeps failing has failed for good."
    )
    api_host: str = Field("127.0.0.1", description="Address that the API binds; other than loopback needs tokens.")
    api_port: int = Field(8080, ge=0, le=65_535, description="Port of the API; 0 takes a free one.")
    api_query_timeout_s: float = Field(5.0, gt=0, le=120, description="Longest time one API query may take.")
    api_concurrency: int = Field(
        32, ge=4, le=1000, description="Requests that the API works on at once; more are answered 503 at once."
    )
    api_streams: int = Field(100, ge=1, le=10_000, description="Server-sent-events streams that may be open at once.")
    metrics_host: str = Field("127.0.0.1", description="Address of each stage's metrics and health page.")
    metrics_port: int = Field(
        0, ge=0, le=65_535, description="Port of the metrics and health page; 0 takes a free one."
    )
    recordings_dir: Path = Field(
        Path("../shared/data"), description="Where `lifeline replay` looks for recorded feeds that name no folder."
    )
    data_dir: Path = Field(Path("var"), description="Folder of the embedded broker and database.")
    language: str = Field("en", pattern="^(en|zh)$", description="Language of the terminal and default for messages.")
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="Least level that is logged.")
    log_format: str = Field("auto", pattern="^(auto|json|text)$", description="json for machines, text for a terminal.")
    grafana_url: str = Field("http://127.0.0.1:3000", description="Grafana to which `dashboards push` sends.")
    grafana_token: SecretStr | None = Field(None, description="Service account token for `dashboards push`.")

    @field_validator("zone")
    @classmethod
    def _is_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{name!r} is not a time zone: use one such as Asia/Shanghai") from None
        return name

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Values come through `load`, which reads the environment itself to report every problem at once."""
        return (init_settings,)


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of an environment (default: this process's); raises SettingsError with every problem.

    What names no broker or database means the embedded ones that run in the data folder, if there are any.
    """
    environment = os.environ if environment is None else environment
    known = {f"{PREFIX}{name.upper()}": name for name in Settings.model_fields}
    values: dict[str, str] = {}
    problems: list[str] = []
    for variable, text in sorted(environment.items()):
        if not variable.startswith(PREFIX) or variable.startswith(f"{PREFIX}TEST_"):
            continue
        if variable in known:
            values[known[variable]] = text
        elif variable.endswith("_FILE") and variable.removesuffix("_FILE") in known:
            try:
                values[known[variable.removesuffix("_FILE")]] = Path(text).read_text(encoding="utf-8").strip()
            except OSError as exc:
                problems.append(f"{variable}={text}: {exc.strerror}: name a file that this process may read")
        else:
            problems.append(f"{variable}: no such setting; `lifeline settings` lists them all")
    try:
        settings = Settings.model_validate(values)
    except ValidationError as exc:
        for error in exc.errors(include_input=False, include_url=False):
            name = str(error["loc"][0]) if error["loc"] else ""
            problems.append(f"{PREFIX}{name.upper()}: {error['msg']}")
        raise SettingsError(problems) from None
    if problems:
        raise SettingsError(problems)
    return settings.model_copy(update={name: SecretStr(url) for name, url in running(settings, values).items()})


def running(settings: Settings, given: Container[str]) -> dict[str, str]:
    """Addresses of embedded services that run in the data folder, of those that are not given."""
    folders = {"database_url": services.DATABASE, "mqtt_url": services.BROKER}
    found = {
        name: services.address_of(settings.data_dir / folder) for name, folder in folders.items() if name not in given
    }
    return {name: address for name, address in found.items() if address}
