"""Laying panels out, and the units that they show."""

import pytest
from grafana_foundation_sdk.models.dashboard import Panel

from dashboards.fields import unit_of
from dashboards.page import Page, Row, Section, arrange
from dashboards.words import COLUMNS, REASONS, Text
from domain.observation import RejectReason

PAGE = Page(language="zh")


def section(*widths: int, height: int = 8) -> Section:
    panels = tuple((width, Panel(type_val="stat")) for width in widths)
    return Section(title=Text("Now", "当前"), rows=(Row(height=height, panels=panels),))


def test_panels_follow_each_other_below_their_headings() -> None:
    placed = arrange(PAGE, [section(12, 12, height=5), section(24)])
    boxes = [(p.grid_pos.x, p.grid_pos.y, p.grid_pos.w, p.grid_pos.h) for p in placed if p.grid_pos]
    assert boxes == [(0, 0, 24, 1), (0, 1, 12, 5), (12, 1, 12, 5), (0, 6, 24, 1), (0, 7, 24, 8)]
    assert [p.id_val for p in placed] == [1, 2, 3, 4, 5]
    assert placed[0].title == "当前"


def test_a_row_that_does_not_fill_the_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="'Now'"):
        arrange(PAGE, [section(12, 11)])


def test_a_chart_has_one_unit() -> None:
    assert unit_of(["gas.ch4.chamber", "gas.ch4.station"]) == "suffix: %LEL"
    with pytest.raises(ValueError, match="unpack"):
        unit_of(["gas.pressure.lp", "gas.flow"])


def test_every_reason_of_a_dead_letter_has_words() -> None:
    assert set(REASONS) == set(RejectReason)


def test_every_heading_is_in_both_languages() -> None:
    assert all(text.en and text.zh and text.en != text.zh for text in COLUMNS.values())
