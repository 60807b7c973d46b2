"""`lifeline dashboards push` towards an HTTP server with Grafana's contract: what is sent, what failures say."""

import json
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commands.dashboards import app
from dashboards.build import GENERATED, write
from dashboards.push import Grafana, Pushed
from domain.errors import ConfigurationError, UnavailableError
from storage.dashboards import Language
from tests.integration.dashboards.grafana import TOKEN, FakeGrafana
from tests.support.ports import free_port


@pytest.fixture
def grafana() -> Iterator[FakeGrafana]:
    server = FakeGrafana()
    server.start()
    yield server
    server.stop()


def push(url: str, token: str, language: Language) -> list[Pushed]:
    with Grafana(url, token) as opened:
        return opened.push(language)


def test_every_dashboard_of_a_language_arrives_whole_in_its_folder(grafana: FakeGrafana) -> None:
    pushed = push(grafana.url, TOKEN, "zh")
    assert grafana.folders == {"city-lifeline-zh": "城市生命线"}
    files = sorted((GENERATED / "zh").glob("*.json"))
    assert [item.uid for item in pushed] == [f"lifeline-{path.stem}-zh" for path in files]
    for path in files:
        sent = grafana.dashboards[f"lifeline-{path.stem}-zh"]
        assert sent["folderUid"] == "city-lifeline-zh"
        assert {**sent["dashboard"], "id": None} == {**json.loads(path.read_text(encoding="utf-8")), "id": None}


def test_a_second_push_changes_nothing(grafana: FakeGrafana) -> None:
    first = push(grafana.url, TOKEN, "en")
    second = push(grafana.url, TOKEN, "en")
    assert [item.version for item in first] == [item.version for item in second]
    assert grafana.calls.count("POST /api/folders") == 1


def test_a_grafana_below_a_path_is_reached_there(grafana: FakeGrafana) -> None:
    with pytest.raises(ConfigurationError):
        push(f"{grafana.url}/grafana/", TOKEN, "en")
    assert grafana.calls[0].startswith("GET /grafana/api/datasources/uid/lifeline")


def test_without_the_data_source_nothing_is_sent_and_the_remedy_is_named(grafana: FakeGrafana) -> None:
    grafana.sources.clear()
    with pytest.raises(ConfigurationError, match="uid 'lifeline'"):
        push(grafana.url, TOKEN, "en")
    assert grafana.dashboards == {}


def test_another_kind_of_data_source_is_refused(grafana: FakeGrafana) -> None:
    grafana.sources["lifeline"] = "prometheus"
    with pytest.raises(ConfigurationError, match="prometheus"):
        push(grafana.url, TOKEN, "en")


def test_a_wrong_token_is_named_as_the_trouble_and_never_shown(grafana: FakeGrafana) -> None:
    with pytest.raises(ConfigurationError, match="token is not accepted") as caught:
        push(grafana.url, "glsa_secret", "en")
    assert "glsa_secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (HTTPStatus.FORBIDDEN, ConfigurationError, "role Editor"),
        (HTTPStatus.INTERNAL_SERVER_ERROR, UnavailableError, "500"),
    ],
)
def test_a_refusal_says_what_to_do(
    grafana: FakeGrafana, status: HTTPStatus, error: type[Exception], words: str
) -> None:
    grafana.failing = status
    with pytest.raises(error, match=words):
        push(grafana.url, TOKEN, "en")


def test_a_grafana_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(UnavailableError, match="does not answer"):
        push(f"http://127.0.0.1:{free_port()}", TOKEN, "en")


def test_an_address_without_a_scheme_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="https://"):
        Grafana("grafana.example:3000", TOKEN)


def test_the_command_takes_its_token_from_a_file_and_sends_both_languages(grafana: FakeGrafana, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n", encoding="utf-8")
    result = CliRunner().invoke(
        app, ["push", "--url", grafana.url, "--token-file", str(token), "--language", "all", "--json"]
    )
    assert result.exit_code == 0, result.output
    assert {item["uid"] for item in json.loads(result.output)} == set(grafana.dashboards)
    assert len(grafana.dashboards) == 18


def test_build_check_names_what_is_stale_and_build_mends_it(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "en" / "gas.json").write_text("{}", encoding="utf-8")
    (tmp_path / "zh" / "water.json").unlink()
    (tmp_path / "zh" / "bridges.json").write_text("{}", encoding="utf-8")
    stale = CliRunner().invoke(app, ["build", "--check", "--output", str(tmp_path)])
    assert stale.exit_code == 1
    for name in ("en/gas.json", "zh/water.json", "zh/bridges.json"):
        assert name in stale.output
    assert CliRunner().invoke(app, ["build", "--output", str(tmp_path)]).exit_code == 0
    assert not (tmp_path / "zh" / "bridges.json").exists()
    assert CliRunner().invoke(app, ["build", "--check", "--output", str(tmp_path)]).exit_code == 0


def test_map_tiles_are_taken_from_the_address_that_is_given(tmp_path: Path) -> None:
    tiles = "https://tiles.example/{z}/{x}/{y}.png"
    assert CliRunner().invoke(app, ["build", "--output", str(tmp_path), "--tiles", tiles]).exit_code == 0
    panels = json.loads((tmp_path / "zh" / "overview.json").read_text(encoding="utf-8"))["panels"]
    assert [p["options"]["basemap"]["config"]["url"] for p in panels if p["type"] == "geomap"] == [tiles]
