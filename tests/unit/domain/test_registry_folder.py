"""A registry folder is checked as a whole, and what is written reads back the same."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from domain.errors import ConfigurationError
from domain.registry import Asset, Datastream, Device, Link, Network, Property, Registry
from domain.registry_check import Known
from domain.registry_folder import read, shipped, write

PROPERTIES = "id,network,unit,type,minimum,maximum,name_en,name_zh\n"
DEVICES = "id,asset,model,reporting_interval_s\n"
ASSET = {
    "id": "well-1",
    "network": "gas",
    "kind": "valve_well",
    "name_en": "Well 1",
    "name_zh": "1号阀井",
    "area": "330100",
}
POINT = {"type": "Point", "coordinates": [120.1, 30.2]}


def feature(geometry: Mapping[str, object] = POINT, **properties: str) -> dict[str, Any]:
    return {"type": "Feature", "properties": ASSET | properties, "geometry": geometry}


class Folder:
    """A good folder in which a test breaks something."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.features(
            [feature(), feature({"type": "LineString", "coordinates": [[120, 30], [120.2, 30]]}, id="pipe-1")]
        )
        self.file("devices.csv", "id,asset,model,reporting_interval_s\ndev-1,well-1,GX-4,300\n")
        self.file("datastreams.csv", "device,property,unit\ndev-1,gas.ch4.chamber,%{LEL}\n")
        self.file("links.csv", "from,relation,to\npipe-1,feeds,well-1\n")

    def file(self, name: str, text: str, encoding: str = "utf-8") -> None:
        (self.path / name).write_bytes(text.encode(encoding))

    def features(self, features: list[dict[str, Any]], **more: object) -> None:
        self.file("assets.geojson", json.dumps({"type": "FeatureCollection", "features": features, **more}))

    def problems(self, known: Known | None = None) -> list[str]:
        with pytest.raises(ConfigurationError) as caught:
            read(self.path, known)
        return caught.value.problems


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_a_good_folder_is_read_whole(folder: Folder) -> None:
    registry = read(folder.path)
    assert [asset.id for asset in registry.assets] == ["well-1", "pipe-1"]
    assert registry.devices == (Device(id="dev-1", asset="well-1", model="GX-4", reporting_interval_s=300),)
    assert registry.datastreams == (Datastream(device="dev-1", property="gas.ch4.chamber", unit="%{LEL}"),)
    assert registry.links == (Link(from_asset="pipe-1", relation="feeds", to_asset="well-1"),)


def test_a_line_is_represented_by_the_point_half_way(folder: Folder) -> None:
    pipe = read(folder.path).assets[1]
    assert pipe.longitude == pytest.approx(120.1)
    assert pipe.latitude == 30.0


def test_all_problems_of_all_files_are_told_at_once(folder: Folder) -> None:
    folder.features([feature(area="Hangzhou"), feature()])
    folder.file("devices.csv", "id,asset,model,reporting_interval_s\ndev 1,well-9,GX,0\n")
    folder.file("datastreams.csv", "device,property,unit\ndev-7,gas.smell,1\n")
    folder.file("links.csv", "from,relation,to\nwell-1,likes,well-1\n")
    text = "\n".join(folder.problems())
    for part in (
        "assets.geojson: feature 0 (id 'well-1'): area 'Hangzhou'",
        "feature 1 (id 'well-1'): asset 'well-1' stands already",
        "devices.csv:2: device 'dev 1' is not an identifier",
        "devices.csv:2: asset 'well-9' is unknown",
        "devices.csv:2: reporting_interval_s is '0'",
        "datastreams.csv:2: device 'dev-7' is unknown",
        "datastreams.csv:2: property 'gas.smell' is unknown",
        "links.csv:2: relation 'likes' is unknown",
        "links.csv:2: asset 'well-1' is linked with itself",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda f: f.file("datastreams.csv", "device,property,unit\ndev-1,gas.ch4.chamber,%\n"),
         "unit '%' is not '%{LEL}'"),
        (lambda f: f.file("datastreams.csv", "device,property\ndev-1,gas.flow\n"),
         "datastreams.csv:1: column 'unit' is missing"),
        (lambda f: f.file("links.csv", "from,relation,to,why\n"), "links.csv:1: column 'why' is unknown"),
        (lambda f: f.file("links.csv", ""), "links.csv:1: the header is missing"),
        (lambda f: f.file("devices.csv", DEVICES + "\ndev-1,well-1\n"), "devices.csv:3: 2 fields"),
        (lambda f: f.file("devices.csv", DEVICES + "dev-1,well-1,阀,5\n", "gb18030"),
         "devices.csv:2: the file is not UTF-8"),
        (lambda f: f.file("devices.csv", DEVICES + "dev-1,well-1,M,2.5\n"), "whole seconds"),
        (lambda f: f.file("datastreams.csv", "device,property,unit\n" + "dev-1,gas.flow,m3/h\n" * 2),
         "datastreams.csv:3: datastream 'dev-1 gas.flow' stands already at datastreams.csv:2"),
        (lambda f: (f.path / "links.csv").unlink(), "links.csv: the file is missing"),
        (lambda f: f.features([feature(POINT | {"coordinates": [30.2, 120.1]}), feature(id="pipe-1")]),
         "looks swapped"),
        (lambda f: f.features([feature(POINT | {"coordinates": [30.2, 80.1]}), feature(id="pipe-1")]), "looks swapped"),
        (lambda f: f.features([feature(POINT | {"coordinates": [-35.0, 150.0]}), feature(id="pipe-1")]),
         "looks swapped"),
        (lambda f: f.features([feature(POINT | {"coordinates": [4e5, 3e6]})]),
         "position [400000.0, 3000000.0] is not finite"),
        (lambda f: f.features([feature(POINT | {"coordinates": [190, 30]})]), "outside WGS-84"),
        (lambda f: f.features([feature({"type": "Polygon", "coordinates": []})]), "geometry 'Polygon'"),
        (lambda f: f.features([feature({"type": "LineString", "coordinates": [[120, 30]]})]),
         "do not form a LineString"),
        (lambda f: f.features([feature(name_zh="")]), "name_zh is empty"),
        (lambda f: f.features([feature(name_en="a\u0000b")]), "control character"),
        (lambda f: f.features([feature(name_en="\ud800")]), "lone surrogate"),
        (lambda f: f.features([feature(network="heat")]), "network 'heat' is unknown"),
        (lambda f: f.features([feature()], crs={"properties": {"name": "EPSG:4490"}}),
         "convert the coordinates to WGS-84"),
        (lambda f: f.file("assets.geojson", '{"features": [NaN]}'), "NaN is not a number of JSON"),
        (lambda f: f.file("assets.geojson", "{\n,"), "assets.geojson:2: not JSON"),
        (lambda f: f.file("properties.csv", PROPERTIES + "gas.flow,gas,L/s,number,0,1,F,流\n"),
         "property 'gas.flow' is shipped and differs"),
        (lambda f: f.file("properties.csv", PROPERTIES + "x,,1,text,5,1,F,流\n"),
         "minimum 5 is not below maximum 1"),
        (lambda f: f.file("networks.csv", "id,name_en,name_zh\ngas,Gas!,气\n"), "network 'gas' is shipped"),
    ],
)  # fmt: skip
def test_each_mistake_is_named_with_its_place(folder: Folder, change: Callable[[Folder], None], expected: str) -> None:
    change(folder)
    assert expected in "\n".join(folder.problems())


def test_byte_order_marks_blank_lines_and_other_line_ends_are_no_problem(folder: Folder) -> None:
    text = "id,asset,model,reporting_interval_s\r\n\r\ndev-1, well-1 ,GX-4,300\r\n\r\n"
    folder.file("devices.csv", text, "utf-8-sig")
    assert read(folder.path).devices[0].asset == "well-1"


def test_the_line_of_a_problem_counts_lines_inside_quoted_fields(folder: Folder) -> None:
    folder.file(
        "devices.csv", 'id,asset,model,reporting_interval_s\ndev-1,well-1,"two\nlines",300\ndev-2,nowhere,M,5\n'
    )
    assert any(p.startswith("devices.csv:4: asset 'nowhere'") for p in folder.problems())


def test_a_folder_may_refer_to_what_is_registered_already(folder: Folder) -> None:
    folder.features([])
    known = Known(networks=shipped().networks, properties=shipped().properties, assets=frozenset({"well-1", "pipe-1"}))
    assert read(folder.path, known).devices[0].asset == "well-1"
    assert len(folder.problems()) == 3


def test_the_unit_of_a_registered_property_never_changes(folder: Folder) -> None:
    own = Property(id="x", network=None, unit="bar", type="number", minimum=0, maximum=9, name_en="X", name_zh="叉")
    folder.file("properties.csv", "id,network,unit,type,minimum,maximum,name_en,name_zh\nx,,kPa,number,0,9,X,叉\n")
    known = Known(networks=shipped().networks, properties=dict(shipped().properties) | {"x": own})
    assert "registered as number in 'bar'" in folder.problems(known)[0]


def test_what_is_written_reads_back_the_same_and_the_same_bytes(tmp_path: Path) -> None:
    line = {"type": "MultiLineString", "coordinates": [[[1.0, 2.0], [1.5, 2.5, 7.0]], [[3.0, 4.0], [5.0, 6.0]]]}
    registry = Registry(
        assets=(
            Asset(id="a", network="heat", kind="pipe", name_en="A", name_zh="甲", area="11", geometry=line,
                  longitude=1.25, latitude=2.25, tags={"diameter": "300", "note": '老"城", 一'}),
        ),
        devices=(Device(id="d", asset="a", model='M, "2"', reporting_interval_s=1),),
        datastreams=(Datastream(device="d", property="heat.supply", unit="Cel"),),
        links=(),
        networks=(Network(id="heat", name_en="Heat", name_zh="供热"),),
        properties=(Property(id="heat.supply", network="heat", unit="Cel", type="number", minimum=-1.5, maximum=150,
                             name_en="Supply", name_zh="供水温度"),),
    )  # fmt: skip
    write(registry, tmp_path / "one")
    again = read(tmp_path / "one")
    assert again == registry
    write(again, tmp_path / "two")
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert "networks.csv" in files
    assert [(tmp_path / "two" / name).read_bytes() for name in files] == [
        (tmp_path / "one" / name).read_bytes() for name in files
    ]
