"""Topics: one shape, built and parsed in one place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import topics

PARTS = st.from_regex(topics.IDENTIFIER, fullmatch=True)


@given(PARTS, PARTS, PARTS)
def test_a_topic_that_is_built_is_parsed_back(area: str, network: str, device: str) -> None:
    assert topics.parse(topics.telemetry(area, network, device)) == topics.Topic(area, network, device)


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "lifeline",
        "lifeline/110101/gas/d1",
        "lifeline/110101/gas/d1/telemetry/more",
        "lifeline/110101/gas/d1/command",
        "lifeline//gas/d1/telemetry",
        "other/110101/gas/d1/telemetry",
        "/lifeline/110101/gas/d1/telemetry",
    ],
)
def test_anything_else_is_not_a_topic_of_ours(topic: str) -> None:
    assert topics.parse(topic) is None


@given(st.text())
def test_no_text_breaks_the_parser(topic: str) -> None:
    topics.parse(topic)


def test_a_partition_subscribes_to_its_area_or_to_all() -> None:
    assert topics.subscription("110101") == "lifeline/110101/+/+/telemetry"
    assert topics.subscription("all") == "lifeline/+/+/+/telemetry"


@pytest.mark.parametrize("code", ["11", "1101", "110101", "110101001", "110101001002"])
def test_an_area_is_a_code_of_gb_t_2260(code: str) -> None:
    assert topics.AREA.fullmatch(code)


@pytest.mark.parametrize("code", ["", "1", "11010", "1101010", "abcdef", "all"])
def test_anything_else_is_no_area(code: str) -> None:
    assert not topics.AREA.fullmatch(code)
