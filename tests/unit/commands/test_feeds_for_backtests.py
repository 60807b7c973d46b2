"""What a backtest runs on: days of the demo county, and recorded feeds with their own vocabulary."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from commands.county_feed import county_material, is_county
from commands.feed_material import feed_material, vocabulary
from commands.rules import app
from domain.errors import ConfigurationError
from domain.observation import Quality
from rules.rule import Scope
from tests.support.rulebook import above

HOUR = 3_600_000_000
FEED = """
title: A tank
files: "*.csv"
time: {column: at, format: epoch_s}
columns:
  level: {property: bench.level, device: tank-1}
  open: {property: water.valve.state, device: valve-1}
"""
REGISTRY = {
    "assets.geojson": json.dumps(
        {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "geometry": {"type": "Point", "coordinates": [100.0, 25.0]},
                    "properties": {
                        "id": "tank", "network": "water", "kind": "tank", "area": "530102",
                        "name_en": "Tank", "name_zh": "水池",
                    },
                }
            ],
        }
    ),
    "devices.csv": "id,asset,model,reporting_interval_s\ntank-1,tank,M,60\nvalve-1,tank,M,60\n",
    "datastreams.csv": "device,property,unit\ntank-1,bench.level,m\nvalve-1,water.valve.state,1\n",
    "links.csv": "from,relation,to\n",
    "properties.csv": "id,network,unit,type,minimum,maximum,name_en,name_zh\n"
    "bench.level,water,m,number,0,5,Level,液位\n",
}  # fmt: skip


@pytest.fixture
def descriptor(tmp_path: Path) -> Path:
    (tmp_path / "registry").mkdir()
    for name, text in REGISTRY.items():
        (tmp_path / "registry" / name).write_text(text, encoding="utf-8")
    (tmp_path / "feed.yaml").write_text(FEED, encoding="utf-8")
    rows = "".join(f"{1_777_593_600 + 60 * n},{9 if n == 7 else 1 + n / 10},{n % 2}\n" for n in range(10))
    (tmp_path / "a.csv").write_text("at,level,open\n" + rows, encoding="utf-8")
    return tmp_path / "feed.yaml"


def test_a_recording_is_read_as_it_would_be_stored(descriptor: Path) -> None:
    found = feed_material(descriptor, [descriptor.parent])
    assert found.title == "A tank"
    assert len(found.observations.times) == 20
    assert (np.diff(found.observations.times) >= 0).all()
    assert (found.since, found.until - 1) == (1_777_593_600_000_000, 1_777_593_600_000_000 + 540_000_000)
    level = next(item for item in found.site.watched if item.property == "bench.level")
    assert (level.asset_zh, level.network, level.unit, level.registered_at) == ("水池", "water", "m", found.since)
    readings = found.readings(level.datastream, found.since, found.until)
    assert readings.values[7] == 9
    assert readings.qualities.tolist() == [Quality.OUT_OF_RANGE if n == 7 else 0 for n in range(10)]


def test_its_own_properties_may_be_named_by_rules(descriptor: Path, tmp_path: Path) -> None:
    assert {p.id for p in vocabulary(descriptor)} >= {"bench.level", "water.pressure"}
    rule = above("tank-full", blue=1.75).model_copy(
        update={"network": "water", "applies_to": Scope(property="bench.level")}
    )
    folder = tmp_path / "rules"
    folder.mkdir()
    data = rule.model_dump(mode="json", by_alias=True, exclude_none=True)
    (folder / "tank.yaml").write_text(json.dumps({"rules": [data]}), encoding="utf-8")
    done = CliRunner().invoke(app, ["backtest", "--rules", str(folder), "--feed", str(descriptor), "--json"])
    assert done.exit_code == 0, done.exception
    (alert,) = json.loads(done.stdout)["alerts"]
    assert (alert["rule"], alert["device"], alert["value"]) == ("tank-full", "tank-1", 1.8)


def test_a_recording_that_is_not_there_says_where_it_was_sought(descriptor: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no file matches"):
        feed_material(descriptor, [tmp_path / "elsewhere"])


def test_an_hour_of_the_county_is_a_part_of_its_day_and_knows_its_registry() -> None:
    hour = county_material("county:1h")
    assert hour.until - hour.since == HOUR
    assert len(hour.observations.times) > 300_000
    assert (np.diff(hour.observations.times) >= 0).all()
    assert {item.network for item in hour.site.watched} == {"gas", "water", "drainage", "manhole", "lighting"}
    assert hour.site.assets
    assert hour.site.links
    other = county_material("county:1h#2")
    assert not np.array_equal(hour.observations.values[:1000], other.observations.values[:1000])


def test_names_that_look_like_a_county_are_told_how_to_write_one() -> None:
    assert is_county("county:1d")
    assert not is_county("feeds/county.yaml")
    with pytest.raises(ConfigurationError, match="county:1d"):
        county_material("county:tomorrow")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "no period"),
        (["--from", "2026-05-01T00:00:00Z"], "no period"),
        (["--feed", "county", "--to", "2026-05-01T00:00:00Z"], "two sources"),
    ],
)
def test_a_backtest_needs_one_source(arguments: list[str], problem: str) -> None:
    done = CliRunner().invoke(app, ["backtest", *arguments])
    assert isinstance(done.exception, ConfigurationError)
    assert problem in str(done.exception)
