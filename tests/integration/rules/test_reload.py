"""A catalogue is exchanged while the rules run: a good one is taken over, a bad one changes nothing."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from domain.errors import ConfigurationError
from rules.session import Session
from rules.shelf import Folder, Shelf
from storage.alerts import read_states
from storage.catalogue_in_force import read_state
from tests.integration.rules.city import City
from tests.support.catalogues import write
from tests.support.rulebook import RATIONALIZATION, T0, words


def limit(identifier: str, level: str, at: float, **fields: object) -> dict[str, Any]:
    return {
        "id": identifier, "kind": "safety", "network": "gas", "applies_to": {"property": "gas.ch4.chamber"},
        "title": words("t"), "text": words("{value}"), "rationalization": RATIONALIZATION,
        "condition": {"above": {level: {"limit": at, "evidence": "unverified"}}, "hysteresis": 1, **fields},
    }  # fmt: skip


class Running:
    """A session over a folder, looked at whenever the test says so."""

    def __init__(self, city: City, folder: Path) -> None:
        self.city = city
        self.folder = folder
        self.shelf = Shelf(Folder(folder), look_s=0)
        self.session = self.begin("one")

    def begin(self, leader: str) -> Session:
        return Session(self.city.connect("rules"), self.shelf, leader=leader, clock=lambda: T0 + 10**9)

    def looks(self) -> None:
        """Three ticks: a new content is seen, seen again, and taken."""
        for _ in range(3):
            self.session.look_ahead()
            while self.session.catch_up():
                pass
            assert self.session.tick()

    def put(self, *rules: dict[str, Any]) -> None:
        write(self.folder, *rules)
        self.looks()

    def stores(self, at: float, value: float) -> None:
        self.city.writer.store((self.city.streams["a"], at, value))
        while self.session.catch_up():
            pass

    def in_force(self) -> list[str]:
        return [row[0] for row in self.city.rows("SELECT id FROM rules ORDER BY id")]

    def told(self) -> list[tuple[str, str]]:
        return [(rule, event) for rule, event, *_ in self.city.events()]


@pytest.fixture
def running(database_url: str, tmp_path: Path) -> Iterator[Running]:
    with ExitStack() as stack:
        folder = write(tmp_path / "catalogue", limit("high", "yellow", 20), limit("slow", "blue", 10, on_delay_s=100))
        yield Running(City(database_url, stack), folder)


def test_a_changed_catalogue_is_taken_over_and_unchanged_rules_stay_where_they_are(running: Running) -> None:
    running.stores(0, 25)
    assert running.told() == [("high", "raised")]
    running.put(limit("high", "yellow", 20), limit("slow", "blue", 10, on_delay_s=100), limit("new", "red", 24))
    assert running.in_force() == ["high", "new", "slow"]
    running.stores(60, 26)
    running.stores(120, 26)
    # The delay of `slow` has run on across the change; `high` was not raised again.
    assert running.told() == [("high", "raised"), ("new", "raised"), ("slow", "raised")]


def test_a_removed_rule_ends_its_alert_and_its_state(running: Running) -> None:
    running.stores(0, 25)
    running.put(limit("slow", "blue", 10, on_delay_s=100))
    assert running.told() == [("high", "raised"), ("high", "cleared")]
    assert {state.rule for state in read_states(running.city.connection)} == {"slow"}
    assert running.in_force() == ["slow"]


def test_a_bad_catalogue_is_refused_whole_loudly_and_only_until_it_is_mended(running: Running) -> None:
    good = limit("high", "yellow", 20)
    running.put({**good, "kind": "joke"}, limit("other", "yellow", 1), limit("worse", "yellow", 1) | {"title": {}})
    state = read_state(running.city.connection)
    assert running.in_force() == ["high", "slow"]
    assert state.refused_digest not in {None, state.digest}
    assert len(state.problems) >= 3
    assert any("rules.yaml:" in line and "rule high" in line for line in state.problems)
    assert any("rule worse" in line for line in state.problems)
    # The rules that work go on.
    running.stores(0, 25)
    assert running.told() == [("high", "raised")]
    running.put(good)
    state = read_state(running.city.connection)
    assert (state.refused_digest, state.refused_at, state.problems) == (None, None, ())
    assert running.in_force() == ["high"]


def test_a_catalogue_that_a_change_of_the_registry_makes_bad_ends_nothing(running: Running) -> None:
    write(running.folder, {**limit("high", "yellow", 20), "network": "gaz"})
    running.city.connection.execute("UPDATE registry_version SET version = version + 1")
    running.looks()
    assert running.in_force() == ["high", "slow"]
    assert read_state(running.city.connection).problems
    running.stores(0, 25)
    assert running.told() == [("high", "raised")]


def test_after_the_database_was_away_a_bad_catalogue_still_ends_nothing(running: Running) -> None:
    write(running.folder, {"id": "broken"})
    running.session = running.begin("two")
    assert running.in_force() == ["high", "slow"]
    assert read_state(running.city.connection).refused_digest
    running.stores(0, 25)
    assert running.told() == [("high", "raised")]


def test_a_catalogue_that_is_bad_from_the_start_is_an_error(running: Running) -> None:
    write(running.folder, {"id": "broken"})
    with pytest.raises(ConfigurationError, match="rule broken"):
        Session(running.city.connect("rules"), Shelf(Folder(running.folder)), leader="two", clock=lambda: T0)


def test_a_file_that_is_being_written_is_not_judged(running: Running) -> None:
    whole = (running.folder / "rules.yaml").read_text(encoding="utf-8")
    for cut in range(100, 500, 100):
        (running.folder / "rules.yaml").write_text(whole[:cut], encoding="utf-8")
        running.session.look_ahead()
        assert running.shelf.refusal is None
    (running.folder / "rules.yaml").write_text(whole, encoding="utf-8")
    running.looks()
    assert running.shelf.refusal is None


def test_how_each_rule_fares_is_written(running: Running) -> None:
    running.stores(0, 25)
    running.city.writer.caught_up(1)
    running.looks()
    assert running.city.rows("SELECT rule, failures, active, subjects FROM rule_health ORDER BY rule") == [
        ("high", 0, 1, 2),
        ("slow", 0, 0, 2),
    ]
