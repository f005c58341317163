"""Which reason opens a record in an emergency."""

import pytest

from services.review.decision import typed
from services.review.disclosure.emergency import MOST, NEEDS_WORDS, problem_of


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
    ],
)
def test_a_reason_is_words_that_can_be_read(reason: str, problem: str) -> None:
    assert problem_of(reason) == problem


@pytest.mark.parametrize(
    "reason",
    [
        "Unconscious\u200b in the emergency room",
        "Unconscious\x00 in the emergency room",
        "Unconscious \u202egnimoc",
        "Unconscious in the \u3164 emergency room",
        "Unconscious\ufffd in the emergency room",
        "Unconscious " * 100,
    ],
)
def test_a_reason_is_refused_in_the_words_of_every_form(reason: str) -> None:
    assert problem_of(reason) == typed.problem(reason, "reason", MOST) != ""


def test_joiners_that_a_script_needs_are_words() -> None:
    assert (
        problem_of(
            "\u0628\u06cc\u0645\u0627\u0631 \u0646\u0645\u06cc\u200c\u062a\u0648\u0627\u0646\u062f"
        )
        == ""
    )
