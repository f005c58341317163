"""Notes reading: sentences."""

import itertools
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from services.notes.analyze import read, windows
from services.notes.domain import Entity
from services.notes.reading.sections import find_sections, section_at
from services.notes.reading.sentences import find_sentences
from tests.unit.notes_reading.support import ListsOnly, note


def test_headings_are_found_in_lists_capitals_crlf_and_midline() -> None:
    text = (
        "CC: cough\r\n\r\nPast Medical History:\r\n- asthma\r\nFAMILY HISTORY: none. "
        "MEDICATIONS: aspirin\r\n\r\nSomething New:\r\nfever\r\n"
    )
    found = [(s.category, text[s.body : s.end].strip(" \r\n-")) for s in find_sections(text)]
    assert found == [
        ("", ""),
        ("chief_complaint", "cough"),
        ("past_medical_history", "asthma"),
        ("family_history", "none."),
        ("medications", "aspirin"),
        ("other", "fever"),
    ]


def test_a_word_that_is_also_a_heading_is_none_within_a_sentence() -> None:
    assert [
        s.category
        for s in find_sections("She has a history of gout and needs a plan for her medications.")
    ] == [""]


@given(st.text(alphabet=st.sampled_from("aB .,:\n\r\t-1CC:Plan"), max_size=200))
def test_sections_cover_the_text_and_sentences_stay_inside(text: str) -> None:
    sections = find_sections(text)
    assert sections[0].start == 0
    assert sections[-1].end == len(text)
    assert all(a.end == b.start for a, b in itertools.pairwise(sections))
    spans = find_sentences(text, sections)
    assert all(a < b for a, b in spans)
    assert all(b <= c for (_, b), (c, _) in itertools.pairwise(spans))
    words = "".join(text[s.body : s.end] for s in sections)
    assert "".join("".join(text[a:b].split()) for a, b in spans).replace("-", "") == "".join(
        words.split()
    ).replace("-", "")
    assert all(section_at(sections, a).start <= a < section_at(sections, a).end for a, _ in spans)


def test_a_wrapped_line_is_one_sentence_and_a_list_is_many() -> None:
    text = (
        "She denies chest pain and also any shortness of breath,\nfever or chills. Seen by Dr. "
        "Smith today.\n- gout\n- asthma\n1. Cough\nfever\n"
    )
    assert [" ".join(text[a:b].split()) for a, b in find_sentences(text, find_sections(text))] == [
        "She denies chest pain and also any shortness of breath, fever or chills.",
        "Seen by Dr. Smith today.",
        "gout",
        "asthma",
        "1. Cough",
        "fever",
    ]


def test_windows_hold_neighbours_and_leave_nothing_out() -> None:
    spans = [(i * 100, i * 100 + 90) for i in range(20)] + [(2000, 5000)]
    joined = windows("." * 5000, spans)
    assert joined[0] == (0, 590)
    assert all(any(a <= c and d <= b for a, b in joined) for c, d in spans)
    assert windows("x" * 5000, spans) == spans


def test_a_mark_that_runs_over_a_line_of_a_list_ends_with_it() -> None:
    class Marks(ListsOnly):
        def entities(self, passages: Sequence[str]) -> list[list[Entity]]:
            return [[Entity(0, len(p) + 30, "problem", 0.9)] for p in passages]

    text = "- zolosis\n- morbus x\n"
    assert [m.text for m in read(note(text), Marks()).mentions] == ["zolosis", "morbus x"]
