"""The letters that a printed report can show."""

import pytest

from services.review.report.letters import LOST, printable, shown
from tests.unit.review_report.support import a_report

GLYPHS = frozenset({*range(0x20, 0x250), 0x5D0, 0x627, 0x200B, 0x202E})


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("Erika", "Erika"),
        ("e\u0301", "é"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("a\tb", "a b"),
        ("Kran\xadkenhaus", "Krankenhaus"),
        ("山田太郎 (Yamada)", f"{LOST} (Yamada)"),
        ("\u05d0", LOST),  # the font has it, and would set it from the wrong side
        ("\u0627", LOST),
        ("a\u202eb", f"a{LOST}b"),
        ("a\u200bb", f"a{LOST}b"),
        ("a\x00b", f"a{LOST}b"),
        ("\ud800", LOST),
        ("", ""),
    ],
)
def test_what_the_font_can_t_show_is_marked(text: str, printed: str) -> None:
    assert printable(text, GLYPHS) == printed


def test_the_report_names_the_places_once() -> None:
    report = a_report(patient=[("Name", "山田"), ("Name", "太郎"), ("Born", "1940")])
    [warning] = shown(report, GLYPHS).warnings
    assert warning.endswith("They are in: the patient (Name).")


def test_a_question_in_brackets_of_the_author_s_own_is_no_loss() -> None:
    assert shown(a_report(standing=f"Signed {LOST}"), GLYPHS).warnings == []
