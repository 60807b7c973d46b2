"""What becomes of a message: every entry ends as a row or as a dead letter with its reason, whatever the bytes are."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import ingest.decode
from domain.observation import Quality, RejectReason
from domain.topics import telemetry
from ingest.decode import decode
from tests.unit.ingest.registry import CATALOG, LIMITS, NOW, NOW_MS, SECOND, TOPIC, decoded, entries, reasons

R = RejectReason


def message(values: str, time: str = str(NOW_MS)) -> bytes:
    return f'{{"time": {time}, "values": {values}}}'.encode()


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (message('{"ch4": 12.5}'), [(1, NOW, 12.5, 0)]),
        (message('{"ch4": 12, "pressure": 3}'), [(1, NOW, 12.0, 0), (2, NOW, 3.0, 0)]),
        (message('{"valve": true}'), [(3, NOW, 1.0, 0)]),
        (message('{"valve": 0}'), [(3, NOW, 0.0, 0)]),
        (message('{"ch4": 1}', '"2026-05-01T16:00:00+08:00"'), [(1, NOW, 1.0, 0)]),
        (message('{"ch4": 1}', '"2026-05-01T08:00:00.25Z"'), [(1, NOW + 250_000, 1.0, 0)]),
        (message('{"ch4": 1}', f"{NOW_MS}.5"), [(1, NOW + 500, 1.0, 0)]),
        (b"[" + message('{"ch4": 1}') + b"," + message('{"valve": 1}') + b"]", [(1, NOW, 1.0, 0), (3, NOW, 1.0, 0)]),
        (b'[{"bn": "well-1:", "bt": 1777622400, "n": "ch4", "u": "%{LEL}", "v": 7}]', [(1, NOW, 7.0, 0)]),
        (b' {"id": 7, "values": {"ch4": 1}, "time": 1777622400000} ', [(1, NOW, 1.0, 0)]),
        (message('{"c\\u0068\\u0034": 1}'), [(1, NOW, 1.0, 0)]),
    ],
)
def test_each_documented_shape_is_understood(payload: bytes, expected: list[tuple[int, int, float, int]]) -> None:
    batch = decoded(payload)
    assert entries(batch) == expected
    assert reasons(batch) == []


DEEP = 100_000
REJECTED: list[tuple[RejectReason, bytes]] = [
    (R.BAD_ENCODING, b'{"time": 1777622400000, "values": {"\xff": 1}}'),
    (R.BAD_JSON, b""),
    (R.BAD_JSON, b"   "),
    (R.BAD_JSON, b"{"),
    (R.BAD_JSON, message('{"ch4": 1} trailing')),
    (R.BAD_JSON, b"[" * 2000 + b"]" * 2000),
    (R.BAD_SHAPE, b"[]"),
    (R.BAD_SHAPE, b"7"),
    (R.BAD_SHAPE, b"null"),
    (R.BAD_SHAPE, b'"ch4"'),
    (R.BAD_SHAPE, b"{}"),
    (R.BAD_SHAPE, b"[1]"),
    (R.BAD_SHAPE, message("{}")),
    (R.BAD_SHAPE, message("[]")),
    (R.BAD_SENML, b'[{"n": "ch4"}]'),
    (R.BAD_SENML, b'[{"n": "ch4", "v": 1, "vb": true}]'),
    (R.TOO_LARGE, message('{"ch4": 1}').ljust(4097)),
    (R.BAD_TIME, b'{"values": {"ch4": 1}}'),
    (R.BAD_TIME, message('{"ch4": 1}', '"2026-05-01T08:00:00"')),
    (R.BAD_TIME, message('{"ch4": 1}', '"yesterday"')),
    (R.BAD_TIME, message('{"ch4": 1}', '"2026-13-01T08:00:00Z"')),
    (R.BAD_TIME, message('{"ch4": 1}', '"\\ud800"')),
    (R.BAD_TIME, message('{"ch4": 1}', "true")),
    (R.BAD_TIME, message('{"ch4": 1}', "null")),
    (R.BAD_TIME, message('{"ch4": 1}', "[1]")),
    (R.BAD_TIME, message('{"ch4": 1}', "1e400")),
    (R.BAD_TIME, message('{"ch4": 1}', "9" * 398)),
    (R.BAD_TIME, message('{"ch4": 1}', "9" * 18)),
    (R.TOO_LATE, message('{"ch4": 1}', str(NOW_MS - 3_600_001))),
    (R.TOO_LATE, message('{"ch4": 1}', "0")),
    (R.TOO_LATE, message('{"ch4": 1}', '"0001-01-01T00:00:00+10:00"')),
    (R.IN_FUTURE, message('{"ch4": 1}', str(NOW_MS + 60_001))),
    (R.IN_FUTURE, message('{"ch4": 1}', '"9999-12-31T23:59:59-10:00"')),
    (R.UNKNOWN_PROPERTY, message('{"h2s": 1}')),
    (R.UNKNOWN_PROPERTY, message('{"\\ud800\\u0000": 1}')),
    (R.WRONG_UNIT, b'[{"bt": 1777622400, "n": "pressure", "u": "Pa", "v": 7}]'),
    (R.WRONG_TYPE, message('{"ch4": true}')),
    (R.WRONG_TYPE, message('{"ch4": "12"}')),
    (R.WRONG_TYPE, message('{"ch4": null}')),
    (R.WRONG_TYPE, message('{"ch4": {"v": 1}}')),
    (R.WRONG_TYPE, message('{"valve": 2}')),
    (R.WRONG_TYPE, message('{"valve": 0.5}')),
    (R.NOT_FINITE, message('{"ch4": NaN}')),
    (R.NOT_FINITE, message('{"ch4": -Infinity}')),
    (R.NOT_FINITE, message('{"ch4": 1e400}')),
    (R.NOT_FINITE, message('{"ch4": ' + "9" * 398 + "}")),
    (R.NOT_FINITE, message('{"ch4": ' + "9" * 4000 + "}")),
    (R.NOT_FINITE, b'[{"bt": 1777622400, "n": "ch4", "bv": ' + b"9" * 398 + b', "v": 1.5}]'),
    (R.DUPLICATE_KEY, message('{"ch4": 1, "ch4": 1}')),
    (R.DUPLICATE_KEY, b'{"time": 1777622400000, "time": 1777622400000, "values": {"ch4": 1}}'),
    (R.DUPLICATE_KEY, b'[{"bt": 1777622400, "n": "ch4", "v": 7, "v": 8}]'),
]


@pytest.mark.parametrize(("reason", "payload"), REJECTED, ids=[f"{r}-{i}" for i, (r, _) in enumerate(REJECTED)])
def test_a_bad_payload_is_kept_whole_with_its_own_reason(reason: RejectReason, payload: bytes) -> None:
    batch = decoded(payload)
    assert entries(batch) == []
    assert reasons(batch) == [reason]
    letter = batch.dead_letters[0]
    assert (letter.topic, letter.device, letter.payload) == (TOPIC, "well-1", payload)
    assert letter.rejection.detail


@pytest.mark.parametrize(
    ("reason", "topic"),
    [
        (R.BAD_TOPIC, "lifeline/530100/gas/well-1/state"),
        (R.BAD_TOPIC, "elsewhere"),
        (R.BAD_TOPIC, telemetry("530100", "water", "well-1")),
        (R.BAD_TOPIC, telemetry("110101", "gas", "well-1")),
        (R.UNKNOWN_DEVICE, telemetry("530100", "gas", "well-2")),
    ],
)
def test_a_message_on_another_topic_than_its_devices_is_kept_with_the_reason(reason: RejectReason, topic: str) -> None:
    batch = decoded(message('{"ch4": 1}'), topic=topic)
    assert entries(batch) == []
    assert [(letter.topic, letter.rejection.reason) for letter in batch.dead_letters] == [(topic, reason)]


def test_every_reason_that_decoding_gives_is_tried_here() -> None:
    tried = {reason for reason, _ in REJECTED} | {R.BAD_TOPIC, R.UNKNOWN_DEVICE}
    # The other two are given when the batch meets the database.
    assert tried == set(RejectReason) - {R.CONFLICT, R.REFUSED_BY_DATABASE}


def test_nesting_of_any_depth_is_rejected() -> None:
    payload = b'{"time": 1777622400000, "values": ' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}"
    limits = ingest.decode.Limits(lateness_micros=1, skew_micros=1, payload_bytes=2_000_000)
    batch = decode([TOPIC], [payload], catalog=CATALOG, limits=limits, now=NOW)
    assert reasons(batch) == [R.BAD_JSON]


def test_the_good_entries_of_a_message_are_kept_beside_its_bad_ones() -> None:
    batch = decoded(message('{"ch4": 1, "h2s": 2, "pressure": "low", "valve": false}'))
    assert entries(batch) == [(1, NOW, 1.0, 0), (3, NOW, 0.0, 0)]
    assert reasons(batch) == [R.WRONG_TYPE, R.UNKNOWN_PROPERTY]


def test_the_good_items_of_a_list_are_kept_beside_its_bad_ones() -> None:
    late = message('{"ch4": 3}', "0")
    batch = decoded(b"[" + b",".join([message('{"ch4": 1}'), b"7", late, b'{"time": 1}']) + b"]")
    assert entries(batch) == [(1, NOW, 1.0, 0)]
    assert reasons(batch) == [R.BAD_SHAPE, R.BAD_SHAPE, R.TOO_LATE]
    assert batch.dead_letters[0].rejection.detail.startswith("item 1:")


def test_a_message_with_endless_bad_entries_becomes_a_bounded_number_of_dead_letters() -> None:
    many = ", ".join(f'"p{n}": 1' for n in range(300))
    wrong = ", ".join(f'"q{n}": "x"' for n in range(30))
    limits = ingest.decode.Limits(lateness_micros=SECOND, skew_micros=SECOND, payload_bytes=100_000)
    payload = message(f'{{"ch4": 1, {many}, {wrong}}}')
    batch = decode([TOPIC], [payload], catalog=CATALOG, limits=limits, now=NOW)
    assert entries(batch) == [(1, NOW, 1.0, 0)]
    assert len(batch.dead_letters) == ingest.decode.LETTERS_PER_MESSAGE + 1
    assert sum(letter.entries for letter in batch.dead_letters) == 330
    last = batch.dead_letters[-1]
    assert (last.rejection.reason, last.entries, last.payload) == (R.UNKNOWN_PROPERTY, 280, payload)


def test_the_window_of_times_includes_both_its_ends() -> None:
    batch = decoded(
        message('{"ch4": 1}', str(NOW_MS - 3_600_000)),
        message('{"ch4": 2}', str(NOW_MS + 60_000)),
    )
    assert [entry[1] for entry in entries(batch)] == [NOW - 3600 * SECOND, NOW + 60 * SECOND]


def test_a_value_outside_its_physical_range_is_stored_as_doubtful() -> None:
    batch = decoded(message('{"ch4": 100}'), message('{"ch4": 100.1}'), message('{"ch4": -0.1}'))
    assert [entry[3] for entry in entries(batch)] == [Quality.GOOD, Quality.OUT_OF_RANGE, Quality.OUT_OF_RANGE]


def test_entries_know_the_message_they_came_in() -> None:
    batch = decoded(message('{"ch4": 1, "pressure": 1}'), b"{", message('{"valve": 1}'))
    assert batch.sources.tolist() == [0, 0, 2]
    assert batch.messages == 3


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(10**310), max_value=10**310)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        ["2026-05-01T08:00:00Z", "2026-05-01T08:00:00", NOW_MS, NOW_MS / 1000, NOW_MS - 1, "%{LEL}", 1e308]
    )
)
keys = st.sampled_from(
    [
        "time",
        "values",
        "ch4",
        "pressure",
        "valve",
        "n",
        "bn",
        "bt",
        "t",
        "v",
        "vb",
        "vs",
        "bv",
        "u",
        "bu",
        "s",
        "bver",
        "x_",
    ]
) | st.text(max_size=3)
documents: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)
shaped = st.fixed_dictionaries({"time": scalars, "values": st.dictionaries(keys, scalars, max_size=4)})


def _balanced(payloads: list[bytes]) -> None:
    batch = decoded(*payloads)
    assert batch.messages == len(payloads)
    accounted = set(batch.sources.tolist()) | {payloads.index(letter.payload) for letter in batch.dead_letters}
    assert {payloads.index(payload) for payload in payloads} <= {payloads.index(payloads[i]) for i in accounted}
    for stream, time, value, _ in entries(batch):
        assert stream in {1, 2, 3}
        assert NOW - LIMITS.lateness_micros <= time <= NOW + LIMITS.skew_micros
        assert abs(value) <= 1.8e308


@given(st.lists(st.binary(max_size=64), min_size=1, max_size=5))
def test_any_bytes_end_as_rows_and_dead_letters(payloads: list[bytes]) -> None:
    _balanced(payloads)


@given(st.lists(documents | shaped | st.lists(shaped, max_size=3), min_size=1, max_size=4))
def test_any_json_ends_as_rows_and_dead_letters(items: list[Any]) -> None:
    _balanced([json.dumps(item).encode() for item in items])


@given(st.lists(st.dictionaries(keys, scalars, min_size=1, max_size=5), min_size=1, max_size=4))
def test_any_senml_ends_as_rows_and_dead_letters(pack: list[dict[str, Any]]) -> None:
    _balanced([json.dumps(pack).encode()])


times = (
    st.integers(min_value=NOW_MS - 4_000_000, max_value=NOW_MS + 100_000)
    | st.integers()
    | st.floats()
    | st.from_regex(r"2026-05-01[Tt ]08:00:0[0-9](\.[0-9]{1,9})?([Zz]|\+08:00)?", fullmatch=True)
    | scalars
)
numbers = st.floats() | st.integers() | st.booleans() | st.sampled_from([0, 1, -0.0, 2**63, 2**64, 0.1, 1e22])
properties = st.sampled_from(["ch4", "pressure", "valve", "h2s"])


@given(times, st.dictionaries(properties, numbers, max_size=4))
@example("2026-05-01T08:00:00.1234567Z", {"ch4": 1})
@example("2026-05-01T08:00:00.1234565Z", {"ch4": 1})
def test_the_fast_way_and_the_careful_way_agree(time: Any, values: dict[str, Any]) -> None:  # noqa: ANN401
    payload = json.dumps({"time": time, "values": values}).encode()
    with pytest.MonkeyPatch.context() as patch:
        fast = decoded(payload)
        patch.setattr(ingest.decode, "_plain", lambda *_: False)
        careful = decoded(payload)
    assert entries(fast) == entries(careful)
    assert [(x.device, x.rejection, x.payload) for x in fast.dead_letters] == [
        (x.device, x.rejection, x.payload) for x in careful.dead_letters
    ]
