"""Settings come from one table, are checked before anything starts, and never show a secret."""

from pathlib import Path

import pytest

from runtime import services
from runtime.embedded.folder import FolderLock
from runtime.settings import PREFIX, Settings, SettingsError, load


def test_without_any_variable_every_setting_has_a_default() -> None:
    settings = load({})
    assert settings.api_host == "127.0.0.1"
    assert settings.partition == "all"


def test_every_problem_is_reported_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as failure:
        load(
            {
                "LIFELINE_BATCH_MESSAGES": "many",
                "LIFELINE_API_PORT": "70000",
                "LIFELINE_MQTT_URL_FILE": str(tmp_path / "missing"),
                "LIFELINE_DATABSE_URL": "postgresql://typo",
                "PATH": "/bin",
            }
        )
    text = str(failure.value)
    assert len(failure.value.problems) == 4
    for part in (
        "LIFELINE_BATCH_MESSAGES",
        "LIFELINE_API_PORT",
        "No such file",
        "LIFELINE_DATABSE_URL: no such setting",
    ):
        assert part in text


def test_a_secret_may_come_from_a_file_and_loses_its_last_newline(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("postgresql://u:hidden@host/db\n", encoding="utf-8")
    settings = load({"LIFELINE_DATABASE_URL_FILE": str(file)})
    assert settings.database_url.get_secret_value() == "postgresql://u:hidden@host/db"


def test_neither_settings_nor_their_errors_show_a_secret() -> None:
    settings = load({"LIFELINE_DATABASE_URL": "postgresql://u:hidden@host/db", "LIFELINE_GRAFANA_TOKEN": "hidden"})
    assert "hidden" not in f"{settings!r} {settings}"
    with pytest.raises(SettingsError) as failure:
        load({"LIFELINE_DATABASE_POOL": "0", "LIFELINE_MQTT_URL": "mqtt://u:hidden@host"})
    assert "hidden" not in str(failure.value)


def test_variables_of_the_tests_are_not_settings() -> None:
    assert load({"LIFELINE_TEST_DATABASE_URL": "x"}) == load({})


def test_settings_never_change() -> None:
    settings = load({})
    with pytest.raises(ValueError, match="frozen"):
        settings.api_port = 1


def test_every_setting_says_what_it_is_for() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, f"{PREFIX}{name.upper()}"
        assert field.description.endswith(".")


def test_what_is_not_named_is_found_where_it_runs_and_only_while_it_runs(tmp_path: Path) -> None:
    here = {"LIFELINE_DATA_DIR": str(tmp_path)}
    lock = FolderLock(tmp_path / services.DATABASE)
    lock.acquire()
    # It holds the folder, and does not answer yet.
    assert load(here).database_url == load({}).database_url
    lock.tell("postgresql://postgres@127.0.0.1:4711/lifeline")
    assert load(here).database_url.get_secret_value().endswith(":4711/lifeline")
    assert load(here).mqtt_url == load({}).mqtt_url
    assert (
        load({**here, "LIFELINE_DATABASE_URL": "postgresql://given"}).database_url.get_secret_value().endswith("given")
    )
    file = tmp_path / services.DATABASE / services.LOCK_FILE
    left = file.read_text(encoding="ascii")
    lock.release()
    # As a killed owner leaves it: an address, and no lock.
    file.write_text(left, encoding="ascii")
    assert load(here).database_url == load({}).database_url
