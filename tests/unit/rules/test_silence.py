"""Absence: judged by the clock of ingest, for every subject at once."""

import time

import pytest

from tests.support.rulebook import SECOND, T0, above, evaluator, feed, history, silence, stream, tick, told


def test_a_device_is_silent_after_twice_its_interval() -> None:
    engine = evaluator([silence(factor=2, grace_s=5)], [stream(1)])
    feed(engine, (1, 10, 1, 0))
    assert told(tick(engine, 135)) == []
    assert told(tick(engine, 135.000001)) == [("device:d1", "raised", 135, "yellow")]
    assert told(tick(engine, 1000)) == []


def test_it_is_heard_again() -> None:
    engine = evaluator([silence()], [stream(1)])
    feed(engine, (1, 0, 1, 0))
    tick(engine, 500)
    assert told(feed(engine, (1, 490, 1, 0))) == [("device:d1", "cleared", 490, "yellow")]
    assert told(tick(engine, 501)) == []
    assert told(tick(engine, 611)) == [("device:d1", "raised", 610, "yellow")]


def test_a_datum_of_the_very_instant_of_the_raise_takes_it_back() -> None:
    """The race in which a device came back as its alarm was raised, and the alarm stood for ever."""
    engine = evaluator([silence()], [stream(1)])
    steps = [feed(engine, (1, 0, 1, 0)), tick(engine, 120.5)]
    assert told(*steps) == [("device:d1", "raised", 120, "yellow")]
    steps += [feed(engine, (1, 120, 1, 0)), tick(engine, 120.6)]
    assert history(*steps) == []
    assert engine.standings() == []


def test_a_datum_just_after_the_raise_ends_it() -> None:
    engine = evaluator([silence()], [stream(1)])
    steps = [feed(engine, (1, 0, 1, 0)), tick(engine, 120.5), feed(engine, (1, 120.1, 1, 0)), tick(engine, 121)]
    assert history(*steps) == [("device:d1", "raised", 120, "yellow"), ("device:d1", "cleared", 120.1, "yellow")]


def test_while_the_clock_of_ingest_stands_still_nobody_falls_silent() -> None:
    engine = evaluator([silence()], [stream(1)])
    feed(engine, (1, 0, 1, 0))
    assert told(*[tick(engine, 100) for _ in range(1000)]) == []


def test_a_clock_that_runs_backwards_clears_nothing() -> None:
    engine = evaluator([silence()], [stream(1)])
    steps = [feed(engine, (1, 0, 1, 0)), tick(engine, 200), tick(engine, 100)]
    assert history(*steps) == [("device:d1", "raised", 120, "yellow")]
    after = evaluator([silence()], [stream(1)])
    after.restore(engine.standings())
    assert told(tick(after, 50)) == []


def test_what_was_not_listened_to_is_nobodys_silence() -> None:
    engine = evaluator([silence()], [stream(1)])
    feed(engine, (1, 0, 1, 0))
    # Ingest was cut off from 60 to 1000: the clock stood, then it leaps.
    step = engine.tick(T0 + 1001 * SECOND, T0 + 1000 * SECOND)
    engine.adopt(step)
    assert told(step) == []
    assert told(feed(engine, (1, 1010, 1, 0))) == []
    later = engine.tick(T0 + 1131 * SECOND, T0 + 1000 * SECOND)
    assert told(later) == [("device:d1", "raised", 1130, "yellow")]


def test_a_gap_that_no_clock_saw_is_found_in_the_data() -> None:
    engine = evaluator([silence()], [stream(1)])
    step = feed(engine, (1, 0, 1, 0), (1, 60, 1, 0), (1, 500, 1, 0), (1, 560, 1, 0))
    assert told(step) == [("device:d1", "raised", 180, "yellow"), ("device:d1", "cleared", 500, "yellow")]


def test_a_silence_that_late_data_fill_never_was() -> None:
    engine = evaluator([silence()], [stream(1)])
    steps = [feed(engine, (1, 0, 1, 0)), tick(engine, 400), feed(engine, (1, 600, 1, 0))]
    assert [event for _, event, _, _ in history(*steps)] == ["raised", "cleared"]
    steps.append(feed(engine, *[(1, float(at), 1, 0) for at in range(60, 600, 60)]))
    assert history(*steps) == []


def test_any_datum_is_a_sign_of_life_whatever_its_quality() -> None:
    engine = evaluator([silence()], [stream(1)])
    feed(engine, (1, 0, 1, 0))
    feed(engine, (1, 100, 1, 1))
    assert told(tick(engine, 130)) == []


def test_an_old_datum_moves_the_beginning_of_a_silence_that_goes_on() -> None:
    engine = evaluator([silence()], [stream(1)])
    steps = [feed(engine, (1, 0, 1, 0)), tick(engine, 1000), feed(engine, (1, 30, 1, 0)), tick(engine, 1001)]
    assert history(*steps) == [("device:d1", "raised", 150, "yellow")]


def test_a_device_never_heard_is_silent_since_it_was_registered() -> None:
    engine = evaluator([silence()], [stream(1)])
    assert told(tick(engine, 120)) == []
    assert told(tick(engine, 121)) == [("device:d1", "raised", 120, "yellow")]


def test_one_datastream_that_speaks_keeps_its_whole_device_alive() -> None:
    streams = [stream(1, device="a"), stream(2, device="a"), stream(3, device="b")]
    engine = evaluator([silence()], streams)
    feed(engine, (1, 0, 1, 0), (2, 0, 1, 0), (3, 0, 1, 0))
    feed(engine, (2, 100, 1, 0))
    assert told(tick(engine, 130)) == [("device:b", "raised", 120, "yellow")]


def test_a_rule_on_a_property_watches_its_datastream_alone() -> None:
    streams = [stream(1, device="a"), stream(2, device="a", property="gas.flow"), stream(3, device="b")]
    engine = evaluator([silence(network="gas", applies_to={"property": "gas.ch4.chamber"})], streams)
    feed(engine, (1, 0, 1, 0), (2, 100, 1, 0), (3, 100, 1, 0))
    assert told(tick(engine, 130)) == [("datastream:1", "raised", 120, "yellow")]


def test_a_rule_of_one_network_watches_the_devices_of_that_network() -> None:
    streams = [
        stream(1, device="a"),
        stream(2, device="b", network="water"),
        stream(3, device="c"),
        stream(4, device="c"),
    ]
    engine = evaluator([silence(network="gas")], streams)
    assert [subject for subject, *_ in told(tick(engine, 1000))] == ["device:a", "device:c"]


def test_silence_and_thresholds_do_not_disturb_each_other() -> None:
    engine = evaluator([silence(), above(blue=10)], [stream(1)])
    steps = [feed(engine, (1, 0, 11, 0)), tick(engine, 500), feed(engine, (1, 499, 3, 0)), tick(engine, 501)]
    assert told(*steps) == [
        ("datastream:1", "raised", 0, "blue"),
        ("device:d1", "raised", 120, "yellow"),
        ("datastream:1", "cleared", 499, "blue"),
        ("device:d1", "cleared", 499, "yellow"),
    ]


@pytest.mark.parametrize("devices", [20_000])
def test_twenty_thousand_devices_are_judged_in_milliseconds(devices: int) -> None:
    engine = evaluator([silence()], [stream(3 * n + k, device=f"d{n:05d}") for n in range(devices) for k in range(3)])
    feed(engine, *[(3 * n, 0, 1.0, 0) for n in range(devices)])
    started = time.perf_counter()
    for second in range(20):
        assert not tick(engine, 100 + second / 10).changed
    assert (time.perf_counter() - started) / 20 < 0.02
    assert len(tick(engine, 200).transitions) == devices


def test_what_late_data_fill_is_found_on_each_datastream_of_a_device() -> None:
    """Two rules on one device: the history of one is forgotten by nobody when the other has none left."""
    rules = [silence("whole"), silence("one", applies_to={"property": "gas.ch4.chamber"}, network="gas")]
    streams = [stream(1, device="a", property="gas.flow"), stream(2, device="a")]
    engine = evaluator(rules, streams)
    steps = [feed(engine, (1, 0, 1, 0), (2, 0, 1, 0)), tick(engine, 300), feed(engine, (1, 310, 1, 0), (2, 310, 1, 0))]
    assert len(history(*steps)) == 4
    steps.append(feed(engine, *[(2, float(at), 1, 0) for at in range(60, 310, 60)]))
    assert history(*steps) == []
