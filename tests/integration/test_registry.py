"""The registry in the database: imported whole or not at all, exported so that it reads back the same."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from domain import catalogue
from domain.errors import RefusedDataError
from domain.registry import Asset, Datastream, Device, Link, Property, Registry
from domain.registry_folder import read, write
from storage.catalog import load
from storage.database import connect
from storage.registry import Counts, export_registry, import_registry, known
from tests.support.processes import Lifeline

OWN = Property(
    id="gas.odour", network="gas", unit="mg/m3", type="number", minimum=0, maximum=50, name_en="Odour", name_zh="加臭"
)


def asset(number: int, **changes: str) -> Asset:
    geometry = {"type": "Point", "coordinates": [120.0 + number / 1000, 30.0]}
    plain = Asset(
        id=f"well-{number}", network="gas", kind="valve_well", name_en=f"Well {number}", name_zh=f"{number}号阀井",
        area="330100", geometry=geometry, longitude=120.0 + number / 1000, latitude=30.0, tags={"depth": "1.5"},
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]


def city(wells: int, first: int = 0) -> Registry:
    numbers = range(first, first + wells)
    return Registry(
        assets=tuple(asset(n) for n in numbers),
        devices=tuple(Device(id=f"dev-{n}", asset=f"well-{n}", model="M", reporting_interval_s=60) for n in numbers),
        datastreams=tuple(
            Datastream(device=f"dev-{n}", property=p, unit=u)
            for n in numbers
            for p, u in (("gas.ch4.chamber", "%{LEL}"), ("gas.odour", "mg/m3"))
        ),
        links=tuple(
            Link(from_asset=f"well-{n - 1}", relation="feeds", to_asset=f"well-{n}") for n in numbers if n > first
        ),
        properties=(OWN,),
    )


@pytest.fixture
def connection(database_url: str) -> Connection[TupleRow]:
    return connect(database_url, application="tests")


def test_an_import_adds_and_the_same_import_again_changes_nothing(connection: Connection[TupleRow]) -> None:
    with connection:
        first = import_registry(connection, city(3))
        assert [(kind, c.added) for kind, c in first.kinds.items()] == [
            ("networks", 0), ("properties", 1), ("assets", 3), ("devices", 3), ("datastreams", 6), ("links", 2),
        ]  # fmt: skip
        before = load(connection)
        second = import_registry(connection, city(3))
        assert second.version == first.version
        assert second.assets == Counts(added=0, changed=0, unchanged=3)
        assert second.datastreams == Counts(added=0, changed=0, unchanged=6)
        assert second.links == Counts(added=0, changed=0, unchanged=2)
        assert load(connection).by_topic == before.by_topic


def test_only_what_differs_is_changed_and_the_version_rises(connection: Connection[TupleRow]) -> None:
    with connection:
        before = import_registry(connection, city(3))
        again = city(3)
        changed = replace(again, assets=(asset(0, name_zh="新名"), *again.assets[1:]))
        report = import_registry(connection, changed)
        assert report.assets == Counts(added=0, changed=1, unchanged=2)
        assert report.version == before.version + 1
        assert export_registry(connection).assets[0].name_zh == "新名"


def test_a_second_folder_may_link_to_the_first(connection: Connection[TupleRow], tmp_path: Path) -> None:
    with connection:
        import_registry(connection, city(2))
        more = city(1, first=7)
        write(replace(more, links=(Link(from_asset="well-1", relation="feeds", to_asset="well-7"),)), tmp_path)
        report = import_registry(connection, read(tmp_path, known(connection)))
        assert (report.assets.added, report.links.added) == (1, 1)
        assert len(export_registry(connection).assets) == 3


def test_an_import_that_fails_in_the_middle_writes_nothing(connection: Connection[TupleRow]) -> None:
    with connection:
        lost = Device(id="dev-9", asset="nowhere", model="M", reporting_interval_s=60)
        with pytest.raises(RefusedDataError):
            import_registry(connection, replace(city(2), devices=(*city(2).devices, lost)))
        assert export_registry(connection).assets == ()
        assert import_registry(connection, Registry(assets=(), devices=(), datastreams=(), links=())).version == 0


def test_what_is_exported_imports_as_the_same_registry_and_the_same_bytes(
    connection: Connection[TupleRow], tmp_path: Path
) -> None:
    with connection:
        line = {"type": "LineString", "coordinates": [[120.1, 30.0, 5.5], [120.000001, 30.25]]}
        pipe = asset(9, id="pipe", name_en='A "b", c')
        registry = city(12)
        import_registry(connection, replace(registry, assets=(*registry.assets, replace(pipe, geometry=line))))
        exported = export_registry(connection)
        assert len(exported.properties) == len(catalogue.properties()) + 1
        write(exported, tmp_path / "one")
        report = import_registry(connection, read(tmp_path / "one", known(connection)))
        # The half-way point of the line is worked out again by reading; nothing else differs.
        assert [(c.added, c.changed) for c in report.kinds.values()] == [(0, 0), (0, 0), (0, 1), (0, 0), (0, 0), (0, 0)]
        write(export_registry(connection), tmp_path / "two")
        for file in (tmp_path / "one").iterdir():
            assert (tmp_path / "two" / file.name).read_bytes() == file.read_bytes()


def test_hundred_thousand_datastreams_are_imported_within_thirty_seconds(
    plain_database_url: str, tmp_path: Path
) -> None:
    wells = city(10_000)
    of_gas = [item for item in catalogue.properties() if item.network == "gas"]
    of_water = [item for item in catalogue.properties() if item.network == "water"]
    streams = tuple(
        Datastream(device=device.id, property=item.id, unit=item.unit)
        for device in wells.devices
        for item in (*of_gas, *of_water)[:10]
    )
    write(replace(wells, datastreams=streams), tmp_path)
    began = time.monotonic()
    with connect(plain_database_url, application="tests", statement_timeout_s=120) as connection:
        report = import_registry(connection, read(tmp_path, known(connection)))
    assert report.datastreams.added == 100_000
    assert time.monotonic() - began < 30


def test_the_commands_check_import_and_export(
    database_url: str, lifeline: Callable[..., Lifeline], tmp_path: Path
) -> None:
    folder, copy = tmp_path / "city", tmp_path / "copy"
    write(city(2), folder)

    def run(*arguments: str) -> tuple[int, str]:
        process = lifeline("registry", *arguments, LIFELINE_DATABASE_URL=database_url)
        return process.wait(), process.output()

    status, output = run("import", str(folder), "--check", "--json")
    assert (status, json.loads(output)["checked"]["datastreams"]) == (0, 4)
    status, output = run("import", str(folder), "--json")
    assert (status, json.loads(output)["assets"]["added"]) == (0, 2)
    assert run("export", str(copy))[0] == 0
    assert (copy / "assets.geojson").read_bytes() == (folder / "assets.geojson").read_bytes()
    (folder / "links.csv").write_text("from,relation,to\nwell-0,feeds,nowhere\n", encoding="utf-8")
    status, output = run("import", str(folder), "--json")
    assert status == 1
    assert "links.csv:2: asset 'nowhere' is unknown" in json.loads(output)["problems"][0]
