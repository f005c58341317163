"""JSON from strangers."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidInput
from shared.text.strict_json import MAX_DEPTH, loads

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_json_is_read_as_it_is(value: object) -> None:
    assert loads(json.dumps(value).encode()) == value


@given(st.binary())
def test_any_bytes_are_read_or_refused_and_what_is_read_can_be_written_again(body: bytes) -> None:
    try:
        value = loads(body)
    except InvalidInput:
        return
    orjson.dumps(value)


REFUSED = {
    "twice": b'{"a": 1, "b": {"c": 2, "c": 3}}',
    "NaN": b'{"a": NaN}',
    "infinity": b'{"a": -Infinity}',
    "beyond a double": b'{"a": 1e400}',
    "beyond 64 bits": b'{"a": 9223372036854775808}',
    "more digits than Python reads": b"9" * 10_000,
    "half a surrogate pair": rb'{"a": "\ud800"}',
    "not UTF-8": b'{"a": "\xff"}',
    "half": b'{"resourceType": "Patient", "gender',
    "empty": b"",
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep behind brackets in a string": b'["' + b"]" * 100_000 + b'", ' + b"[" * 100_000,
    "deep behind an escaped quote": rb'["\"' + b"]" * 100_000 + b'", ' + b"[" * 100_000,
    "deep behind brackets that close nothing": b"]" * 100_000 + b"[" * 100_000,
}


@pytest.mark.parametrize("story", REFUSED)
def test_what_the_usual_parsers_let_by_is_refused(story: str) -> None:
    with pytest.raises(InvalidInput):
        loads(REFUSED[story])


def test_the_limit_of_depth_is_exact_and_strings_do_not_count() -> None:
    assert loads(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    with pytest.raises(InvalidInput, match="deeper"):
        loads(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))
    assert loads(b'"' + b"[" * 1000 + b'"') == "[" * 1000


def test_a_byte_order_mark_is_no_mistake() -> None:
    assert loads(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_the_message_names_the_place_and_no_content() -> None:
    with pytest.raises(InvalidInput, match=r"^not JSON: line 2, column 10$"):
        loads(b'{"name":\n"Canary" "x"}')
