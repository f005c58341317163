"""Notes reading: texts of any kind and length, and their language."""

import itertools
import re
import time

import pytest

from services.notes.analyze import analyze, read
from services.notes.gather import MAX_CHARACTERS
from services.notes.reading.language import is_english
from services.notes.reading.sections import find_sections
from services.notes.reading.sentences import LONGEST, find_sentences
from shared.errors import NotAnalysed
from tests.unit.notes_reading.support import (
    BEGINNINGS,
    BLANK,
    FRENCH,
    GERMAN,
    HEADINGS,
    LISTS,
    NAMES,
    PUNCTUATION,
    SPANISH,
    ListsOnly,
    note,
)


@pytest.mark.parametrize(
    "begin, piece",
    [
        *(("", p) for p in (*PUNCTUATION, *BLANK, *LISTS, *HEADINGS, *NAMES)),
        *itertools.product(BEGINNINGS, (" ", "*")),
    ],
)
def test_no_text_takes_long(begin: str, piece: str) -> None:
    text = begin + piece * (MAX_CHARACTERS // len(piece) - len(begin)) + "x"
    began = time.process_time()
    is_english(text)
    read(note(text), ListsOnly())
    assert time.process_time() - began < 10  # asterisks took for ever, blanks half a minute


def test_what_never_ends_is_cut_at_a_blank_and_nothing_is_lost() -> None:
    text = "no HTN " * 2000 + "x" * 5000 + " " + "HTN/" * 2000
    cut = find_sentences(text, find_sections(text))
    assert max(b - a for a, b in cut) <= LONGEST
    assert "".join(text[a:b] for a, b in cut).replace(" ", "") == text.replace(" ", "")
    assert [m.start for m in read(note(text), ListsOnly()).mentions] == [
        m.start() for m in re.finditer("HTN", text)
    ]


def test_a_line_of_marks_before_a_heading_is_no_part_of_it() -> None:
    text = "**** **Plan** :**\n- **Allergies**\n10. Family History: \n***\n"
    assert [s.category for s in find_sections(text)] == [
        "",
        "assessment_and_plan",
        "allergies",
        "family_history",
    ]


@pytest.mark.parametrize(
    "text",
    [
        GERMAN,
        FRENCH,
        SPANISH,
        "咳嗽和发烧三天,没有胸痛。高血压病史。",
        "Кашель и лихорадка три дня",
    ],
)
def test_another_language_is_not_analysed(text: str) -> None:
    [answer] = analyze([note(text)], ListsOnly())
    assert isinstance(answer, NotAnalysed)
    assert answer.reason == "The note is not in English."


@pytest.mark.parametrize(
    "text",
    [
        "HTN, DM2, CAD s/p stent. ASA 81 po qd, metoprolol 25 bid.",
        "Pt c/o SOB x3d. No CP.",
        "Mrs. Müller from São Paulo has had a fever for three days, and she takes aspirin for her "
        "heart.",
        "5 mg",
        "Labs: Na 138 K 4.1 Cl 102 HCO3 24 BUN 12 Cr 0.9 Glu 101 WBC 11.2 Hgb 13.1 Plt 220 INR 1.0",
    ],
)
def test_terse_english_is_english(text: str) -> None:
    assert is_english(text)


def test_what_the_attachment_declares_is_believed() -> None:
    assert is_english("Fever.", "en-GB")
    assert not is_english("Fever and cough, and she has no chest pain.", "de")
