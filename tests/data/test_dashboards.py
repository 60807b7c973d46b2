"""The committed dashboards: current, well formed, and asking only what they may ask."""

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from dashboards import source
from dashboards.build import GENERATED, LANGUAGES, stale
from domain.catalogue import NETWORKS
from storage.dashboards import RELATIONS

FILES = sorted(GENERATED.glob("*/*.json"))
SCHEMAS = Path(__file__).parents[3] / "shared" / "data" / "grafana"
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def content_panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    """Panels that ask something; headings and banners do not."""
    return [panel for panel in dashboard["panels"] if panel["type"] not in {"row", "text"}]


def statements(dashboard: dict[str, Any]) -> Iterator[str]:
    for panel in content_panels(dashboard):
        for target in panel["targets"]:
            yield target["rawSql"]
    for variable in dashboard["templating"]["list"]:
        yield variable["query"]


def test_what_is_committed_is_what_the_code_builds() -> None:
    assert stale() == []


def test_there_is_every_dashboard_in_each_language() -> None:
    names = {"overview", "alarms", "resilience", "exercises", *(network.id for network in NETWORKS)}
    assert {name_of(path) for path in FILES} == {f"{language}/{name}" for language in LANGUAGES for name in names}


def test_every_dashboard_has_an_identity_of_its_own() -> None:
    assert len({load(path)["uid"] for path in FILES}) == len(FILES)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_panels_have_numbers_of_their_own_and_do_not_overlap(path: Path) -> None:
    panels = load(path)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    boxes = [panel["gridPos"] for panel in panels]
    for box in boxes:
        assert 0 <= box["x"] < box["x"] + box["w"] <= 24
    for one, two in combinations(boxes, 2):
        apart = (
            one["x"] + one["w"] <= two["x"]
            or two["x"] + two["w"] <= one["x"]
            or one["y"] + one["h"] <= two["y"]
            or two["y"] + two["h"] <= one["y"]
        )
        assert apart, (one, two)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_query_goes_to_the_provisioned_data_source(path: Path) -> None:
    dashboard = load(path)
    for panel in content_panels(dashboard):
        assert panel["targets"], panel["title"]
        for target in panel["targets"]:
            assert target["datasource"] == {"type": source.TYPE, "uid": source.UID}
            assert target["rawSql"].strip()
            assert target["format"] in {"table", "time_series"}
    for variable in dashboard["templating"]["list"]:
        assert variable["datasource"]["uid"] == source.UID


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_queries_read_documented_relations_only_and_are_bounded(path: Path) -> None:
    for sql in statements(load(path)):
        read = set(re.findall(r"(?<!epoch )\b(?:FROM|JOIN)\s+([a-z]\w*)", sql))
        own = set(re.findall(r"(?:WITH|,)\s*(\w+) AS MATERIALIZED", sql))
        assert read - own, sql
        assert read - own <= set(RELATIONS), sql
        one_row = sql.startswith("SELECT count(*)") and "GROUP BY" not in sql
        assert one_row or re.search(r"LIMIT \d+$", sql), sql
        assert not re.search(r"\{\w+\}", sql), sql
        assert re.match(r"(SELECT|WITH)\b", sql), sql


@pytest.mark.parametrize("path", [path for path in FILES if path.parent.name == "zh"], ids=name_of)
def test_a_chinese_dashboard_speaks_chinese_where_the_english_one_speaks_english(path: Path) -> None:
    chinese, english = load(path), load(GENERATED / "en" / path.name)
    assert len(chinese["panels"]) == len(english["panels"])
    pairs = [(chinese, english), *zip(chinese["panels"], english["panels"], strict=True)]
    pairs += zip(chinese["templating"]["list"], english["templating"]["list"], strict=True)
    for one, other in pairs:
        for key in ("title", "description", "label"):
            if key in other:
                assert _CHINESE.search(one[key]), one[key]
                assert not _CHINESE.search(other[key]), other[key]


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_measured_value_is_shown_as_the_word_for_a_code(path: Path) -> None:
    for panel in content_panels(load(path)):
        if panel["type"] == "table":
            codes = [code for mapping in panel["fieldConfig"]["defaults"]["mappings"] for code in mapping["options"]]
            assert not [code for code in codes if re.fullmatch(r"[-+0-9.]*", code)]


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_nothing_is_fetched_from_the_internet(path: Path) -> None:
    assert not re.search(r"https?://", path.read_text(encoding="utf-8"))
    for panel in content_panels(load(path)):
        if panel["type"] == "geomap":
            assert panel["options"]["basemap"]["type"] == "xyz"
            assert panel["options"]["basemap"]["config"]["url"].startswith("data:image/")


@pytest.mark.skipif(
    not SCHEMAS.is_dir(), reason=f"Grafana's JSON schemas are not at {SCHEMAS}: the other checks of this file still run"
)
@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_dashboards_and_their_panel_options_satisfy_the_schemas_of_grafana(path: Path) -> None:
    dashboard = load(path)
    jsonschema.validate(dashboard, json.loads((SCHEMAS / "dashboard.jsonschema.json").read_text(encoding="utf-8")))
    for panel in content_panels(dashboard):
        schema = json.loads((SCHEMAS / f"{panel['type'].replace('-', '')}.jsonschema.json").read_text(encoding="utf-8"))
        options = {"$ref": "#/definitions/Options", "definitions": schema["definitions"]}
        jsonschema.validate(panel["options"], options)
        if "FieldConfig" in schema["definitions"]:
            custom = {"$ref": "#/definitions/FieldConfig", "definitions": schema["definitions"]}
            jsonschema.validate(panel["fieldConfig"]["defaults"].get("custom", {}), custom)
