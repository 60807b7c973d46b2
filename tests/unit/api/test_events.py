import json

from api.events import Sequencer, encode

SECOND = 1_000_000


def test_rows_without_gaps_go_at_once() -> None:
    sequencer = Sequencer(10)
    assert sequencer.admit([11, 12, 13], now=0) == 3
    assert sequencer.position == 13


def test_a_row_behind_a_gap_waits_for_the_row_that_commits_later() -> None:
    sequencer = Sequencer(10, patience_s=2)
    assert sequencer.admit([12], now=0) == 0
    assert sequencer.admit([11, 12], now=SECOND) == 2
    assert sequencer.position == 12


def test_a_gap_that_nobody_fills_is_passed_after_a_while() -> None:
    sequencer = Sequencer(10, patience_s=2)
    assert sequencer.admit([12], now=0) == 0
    assert sequencer.admit([12, 13], now=2 * SECOND - 1) == 0
    assert sequencer.admit([12, 13], now=2 * SECOND) == 2


def test_several_gaps_are_waited_for_together() -> None:
    sequencer = Sequencer(10, patience_s=2)
    assert sequencer.admit([12, 14, 16], now=0) == 0
    assert sequencer.admit([12, 14, 16], now=2 * SECOND) == 3


def test_an_event_is_one_block_of_lines_whatever_it_holds() -> None:
    text = encode("alert", {"title": "两行\n第二行\r\n"}, id_=7).decode()
    assert text.endswith("\n\n")
    lines = text.rstrip("\n").split("\n")
    assert lines[:2] == ["id: 7", "event: alert"]
    assert len(lines) == 3
    assert json.loads(lines[2].removeprefix("data: ")) == {"title": "两行\n第二行\r\n"}
