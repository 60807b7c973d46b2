"""Backtests: slices change nothing, silences between them are seen, and reports are the same to the last byte."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from rules import material as materials
from rules.backtest import Outcome, backtest
from rules.history import Episode
from rules.load import Catalogue
from rules.material import ArrayMaterial, Readings, in_order
from rules.report import CHARTS, FIGURES, as_csv, as_data, limits_of, make, thinned
from rules.report_page import page
from rules.report_words import Words
from rules.rerun import Site
from rules.rule import Cause, Rule
from tests.support.rulebook import SECOND, T0, above, silence, stream

METHANE = above("methane", blue=10, red=50, hysteresis=2)
SILENT = silence("silent", factor=2)
HOURS = 3


def catalogue(*rules: Rule) -> Catalogue:
    return Catalogue(rules=rules, overrides=(), digest="")


def material(*, streams: int = 3, quiet: bool = False) -> ArrayMaterial:
    """A value a minute on each datastream; a peak each half hour, and 20 minutes of silence on the second."""
    rng = np.random.default_rng(7)
    rows = [
        (number, T0 + minute * 60 * SECOND, 60.0 if minute % 30 == 10 + number and not quiet else rng.uniform(0, 5))
        for minute in range(HOURS * 60)
        for number in range(1, streams + 1)
        if not (number == 2 and 61 <= minute < 81)
    ]
    return ArrayMaterial(
        title="test",
        site=Site(watched=tuple(stream(number) for number in range(1, streams + 1))),
        since=T0,
        until=T0 + HOURS * 3600 * SECOND,
        observations=in_order(
            np.array([row[0] for row in rows], dtype=np.int32),
            np.array([row[1] for row in rows], dtype=np.int64),
            np.array([row[2] for row in rows]),
            np.zeros(len(rows), dtype=np.int16),
        ),
    )


def outcome(*rules: Rule) -> Outcome:
    return backtest(catalogue(*rules), material())


def test_every_peak_and_the_silence_become_alerts() -> None:
    found = outcome(METHANE, SILENT)
    assert found.observations == HOURS * 60 * 3 - 20
    assert sum(e.rule == "methane" for e in found.episodes) == HOURS * 2 * 3 - 1
    (silent,) = [e for e in found.episodes if e.rule == "silent"]
    assert silent.subject == "device:d2"
    assert silent.cleared_at == T0 + 81 * 60 * SECOND
    assert silent.raised_at == T0 + 62 * 60 * SECOND


@pytest.mark.parametrize("size", [1, 7, 100, 10_000])
def test_the_slices_change_nothing(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = outcome(METHANE, SILENT)
    monkeypatch.setattr(materials, "SLICE", size)
    assert outcome(METHANE, SILENT) == whole


def test_slices_never_tear_an_instant_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(materials, "SLICE", 4)
    parts = [part.times for part in material().slices()]
    assert sum(len(part) for part in parts) == HOURS * 60 * 3 - 20
    assert all(before[-1] < after[0] for before, after in pairwise(parts))


def test_progress_rises_to_one() -> None:
    shares: list[float] = []
    backtest(catalogue(METHANE), material(), shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_condition_is_no_alert() -> None:
    hidden = METHANE.model_copy(update={"class_": "condition"})
    found = outcome(hidden)
    assert not found.episodes
    assert len(found.conditions) == HOURS * 2 * 3 - 1


def test_the_same_input_gives_the_same_bytes() -> None:
    def written() -> tuple[str, str, str, str]:
        before, after = outcome(METHANE), outcome(above("methane", blue=10, red=70), SILENT)
        report = make(material(), after, before)
        return (
            json.dumps(as_data(report)),
            as_csv(report),
            page(report, language="en", zone="Asia/Shanghai"),
            page(report, language="zh", zone="Asia/Shanghai"),
        )

    assert written() == written()


def test_the_page_needs_no_network_and_speaks_both_languages() -> None:
    report = make(material(), outcome(METHANE, SILENT), outcome(METHANE))
    for language, word in (("en", "Readings around alerts"), ("zh", "警情前后的监测数据")):
        text = page(report, language=language, zone="Asia/Shanghai")
        assert word in text
        assert "http" not in text
        assert "prefers-color-scheme: dark" in text


def test_what_a_page_shows_is_escaped() -> None:
    words = {"en": "<b>{asset_en}</b>", "zh": "<b>中文</b>"}
    rule = above("methane", blue=10).model_copy(update={"title": above("x", blue=1).title.model_copy(update=words)})
    text = page(make(material(), outcome(rule)), language="en", zone="UTC")
    assert "<b>Well 1</b>" not in text
    assert "&lt;b&gt;Well 1&lt;/b&gt;" in text


def test_the_report_says_what_is_new_lost_and_moved() -> None:
    before, after = outcome(METHANE), outcome(above("methane", blue=10, red=70, hysteresis=2), SILENT)
    data = as_data(make(material(), after, before))
    assert data["difference"]["same"] == 0
    assert [alert["rule"] for alert in data["difference"]["new"]] == ["silent"]
    assert len(data["difference"]["moved"]) == len(before.episodes)
    rows = as_csv(make(material(), after, before)).splitlines()
    assert len(rows) == 1 + len(after.episodes)
    assert rows[0].endswith(",difference")


def test_charts_are_capped_and_the_gravest_come_first() -> None:
    many = backtest(catalogue(METHANE), material(streams=20))
    report = make(material(streams=20), many)
    assert len(many.episodes) > CHARTS
    assert len(report.charts) == CHARTS
    text = page(report, language="en", zone="UTC")
    assert f"Drawn for {CHARTS} of {len(many.episodes)} alerts" in text


def test_thinning_keeps_every_peak() -> None:
    values = np.zeros(10_000)
    values[[17, 5000, 9999]] = 9.0
    found = thinned(Readings(np.arange(10_000), values, np.zeros(10_000, dtype=np.int16)))
    assert len(found.times) < 1000
    assert {17, 5000, 9999} <= set(found.times.tolist())


def test_limits_are_drawn_only_where_the_readings_themselves_are_compared() -> None:
    assert [value for _, value in limits_of(METHANE.condition, stream(1))] == [10.0, 50.0]
    assert limits_of(SILENT.condition, stream(1)) == ()


def test_a_backtest_of_nothing_has_a_report_too() -> None:
    empty = replace(material(), observations=in_order(*(np.zeros(0, t) for t in ("i4", "i8", "f8", "i2"))))
    found = backtest(catalogue(METHANE), empty)
    assert not found.episodes
    assert "No alert was raised." in page(make(empty, found), language="en", zone="UTC")


def test_what_a_cause_holds_back_is_no_alert_until_it_is_let_go() -> None:
    cause = above("cause", blue=20)
    effect = above("effect", blue=10).model_copy(update={"inhibited_by": (Cause(rule="cause", on="datastream"),)})
    values = [0, 30, 0, 30, 15, 0, 15, 30, 0]
    minutes = np.arange(len(values), dtype=np.int64)
    one = replace(
        material(),
        observations=in_order(
            np.ones(len(values), dtype=np.int32),
            T0 + minutes * 60 * SECOND,
            np.array(values, dtype=np.float64),
            np.zeros(len(values), dtype=np.int16),
        ),
    )
    found = backtest(catalogue(cause, effect), one)

    def told(episodes: tuple[Episode, ...]) -> list[tuple[int, int | None]]:
        minute = 60 * SECOND
        return [
            ((e.raised_at - T0) // minute, None if e.told_at is None else (e.told_at - T0) // minute)
            for e in episodes
            if e.rule == "effect"
        ]

    assert told(found.held) == [(1, None)]
    # Let go when its cause ended first; told before the cause began.
    assert told(found.episodes) == [(3, 4), (6, 6)]
    assert found.held[0].held_by == ("cause", "datastream:1")
    assert next(f for f in make(one, found).figures if f.name == "held_back").value == 1


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_figure_that_a_backtest_can_know_is_there_and_has_a_word(language: str) -> None:
    figures = make(material(), outcome(METHANE)).figures
    assert len(figures) == len(FIGURES)
    words = Words(language, "UTC")
    assert all(words(figure.name) for figure in figures)
