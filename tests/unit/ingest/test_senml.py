"""SenML JSON packs as RFC 8428 has them."""

import pytest

from domain.observation import RejectReason
from domain.times import MICROS_PER_SECOND
from ingest.entry import BadPayloadError, Decoded, Entry
from ingest.message import decode_carefully
from tests.unit.ingest.registry import decoded, reasons

R = RejectReason
RECEIVED = 1_777_622_400 * MICROS_PER_SECOND


def pack(text: str) -> Decoded:
    return decode_carefully(text.encode(), device="well-1", received=RECEIVED)


def seconds(value: float) -> int:
    return round(value * MICROS_PER_SECOND)


def test_base_fields_hold_for_all_records_behind_them() -> None:
    """RFC 8428, 5.1.2, with properties of ours."""
    found = pack(
        '[{"bn":"urn:dev:ow:well-1:","bt":1.276020076001e+09,"bu":"A","bver":5,"n":"voltage","u":"V","v":120.1},'
        '{"n":"current","t":-5,"v":1.2},{"n":"current","t":-4,"v":1.3},{"n":"current","v":1.7}]'
    )
    at = 1_276_020_076.001
    assert found.rejections == []
    assert found.entries == [
        Entry("voltage", seconds(at), 120.1, "V"),
        Entry("current", seconds(at - 5), 1.2, "A"),
        Entry("current", seconds(at - 4), 1.3, "A"),
        Entry("current", seconds(at), 1.7, "A"),
    ]


def test_a_later_base_field_replaces_an_earlier_one() -> None:
    found = pack('[{"bn":"a","bt":1777000000,"v":1},{"bn":"b","v":2},{"bt":1777000009,"v":3}]')
    assert [(e.property, e.time) for e in found.entries] == [
        ("a", seconds(1_777_000_000)),
        ("b", seconds(1_777_000_000)),
        ("b", seconds(1_777_000_009)),
    ]


def test_times_below_two_to_the_28_count_from_the_arrival() -> None:
    found = pack('[{"n":"ch4","v":1},{"n":"ch4","t":-30,"v":2},{"n":"ch4","t":268435456,"v":3}]')
    assert [e.time for e in found.entries] == [RECEIVED, RECEIVED - seconds(30), seconds(2**28)]


def test_a_value_and_its_base_value_are_added_and_either_may_be_missing() -> None:
    found = pack('[{"n":"ch4","bv":10,"v":1.5},{"n":"ch4","v":2},{"n":"ch4"}]')
    assert [e.value for e in found.entries] == [11.5, 12, 10]


def test_a_boolean_value_stays_a_boolean() -> None:
    assert pack('[{"n":"valve","vb":true}]').entries[0].value is True


@pytest.mark.parametrize("base", ["well-1:", "well-1/", "urn:dev:mac:well-1:", "site/well-1/", ""])
def test_names_resolve_to_the_property_behind_the_device(base: str) -> None:
    assert pack(f'[{{"bn":"{base}","n":"ch4","v":1}}]').entries[0].property == "ch4"


def test_the_name_of_another_device_is_not_taken_for_ours() -> None:
    assert pack('[{"bn":"well-2:","n":"ch4","v":1}]').entries[0].property == "well-2:ch4"


def test_units_are_told_in_ucum() -> None:
    found = pack('[{"n":"a","u":"l/s","v":1},{"n":"b","u":"pH","v":1},{"n":"c","u":"Cel","v":1},{"n":"d","v":1}]')
    assert [e.unit for e in found.entries] == ["L/s", "[pH]", "Cel", None]


def test_a_record_of_base_fields_alone_sets_the_scene() -> None:
    found = pack('[{"bn":"well-1:","bt":1777000000},{"n":"ch4","v":1}]')
    assert found == Decoded([Entry("ch4", seconds(1_777_000_000), 1, None)], [])


def test_labels_that_need_not_be_understood_are_passed_over() -> None:
    assert pack('[{"n":"ch4","v":1,"ut":10,"l":"x","foo":[1]}]').entries == [Entry("ch4", RECEIVED, 1, None, 10.0)]


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (R.BAD_SENML, '[{"n":"ch4","v":1,"foo_":1}]'),
        (R.BAD_SENML, '[{"bver":11,"n":"ch4","v":1}]'),
        (R.BAD_SENML, '[{"n":"ch4","v":"1"}]'),
        (R.BAD_SENML, '[{"n":"ch4","v":true}]'),
        (R.BAD_SENML, '[{"n":7,"v":1}]'),
        (R.BAD_SENML, '[{"bn":"well-1:"}]'),
        (R.DUPLICATE_KEY, '[{"n":"ch4","v":1,"v":2}]'),
    ],
)
def test_a_pack_that_breaks_the_rfc_is_rejected_whole(reason: RejectReason, text: str) -> None:
    with pytest.raises(BadPayloadError) as caught:
        pack(text)
    assert caught.value.rejection.reason is reason


@pytest.mark.parametrize(
    ("reason", "record"),
    [
        (R.BAD_SENML, '{"n":"ch4"}'),
        (R.BAD_SENML, '{"n":"ch4","s":1}'),
        (R.BAD_SENML, '{"n":"ch4","v":1,"vb":true}'),
        (R.BAD_SENML, '{"n":"ch4","vb":1}'),
        (R.WRONG_TYPE, '{"n":"ch4","vs":"high"}'),
        (R.WRONG_TYPE, '{"n":"ch4","vd":"AA"}'),
        (R.BAD_TIME, '{"n":"ch4","t":1e300,"v":1}'),
    ],
)
def test_a_record_that_cannot_be_used_does_not_spoil_the_others(reason: RejectReason, record: str) -> None:
    found = pack(f'[{{"n":"valve","vb":true}},{record},{{"n":"pressure","v":2}}]')
    assert [e.property for e in found.entries] == ["valve", "pressure"]
    assert [r.reason for r in found.rejections] == [reason]
    assert found.rejections[0].detail.startswith("record 1:")


@pytest.mark.parametrize("promise", ["0", "-5", "0.5", "1e9", "1e400", "NaN"])
def test_a_promise_that_is_none_is_not_taken_and_the_value_is(promise: str) -> None:
    (entry,) = pack(f'[{{"n":"ch4","v":1,"ut":{promise}}}]').entries
    assert (entry.value, entry.promise_s) == (1, None)


def test_a_promise_that_is_no_number_breaks_the_pack() -> None:
    with pytest.raises(BadPayloadError) as caught:
        pack('[{"n":"ch4","v":1,"ut":"soon"}]')
    assert caught.value.rejection.reason is R.BAD_SENML


def test_the_promise_of_a_batch_is_the_one_that_was_made_last() -> None:
    found = decoded(
        b'[{"bt":1777622390,"n":"ch4","v":1,"ut":60},{"n":"ch4","t":-20,"v":2,"ut":3600},{"n":"pressure","v":5}]',
        b'[{"bt":1777000000,"n":"pressure","v":1,"ut":900}]',
    )
    assert found.promises == {1: 60.0}
    assert reasons(found) == ["too_late"]
