"""docker-compose.yml and Dockerfile: pinned, bounded, without rights or secrets, and agreeing with the program."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

import lifeline
from dashboards import source
from dashboards.build import GENERATED, LANGUAGES
from dashboards.push import FOLDER
from notify import addresses
from runtime import broker_address, settings
from tests.support import compose

COMPOSE = compose.load(LIFELINE_SECRETS="/secrets")
SERVICES = sorted(COMPOSE.services)
OURS = [name for name in SERVICES if COMPOSE.services[name]["image"].startswith("city-lifeline:")]
PROJECT = tomllib.loads((compose.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
DOCKERFILE = (compose.ROOT / "Dockerfile").read_text(encoding="utf-8")
MOSQUITTO = compose.ROOT / "deploy/mosquitto"
#: What Mosquitto 2.1 calls deprecated (its change log and manual).
DEPRECATED = {
    "acl_file",
    "password_file",
    "per_listener_settings",
    "allow_duplicate_messages",
    "auto_id_prefix",
    "bind_address",
    "clientid_prefixes",
    "port",
    "auth_plugin",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Secrets as the script makes them."""
    folder = tmp_path_factory.mktemp("deployment") / "secrets"
    subprocess.run([compose.ROOT / "deploy/make-secrets", "--folder", folder], check=True, capture_output=True)
    return folder


def service(name: str) -> dict[str, Any]:
    return COMPOSE.services[name]


def environment(name: str) -> dict[str, str]:
    """What a service is given, without what is only passed through."""
    given = service(name).get("environment", {})
    return {variable: str(text) for variable, text in given.items() if text is not None}


def directives(path: Path) -> list[tuple[str, str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [
        (name, text.strip())
        for name, _, text in (line.partition(" ") for line in lines if line and not line.startswith("#"))
    ]


def test_without_secrets_nothing_starts_and_the_remedy_is_named() -> None:
    with pytest.raises(compose.MissingVariableError, match="deploy/make-secrets"):
        compose.load()


def test_every_part_of_the_platform_has_a_service() -> None:
    parts = {"mosquitto", "database", "migrate", "ingest", "rules", "notify", "serve", "grafana"}
    assert set(SERVICES) == parts
    assert set(OURS) == parts - {"mosquitto", "database", "grafana"}


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name: str) -> None:
    assert re.fullmatch(r"[\w./-]+:\d+\.\d+\.\d+(-[\w.]+)?(@sha256:[0-9a-f]{64})?", service(name)["image"])
    if name in OURS:
        assert service(name)["image"] == f"city-lifeline:{PROJECT['project']['version']}"


def test_the_database_is_new_enough_to_be_safe() -> None:
    version, server = service("database")["image"].rpartition(":")[2].split("-")
    assert tuple(int(part) for part in version.split(".")) >= (2, 29, 1)
    assert server == "pg17"


@pytest.mark.parametrize("name", SERVICES)
def test_services_have_no_rights_that_they_do_not_need(name: str) -> None:
    one = service(name)
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert one["read_only"] is True
    assert int(str(one["user"]).split(":")[0]) > 0
    for key in ("privileged", "cap_add", "network_mode", "pid", "ipc", "devices"):
        assert key not in one


@pytest.mark.parametrize("name", SERVICES)
def test_services_are_bounded_watched_and_come_back(name: str) -> None:
    one = service(name)
    limits = one["deploy"]["resources"]["limits"]
    assert float(limits["cpus"]) > 0
    assert re.fullmatch(r"\d+[mg]", limits["memory"])
    assert limits["pids"] > 0
    assert set(one["logging"]["options"]) == {"max-size", "max-file"}
    if name == "migrate":
        assert one["restart"] == "no"
    else:
        assert one["restart"] == "unless-stopped"
        assert one["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
        assert one["healthcheck"]["timeout"]


@pytest.mark.parametrize("name", SERVICES)
def test_everything_that_is_mounted_is_there(name: str, made: Path) -> None:
    for inside, here in COMPOSE.mounts(name, made).items():
        if inside != "/etc/lifeline/notify":
            assert here.exists(), (inside, here)


def test_the_script_makes_every_secret_that_is_named_and_each_is_used(made: Path) -> None:
    named = {Path(secret["file"]).name for secret in COMPOSE.document["secrets"].values()}
    assert all((made / name).stat().st_size for name in named)
    used = {name for one in COMPOSE.services.values() for name in one.get("secrets", [])}
    assert used == set(COMPOSE.document["secrets"])
    assert made.stat().st_mode & 0o077 == 0
    assert (made / "notify").is_dir()


def test_secrets_differ_from_one_deployment_to_the_next_and_stay_within_one(made: Path, tmp_path: Path) -> None:
    def contents(folder: Path) -> dict[str, bytes]:
        subprocess.run([compose.ROOT / "deploy/make-secrets", "--folder", folder], check=True, capture_output=True)
        return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}

    before = {path.name: path.read_bytes() for path in made.iterdir() if path.is_file()}
    assert contents(made) == before
    other = contents(tmp_path / "other")
    assert other.keys() == before.keys()
    assert not [name for name in other if other[name] == before[name]]


def test_no_password_stands_in_the_open() -> None:
    files = [compose.FILE, compose.ROOT / "Dockerfile"]
    files += [path for path in (compose.ROOT / "deploy").rglob("*") if path.is_file()]
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert "PRIVATE KEY" not in text, path
        assert not re.search(r"://[\w.-]+:[\w.-]+@", text), path
    for name in SERVICES:
        for variable in environment(name):
            if re.search(r"PASSWORD|SECRET|TOKEN|_KEY", variable):
                assert variable.endswith("_FILE"), (name, variable)


@pytest.mark.parametrize("name", OURS)
def test_the_settings_of_each_stage_are_known_and_valid(name: str, made: Path) -> None:
    known = {f"LIFELINE_{field.upper()}" for field in settings.Settings.model_fields}
    for variable in service(name)["environment"]:
        assert variable in known or variable.removesuffix("_FILE") in known, variable
    here = environment(name)
    for inside, path in COMPOSE.mounts(name, made).items():
        here = {variable: text.replace(inside, str(path)) for variable, text in here.items()}
    loaded = settings.load(here)
    assert "@database:5432/lifeline" in loaded.database_url.get_secret_value()
    if name == "ingest":
        broker = broker_address.parse(loaded.mqtt_url.get_secret_value())
        assert (broker.host, broker.port, broker.tls) == ("mosquitto", 8883, True)
        assert loaded.mqtt_ca_file is not None
        assert "CERTIFICATE" in loaded.mqtt_ca_file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", OURS)
def test_the_command_of_each_stage_exists(name: str) -> None:
    result = CliRunner().invoke(lifeline.app, [*service(name)["command"], "--help"])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("name", OURS)
def test_health_is_asked_where_the_stage_answers(name: str) -> None:
    given = environment(name)
    if name == "migrate":
        assert service(name)["healthcheck"] == {"disable": True}
    else:
        port = given["LIFELINE_API_PORT"] if name == "serve" else given["LIFELINE_METRICS_PORT"]
        assert f"http://127.0.0.1:{port}/healthz" in service(name)["healthcheck"]["test"][-1]


@pytest.mark.parametrize("name", SERVICES)
def test_services_wait_for_what_they_need(name: str) -> None:
    for other, how in service(name).get("depends_on", {}).items():
        expected = "service_completed_successfully" if other == "migrate" else "service_healthy"
        assert how == {"condition": expected}, other
    if name in OURS and name != "migrate":
        assert "migrate" in service(name)["depends_on"]


def test_the_database_and_the_stages_cannot_be_reached_from_outside() -> None:
    networks = COMPOSE.document["networks"]
    assert networks["core"] == {"internal": True}
    for name in ("database", "migrate", "ingest", "rules"):
        assert service(name)["networks"] == ["core"]
    assert {name for name in SERVICES if "ports" in service(name)} == {"mosquitto", "serve", "grafana"}
    for name in ("serve", "grafana"):
        assert service(name)["ports"][0].startswith("127.0.0.1:")
    assert {network for name in SERVICES for network in service(name)["networks"]} == set(networks)


def test_only_volumes_of_their_own_can_be_written() -> None:
    for name in SERVICES:
        for volume in service(name).get("volumes", []):
            assert volume.endswith(":ro") or volume.split(":")[0] in COMPOSE.document["volumes"], volume


def test_the_image_is_built_in_stages_and_runs_without_rights() -> None:
    bases = re.findall(r"^FROM (\S+)( AS \w+)?$", DOCKERFILE, re.MULTILINE)
    assert len(bases) == 2
    assert all(re.search(r":\d+\.\d+\.\d+", base) for base, _ in bases)
    final = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
    assert f"USER {service('ingest')['user']}" in final
    assert "HEALTHCHECK" in final
    assert "uninstall" in final
    for word in ("apt-get", "gcc", "ADD ", "curl"):
        assert word not in DOCKERFILE


def test_the_image_holds_every_package_and_the_context_lets_it_in() -> None:
    wanted = set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"])
    wanted |= {"pyproject.toml", "uv.lock", "README.md", "LICENSE"}
    copied = {
        name for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE) for name in line.split()[:-1]
    }
    assert copied == wanted
    ignored = (compose.ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {line[1:] for line in ignored if line.startswith("!")} == wanted
    assert "*" in ignored


def test_the_broker_uses_nothing_that_is_deprecated_and_lets_nobody_in_unnamed() -> None:
    main = directives(MOSQUITTO / "mosquitto.conf")
    newer = directives(MOSQUITTO / "conf.d/2.1.conf")
    for name, _ in main + newer:
        assert name not in DEPRECATED
    both = dict(main)
    assert both["allow_anonymous"] == "false"
    assert [text for name, text in main if name == "listener"] == ["8883"]
    assert both["certfile"] == "/run/secrets/mqtt_server_certificate"
    assert ("persistence", "true") not in main + newer
    plugins = [text for name, text in newer if name == "global_plugin"]
    assert plugins == [f"/usr/lib/mosquitto_{name}.so" for name in ("persist_sqlite", "password_file", "acl_file")]
    mounted = COMPOSE.mounts("mosquitto", Path("/secrets"))
    for name, text in newer:
        if name in {"plugin_opt_password_file", "plugin_opt_acl_file"}:
            assert text in mounted


def test_a_full_queue_of_the_broker_fits_in_its_memory() -> None:
    both = dict(directives(MOSQUITTO / "mosquitto.conf"))
    bytes_a_message = 750  # deploy/mosquitto/README.md
    gib = int(service("mosquitto")["deploy"]["resources"]["limits"]["memory"].removesuffix("g"))
    assert int(both["max_queued_messages"]) * bytes_a_message < gib * 2**30 * 0.75
    assert int(both["max_connections"]) < service("mosquitto")["ulimits"]["nofile"]["soft"]


def test_ingest_takes_every_payload_that_the_broker_lets_through_but_its_topic() -> None:
    packet = int(dict(directives(MOSQUITTO / "mosquitto.conf"))["max_packet_size"])
    assert packet - 1000 < int(environment("ingest")["LIFELINE_PAYLOAD_LIMIT_BYTES"]) <= packet


def test_grafana_finds_its_data_source_as_the_reader() -> None:
    folder = compose.ROOT / "deploy/grafana/provisioning"
    (found,) = yaml.safe_load((folder / "datasources/lifeline.yaml").read_text(encoding="utf-8"))["datasources"]
    assert (found["uid"], found["type"]) == (source.UID, source.TYPE)
    assert found["url"] == "database:5432"
    assert found["jsonData"]["database"] == "lifeline"
    assert found["editable"] is False
    password = found["secureJsonData"]["password"]
    assert password == "$__file{/run/secrets/database_reader_password}"
    assert "/run/secrets/database_reader_password" in COMPOSE.mounts("grafana", Path("/secrets"))
    logins = (compose.ROOT / "deploy/database/logins.sh").read_text(encoding="utf-8")
    assert f"GRANT lifeline_reader TO {found['user']};" in logins


def test_grafana_finds_the_dashboards_of_both_languages() -> None:
    folder = compose.ROOT / "deploy/grafana/provisioning"
    providers = yaml.safe_load((folder / "dashboards/lifeline.yaml").read_text(encoding="utf-8"))["providers"]
    mounted = COMPOSE.mounts("grafana", Path("/secrets"))
    assert mounted["/etc/lifeline/dashboards"] == GENERATED
    assert mounted["/etc/grafana/provisioning"] == folder
    found = {Path(provider["options"]["path"]).name: provider for provider in providers}
    assert set(found) == set(LANGUAGES)
    for language in LANGUAGES:
        assert found[language]["folderUid"] == f"city-lifeline-{language}"
        assert found[language]["folder"] == FOLDER.of(language)
        given = compose.load(LIFELINE_SECRETS="/secrets", LIFELINE_LANGUAGE=language).services["grafana"]["environment"]
        home = given["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
        assert (GENERATED / Path(home).relative_to("/etc/lifeline/dashboards")).is_file()


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_the_example_of_notifications_can_be_used(tmp_path: Path) -> None:
    text = (compose.ROOT / "deploy/notify/notify.example.yaml").read_text(encoding="utf-8")
    (tmp_path / "duty-mail").write_text("mailto://duty:word@mail.example\n", encoding="utf-8")
    (tmp_path / "notify.yaml").write_text(text.replace("/etc/lifeline/notify", str(tmp_path)), encoding="utf-8")
    book = addresses.load(tmp_path / "notify.yaml", language="zh")
    assert set(book.addresses) == {"duty-room", "duty-mail"}
