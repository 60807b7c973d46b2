"""The shipped vocabulary is complete and free of contradictions."""

import re

from domain.catalogue import NETWORKS, properties

_HAN = re.compile(r"[\u4e00-\u9fff]")


def test_the_five_networks_are_named_in_both_languages() -> None:
    assert [n.id for n in NETWORKS] == ["gas", "water", "drainage", "manhole", "lighting"]
    for network in NETWORKS:
        assert network.name_en.isascii()
        assert _HAN.search(network.name_zh)


def test_every_property_has_a_unit_a_range_and_two_names() -> None:
    assert len(properties()) > 40
    assert len({p.id for p in properties()}) == len(properties())
    for item in properties():
        assert item.minimum < item.maximum, item.id
        assert item.unit, item.id
        assert item.name_en, item.id
        assert _HAN.search(item.name_zh), item.id
        assert item.type in {"number", "boolean"}, item.id
        if item.type == "boolean":
            assert (item.minimum, item.maximum, item.unit) == (0, 1, "1"), item.id


def test_properties_belong_to_shipped_networks_and_each_network_has_some() -> None:
    networks = {p.network for p in properties()}
    assert networks - {None} == {n.id for n in NETWORKS}


def test_identifiers_can_stand_in_a_topic_and_in_senml() -> None:
    for item in properties():
        assert re.fullmatch(r"[a-z][a-z0-9._]*", item.id), item.id
