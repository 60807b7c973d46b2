"""KPIs against what is asked of them."""

from dataclasses import fields
from typing import Any

import pytest

from domain.kpi_judgement import (
    PRESETS,
    AlarmFigures,
    IncidentFigures,
    Verdict,
    alarm_figures,
    availability,
    incident_figures,
    rate,
)
from domain.kpi_names import ALARM_NAMES, INCIDENT_NAMES


def figures(**given: Any) -> AlarmFigures:  # noqa: ANN401 - numbers of each field's type
    return AlarmFigures(**{f.name: given.get(f.name, 0) for f in fields(AlarmFigures)})


QUIET = figures()


def verdict(name: str, found: AlarmFigures = QUIET, *, days: float = 30) -> Verdict:
    return next(figure.verdict for figure in alarm_figures(found, PRESETS, days=days) if figure.name == name)


def test_every_figure_has_a_name_in_both_languages() -> None:
    nothing = IncidentFigures(**{f.name: 0 for f in fields(IncidentFigures)})
    assert [figure.name for figure in alarm_figures(QUIET, PRESETS, days=30)] == list(ALARM_NAMES)
    names = [figure.name for figure in incident_figures(nothing, PRESETS)]
    assert [*names, availability(1, PRESETS).name] == list(INCIDENT_NAMES)


@pytest.mark.parametrize(
    ("per_hour", "expected"),
    [(0, "good"), (6, "good"), (6.1, "tolerable"), (12, "tolerable"), (12.1, "bad")],
)
def test_the_rate_is_good_up_to_six_an_hour_and_tolerable_up_to_twelve(per_hour: float, expected: str) -> None:
    assert rate(per_hour, PRESETS).verdict == expected


@pytest.mark.parametrize(
    ("name", "field", "good", "bad"),
    [
        ("daily", "worst_day", 144, 145),
        ("peak", "peak", 10, 11),
        ("busy_intervals", "busy_share", 0.01, 0.011),
        ("time_in_flood", "flood_share", 0.01, 0.011),
        ("chattering", "chattering", 0, 1),
        ("fleeting", "fleeting", 0, 1),
        ("stale", "stale", 4, 5),
        ("acknowledge_p90", "acknowledge_p90_s", 600, 601),
    ],
)
def test_each_figure_is_judged_by_its_own_limit(name: str, field: str, good: float, bad: float) -> None:
    assert verdict(name, figures(**{field: good})) is Verdict.GOOD
    assert verdict(name, figures(**{field: bad})) is Verdict.BAD


def test_shares_of_nothing_are_not_judged() -> None:
    for name in ("top_ten", "level_red", "level_blue"):
        assert verdict(name) is Verdict.NONE


def test_much_blue_is_good_and_much_red_is_not() -> None:
    mostly_blue = figures(alarms=100, blue=80, yellow=15, orange=4, red=1, top_share=0.05)
    for level in ("red", "orange", "yellow", "blue"):
        assert verdict(f"level_{level}", mostly_blue) is Verdict.GOOD
    assert verdict("top_ten", mostly_blue) is Verdict.GOOD
    mostly_red = figures(alarms=100, red=60, blue=20, yellow=20)
    assert [verdict(f"level_{level}", mostly_red) for level in ("red", "yellow", "blue")] == [Verdict.BAD] * 3


def test_a_short_period_is_said_to_be_short() -> None:
    assert verdict("window", days=29.9) is Verdict.BAD


def test_what_did_not_happen_is_not_judged() -> None:
    assert verdict("acknowledge_p90", figures(acknowledge_p90_s=None)) is Verdict.NONE
    assert (availability(0.95, PRESETS).verdict, availability(0.949, PRESETS).verdict) == ("good", "bad")
