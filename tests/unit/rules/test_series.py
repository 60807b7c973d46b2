"""Series in one line: what is written is what is read, and every mistake says what to write instead."""

import pytest

from rules.series import Reading, parse, sparkline


def test_every_way_of_writing() -> None:
    assert parse("0x2 _ 12 !7x2 true") == (
        Reading(0.0),
        Reading(0.0),
        None,
        Reading(12.0),
        Reading(7.0, False),
        Reading(7.0, False),
        Reading(1.0),
    )


def test_a_slope_has_even_steps_as_a_person_reckons_them() -> None:
    assert [r.value for r in parse("0.1..0.3x3") if r] == [0.1, 0.2, 0.3]
    assert [r.value for r in parse("5..-5x3") if r] == [5.0, 0.0, -5.0]


@pytest.mark.parametrize("text", ["", "12x0", "!_", "_..5x3", "1..2", "true..5x3", "12 x5", "0,5", "1e3", "5x300000"])
def test_what_cannot_be_read_names_the_remedy(text: str) -> None:
    with pytest.raises(ValueError, match=r"write|make|lies between|in at least"):
        parse(text)


def test_a_sparkline_shows_gaps_doubt_and_the_peak_of_a_long_series() -> None:
    assert sparkline(parse("0 _ 10 !3")) == "▁·█×"
    assert "█" in sparkline(parse("0x500 9 0x500"), width=20)
    assert len(sparkline(parse("0x500 9 0x500"), width=20)) <= 20
