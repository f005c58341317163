"""A record in use that another is said to replace: nobody guesses, and it is named."""

import pytest

from shared.json import Json
from tests.unit.test_person import by, of, person, record


@pytest.mark.parametrize(
    ("records", "successors"),
    [
        ([record("a", by("b"), active=True), record("b")], ("Patient/b",)),
        ([record("a", active=True), record("b", of("a"))], ("Patient/b",)),
        ([record("a", by("gone"), active=True)], ("Patient/gone",)),
        (
            [record("a", by("https://b.example/fhir/Patient/1"), active=True)],
            ("https://b.example/fhir/Patient/1",),
        ),
        ([record("a", active=True), record("b", by("a"), active=True)], ()),
        ([record("a", of("b"), active=True), record("b", active=True)], ()),
        ([record("a", ("refer", "b"), active=True), record("b")], ()),
    ],
    ids=["by itself", "by the other", "gone", "elsewhere", "the end", "it replaces", "refer"],
)
def test_what_is_said_to_replace_a_record_in_use_is_named(
    records: list[Json], successors: tuple[str, ...]
) -> None:
    assert person("a", *records).successors == successors
