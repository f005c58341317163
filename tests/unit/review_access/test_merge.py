"""What one request changed, merged into what others changed meanwhile."""

from typing import Any

import pytest

from services.review.access.sessions.merge import entries, items, latest, merged

RULES = {"act": latest, "looks": entries, "said": items}
Values = dict[str, Any]


@pytest.mark.parametrize(
    ("kept", "found", "left", "expected"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, {"a": 1, "c": 3}, {"a": 1, "b": 2, "c": 3}),
        ({"a": 2}, {"a": 1}, {"a": 1, "c": 3}, {"a": 2, "c": 3}),
        ({}, {"a": 1}, {"a": 1, "c": 3}, {"c": 3}),
        ({"a": 1}, {"a": 1}, {}, {}),
        ({"a": 2}, {"a": 1}, {}, {"a": 2}),
        ({"a": 2}, {"a": 1}, {"a": 3}, {"a": 3}),
    ],
)
def test_a_request_changes_what_it_changed_alone(
    kept: Values, found: Values, left: Values, expected: Values
) -> None:
    assert merged(kept, found, left, RULES) == expected


def act(at: float) -> Values:
    return {"act": {"at": at}}


@pytest.mark.parametrize(
    ("kept", "found", "left", "expected"),
    [
        ({}, {}, act(5), act(5)),
        (act(4), {}, act(5), act(5)),
        (act(6), {}, act(5), act(6)),
        (act(6), act(4), act(5), act(6)),
        (act(4), act(4), {}, act(4)),
        ({"act": {}}, {}, act(5), act(5)),
    ],
)
def test_the_last_act_counts_not_the_last_writer(
    kept: Values, found: Values, left: Values, expected: Values
) -> None:
    assert merged(kept, found, left, RULES) == expected


@pytest.mark.parametrize(
    ("kept", "found", "left", "expected"),
    [
        ({}, {}, {"a": 1}, {"a": 1}),
        ({"b": 2}, {}, {"a": 1}, {"b": 2, "a": 1}),
        ({"a": 2}, {}, {"a": 1}, {"a": 2}),
        ({"a": 1, "b": 2}, {"a": 1}, {"c": 3}, {"b": 2, "c": 3}),
    ],
)
def test_entries_are_added_and_removed_one_by_one_in_their_order(
    kept: Values, found: Values, left: Values, expected: Values
) -> None:
    done = merged({"looks": kept}, {"looks": found}, {"looks": left}, RULES)["looks"]
    assert list(done.items()) == list(expected.items())


@pytest.mark.parametrize(
    ("kept", "found", "left", "expected"),
    [
        (["x"], [], ["y"], ["x", "y"]),
        (["x", "y"], ["x"], [], ["y"]),
        (["y"], ["x"], [], ["y"]),
        (["x"], ["x"], [], None),
        (["x"], ["x"], ["y"], ["y"]),
    ],
)
def test_no_message_is_lost(kept: Any, found: Any, left: Any, expected: Any) -> None:
    assert merged({"said": kept}, {"said": found}, {"said": left}, RULES).get("said") == expected
