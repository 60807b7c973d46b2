"""Panel queries as text: what is written in when dashboards are built, and what Grafana does with the rest."""

import pytest

from storage.dashboards import interpolate, panel_sql

START, END = 1_767_225_600_000_000, 1_767_229_200_000_000


def test_language_and_network_are_written_in() -> None:
    sql = panel_sql("latest_values", language="zh", network="gas")
    assert "a.name_zh" in sql
    assert "a.network = 'gas'" in sql
    assert "{" not in sql


def test_without_a_network_the_choice_is_the_dashboards() -> None:
    assert "al.network IN ($network)" in panel_sql("open_alerts", language="en")


def test_what_a_query_is_for_stays_out_of_its_text() -> None:
    assert panel_sql("chart", language="en", properties=["gas.flow"]).startswith("WITH")


@pytest.mark.parametrize("name", ["gas'; DROP TABLE alerts --", "", "a b"])
def test_only_identifiers_are_written_in(name: str) -> None:
    with pytest.raises(ValueError, match="identifier"):
        panel_sql("latest_values", language="en", network=name)


def test_macros_become_what_grafana_sends() -> None:
    sql = interpolate(
        "$__timeFilter(o.time) AND a > $__timeFrom() AND b < $__timeTo()", start=START, end=END, variables={}
    )
    first, last = "'2026-01-01T00:00:00Z'", "'2026-01-01T01:00:00Z'"
    assert sql == f"o.time BETWEEN {first} AND {last} AND a > {first} AND b < {last}"


def test_values_of_variables_are_quoted_and_listed() -> None:
    sql = interpolate("d IN ($device)", start=START, end=END, variables={"device": ("a", "it's")})
    assert sql == "d IN ('a', 'it''s')"


def test_a_macro_or_variable_that_nobody_fills_in_is_an_error() -> None:
    for sql in ("$__timeGroup(time, 5m)", "$area"):
        with pytest.raises(KeyError):
            interpolate(sql, start=START, end=END, variables={})
