from tests.integration.api.conftest import City
from tests.integration.api.pages import walk
from tests.support.seeding import DEVICES_PER_NETWORK, OBSERVED


def test_networks_say_how_much_stands_in_them(standing_city: City) -> None:
    items = {n["id"]: n for n in standing_city.client.get("/api/v1/networks").json()["items"]}
    assert set(items) == set(OBSERVED)
    assert items["gas"]["name_zh"] == "燃气"
    assert items["gas"]["assets"] == items["gas"]["devices"] == DEVICES_PER_NETWORK
    assert items["gas"]["active_alerts"] == 1


def test_properties_of_a_network_include_those_of_all(standing_city: City) -> None:
    found = {
        p["id"]: p for p in standing_city.client.get("/api/v1/properties", params={"network": "gas"}).json()["items"]
    }
    assert found["gas.ch4.chamber"]["unit"] == "%{LEL}"
    assert "device.battery" in found
    assert "water.pressure" not in found


def test_pages_of_assets_give_every_asset_once(standing_city: City) -> None:
    items = walk(standing_city.client, "/api/v1/assets", limit=4)
    ids = [a["id"] for a in items]
    assert len(ids) == len(set(ids)) == DEVICES_PER_NETWORK * len(OBSERVED)
    assert ids == sorted(ids)


def test_assets_are_found_by_network_kind_area_and_box(standing_city: City) -> None:
    def ids(**query: str) -> list[str]:
        return [a["id"] for a in standing_city.client.get("/api/v1/assets", params=query).json()["items"]]

    assert ids(network="gas") == ["gas-a1", "gas-a2", "gas-a3"]
    assert ids(kind="none") == []
    assert len(ids(kind="site")) == 15
    assert len(ids(area="34")) == len(ids(area="340104")) == 15
    assert ids(area="3401041") == []
    assert ids(bbox="117.195,31.815,117.205,31.825") == ["gas-a2"]


def test_a_box_inside_out_is_refused(plain_standing_city: City) -> None:
    answer = plain_standing_city.client.get("/api/v1/assets", params={"bbox": "118,31,117,32"})
    assert answer.status_code == 422
    assert answer.json()["type"].endswith("bad-box")


def test_assets_are_geojson_by_parameter_and_by_accept(standing_city: City) -> None:
    by_parameter = standing_city.client.get("/api/v1/assets", params={"format": "geojson", "limit": 2})
    by_accept = standing_city.client.get(
        "/api/v1/assets", params={"limit": 2}, headers={"Accept": "application/geo+json"}
    )
    assert by_parameter.headers["content-type"] == by_accept.headers["content-type"] == "application/geo+json"
    assert by_parameter.json() == by_accept.json()
    collection = by_parameter.json()
    assert collection["type"] == "FeatureCollection"
    assert collection["next"]
    feature = collection["features"][0]
    assert feature["type"] == "Feature"
    assert feature["geometry"]["type"] == "Point"
    assert feature["properties"]["name_zh"] == "排水1号点"


def test_an_asset_comes_with_its_devices_and_links(standing_city: City) -> None:
    found = standing_city.client.get("/api/v1/assets/gas-a1").json()
    assert [d["id"] for d in found["devices"]] == ["gas-d1"]
    assert found["links"] == [{"from_asset": "gas-a1", "relation": "adjacent_to", "to_asset": "gas-a2"}]
    assert standing_city.client.get("/api/v1/assets/gas-a2").json()["links"] == found["links"]


def test_a_device_comes_with_its_latest_values(standing_city: City) -> None:
    found = standing_city.client.get("/api/v1/devices/gas-d1").json()
    latest = {d["property"]: d["value"] for d in found["datastreams"]}
    assert latest == OBSERVED["gas"]
    assert found["network"] == "gas"


def test_devices_are_paged_and_found_by_asset(standing_city: City) -> None:
    assert len(walk(standing_city.client, "/api/v1/devices", limit=4)) == 15
    assert [d["id"] for d in walk(standing_city.client, "/api/v1/devices", asset="water-a2")] == ["water-d2"]
    assert len(walk(standing_city.client, "/api/v1/devices", network="water", limit=2)) == 3


def test_datastreams_are_paged_and_found_by_property(standing_city: City) -> None:
    assert len(walk(standing_city.client, "/api/v1/datastreams", limit=7)) == len(standing_city.seeded.datastreams)
    found = walk(standing_city.client, "/api/v1/datastreams", property="gas.ch4.chamber", device="gas-d2")
    assert [d["id"] for d in found] == [standing_city.seeded.datastreams["gas-d2", "gas.ch4.chamber"]]
    one = standing_city.client.get(f"/api/v1/datastreams/{found[0]['id']}").json()
    assert one == found[0]
    assert one["name_zh"] == "阀井甲烷浓度"


def test_what_does_not_exist_is_a_problem_404(plain_standing_city: City) -> None:
    for path in ("assets/none", "devices/none", "datastreams/999999", "alerts/999999", "dead-letters/999999"):
        answer = plain_standing_city.client.get(f"/api/v1/{path}")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["instance"] == f"/api/v1/{path}"
