"""Characters that nobody can see stand as their codes; letters of all scripts stay as they are."""

import pytest
from markupsafe import Markup

from services.review import present
from shared.text.unseen import has_unseen, visible

PLAIN = [
    "Erika Mustermann",
    "Ørsted-Đặng\u0301",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "\u0915\u094d\u200d\u0937",
    "\u05d3\u05d5\u05d3 \u05db\u05d4\u05df",
    "\U0001f469\u200d\U0001f52c",
    "two\nlines\tand a tab",
    "李小龍",
]
HIDDEN = {
    "\u202ennamretsuM": "[U+202E]nnamretsuM",
    "Er\u200bika": "Er[U+200B]ika",
    "Erika\u200d": "Erika[U+200D]",
    "\u2066Erika\u2069": "[U+2066]Erika[U+2069]",
    "Eri\u00adka": "Eri[U+00AD]ka",
    "\ufeffErika": "[U+FEFF]Erika",
    "\u3164": "[U+3164]",
    "a\x07b\x00": "a[U+0007]b[U+0000]",
    "\U000e0041": "[U+E0041]",
    "a\u2028b": "a[U+2028]b",
}


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_seen_stays(text: str) -> None:
    assert visible(text) == text and not has_unseen(text)


@pytest.mark.parametrize("text", HIDDEN)
def test_what_nobody_sees_stands_as_its_code(text: str) -> None:
    assert visible(text) == HIDDEN[text] and has_unseen(text) and not has_unseen(visible(text))


def test_line_ends_of_windows_are_line_ends() -> None:
    assert visible("a\r\nb") == "a\nb" and visible("a\rb") == "a[U+000D]b"


def test_marks_stay_marks_and_values_values() -> None:
    marked = present.visible_value(Markup("<b>a\u202eb</b>"))
    assert marked == Markup("<b>a[U+202E]b</b>") and isinstance(marked, Markup)
    assert not isinstance(present.visible_value("<b>\u202e"), Markup)
    assert present.visible_value(7) == 7 and present.visible_value(None) is None


def test_a_form_feed_between_two_pages_is_a_line_end() -> None:
    assert visible("page one\fpage two") == "page one\npage two"
