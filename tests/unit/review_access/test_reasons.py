"""Which reason opens a record in an emergency."""

import pytest

from services.review.disclosure.emergency import NEEDS_WORDS, TOO_LONG, UNREADABLE, problem_of


@pytest.mark.parametrize(
    ("reason", "problem"),
    [
        ("Unconscious in the emergency room", ""),
        ("Bewusstlos, Schockraum 2\nAngehörige nicht erreichbar", ""),
        ("急诊室昏迷病人需要查看", ""),
        ("", NEEDS_WORDS),
        ("asap", NEEDS_WORDS),
        ("....................", NEEDS_WORDS),
        ("xxxxxxxxxxxxxxxxxxxx", NEEDS_WORDS),
        ("12345678901234567890", NEEDS_WORDS),
        ("Unconscious\u200b in the emergency room", UNREADABLE),
        ("Unconscious\x00 in the emergency room", UNREADABLE),
        ("Unconscious \u202egnimoc", UNREADABLE),
        ("Unconscious " * 100, TOO_LONG),
    ],
)
def test_a_reason_is_words_that_can_be_read(reason: str, problem: str) -> None:
    assert problem_of(reason) == problem
