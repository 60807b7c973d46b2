import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cursors import decode, encode, number_key, text_key
from api.problems import Problem


@given(
    st.text(alphabet=st.characters(codec="utf-8", categories=["L", "N", "P"]), max_size=128),
    st.integers(-(2**63) + 1, 2**63 - 1),
)
def test_a_cursor_gives_back_the_keys_it_was_made_of(text: str, number: int) -> None:
    assert decode("list", encode("list", text, number), "text", "number") == [text, number]


@given(st.text(max_size=300))
def test_an_invented_cursor_is_refused_never_an_error(text: str) -> None:
    with pytest.raises(Problem) as caught:
        decode("list", text, "text")
    assert caught.value.status_code == 422


def _forged(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "value",
    [
        ["other", "a"],
        ["list"],
        ["list", "a", "b"],
        ["list", 1],
        ["list", True],
        ["list", None],
        ["list", ["a"]],
        ["list", "a\x00b"],
        ["list", "\ud800"],
        {"list": "a"},
        "list",
        [],
    ],
)
def test_a_cursor_of_another_shape_is_refused(value: object) -> None:
    with pytest.raises(Problem):
        decode("list", _forged(value), "text")


@pytest.mark.parametrize("number", [2**63, -(2**63), 10**4000, 1.5, "1", True])
def test_a_number_that_no_database_holds_is_refused(number: object) -> None:
    with pytest.raises(Problem):
        decode("list", _forged(["list", number]) if number != 10**4000 else "x" * 5000, "number")


def test_a_cursor_nested_beyond_reason_is_refused() -> None:
    deep = base64.urlsafe_b64encode(b"[" * 700).decode()
    with pytest.raises(Problem):
        decode("list", deep, "text")


def test_no_cursor_is_the_first_page() -> None:
    assert text_key("list", None) is None
    assert number_key("list", None) is None


def test_a_number_beyond_its_column_is_kept_inside_it() -> None:
    assert number_key("list", encode("list", 2**40), maximum=2**31 - 1) == 2**31 - 1
