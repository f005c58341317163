"""Notes reading: bytes."""

import contextlib
import itertools
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notes.analyze import analyze, read
from services.notes.reading.language import is_english
from services.notes.reading.sections import find_sections
from services.notes.reading.sentences import LONGEST, find_sentences
from shared.errors import InvalidInput, NotAnalysed
from shared.text.decoding import MAX_CHARACTERS, decode
from shared.text.markup import strip_markup
from tests.unit.notes_reading.support import (
    BEGINNINGS,
    BLANK,
    FRENCH,
    GERMAN,
    HEADINGS,
    HOSTILE,
    LISTS,
    NAMES,
    PUNCTUATION,
    SECRET,
    SPANISH,
    UNKNOWN_CHARSETS,
    ListsOnly,
    note,
)


@pytest.mark.parametrize(
    ("raw", "content_type", "text"),
    [
        ("Fièvre".encode("latin-1"), "text/plain; charset=ISO-8859-1", "Fièvre"),
        ("Fièvre".encode(), "text/plain", "Fièvre"),
        ("Fièvre".encode("utf-8-sig"), "text/plain;charset=utf-8", "Fièvre"),
        ("Fièvre".encode("utf-16"), "text/plain", "Fièvre"),
        (b"a+2AA-b", "text/plain; charset=utf-7", "a\ufffdb"),  # half a surrogate pair
        (
            "β-blocker \U0001f600\r\n".encode(),
            'text/plain; charset="UTF-8"',
            "β-blocker \U0001f600\r\n",
        ),
    ],
)
def test_a_note_is_read_in_the_charset_that_it_names(
    raw: bytes, content_type: str, text: str
) -> None:
    assert decode(raw, content_type) == text


@pytest.mark.parametrize(
    ("raw", "content_type", "says"),
    [
        (b"", "text/plain", "no text"),
        (b" \r\n\t", "text/plain", "no text"),
        (b"<html><body><p> </p></body></html>", "text/html", "no text"),
        (SECRET.encode() + b"\x00\x01\x02", "text/plain", "control characters"),
        (SECRET.encode() + b"\xff\xfe\xe9", "text/plain", "UTF-8"),
        (SECRET.encode() + b"\xe9", "text/plain; charset=utf-8", "charset that it names"),
        *(
            (SECRET.encode(), f"text/plain; charset={name}", "not known")
            for name in UNKNOWN_CHARSETS
        ),
        (b"<p>" + SECRET.encode() + b"<!-- until when > ", "text/html", "a comment"),
        (b"<title>" + SECRET.encode(), "text/html", "`title`"),
        (b"<style>" + SECRET.encode() + b"</styles>", "text/html", "`style`"),
        (b"<p title='>" + SECRET.encode() + b"'", "text/html", "a tag"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "text/plain", "UTF-8"),
        (b"fever " * (MAX_CHARACTERS // 6 + 1), "text/plain", "longer"),
    ],
)
def test_what_is_no_note_is_refused_without_a_word_of_it(
    raw: bytes, content_type: str, says: str
) -> None:
    with pytest.raises(InvalidInput, match=says) as refused:
        decode(raw, content_type)
    assert SECRET not in str(refused.value)


def test_markup_becomes_blanks_and_offsets_hold_in_the_source() -> None:
    source = (
        "<html><head><title>x</title><style>p {color: red}</style></head>\n<body><p "
        "class='fever'>No <b>chest pain</b></p>"
        "<p>BP &lt; 140 &amp; stable</p>\n<script>var cough</script></body>"
    )
    text = strip_markup(source)
    assert len(text) == len(source)
    assert " ".join(text.split()) == "No chest pain BP < 140 & stable"
    at = text.index("chest pain")
    assert source[at : at + 10] == "chest pain"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (
            "<html><head><title>x</title><p>No fever",
            "No fever",
        ),  # neither </head> nor <body>: HTML lets both be left out
        ("<head><meta charset='x'><body>No fever", "No fever"),
        ("<title>x<title>y</TITLE >No fever", "No fever"),
        ("<title/><style/>No fever", "No fever"),
        ("<!-->No<!--->&#32;fever<!-- x --!>", "No fever"),
        ("<p title='a > b' class=it's>No fever</p>", "No fever"),
        ("<![CDATA[x]]></>No fever</ p>", "No fever"),
        ("R&D, K &lt; 5, K <3, &#181; g", "R&D, K < 5, K <3, µ g"),
        ("the patients&#146; fever", "the patients’ fever"),  # Windows-1252, as HTML reads it
        ("fever&#xD800;", "fever\ufffd"),
        (f"fever&#{'9' * 5000};&#1;&#x110000;&#0;", "fever \ufffd \ufffd"),
        ("fever &unknown;&nbsp;", "fever &unknown;"),
        ("BP was <b", "BP was <b"),
    ],
)
def test_what_html_shows_is_read(source: str, text: str) -> None:
    read = decode(source.encode(), "text/html")
    assert len(read) == len(source)
    assert " ".join(read.split()) == text
    read.encode()


@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("end", ["", ">"])
def test_no_markup_takes_long(piece: str, end: str) -> None:
    began = time.perf_counter()
    with contextlib.suppress(InvalidInput):
        decode((piece * (MAX_CHARACTERS // len(piece) - 1) + end).encode(), "text/html")
    assert time.perf_counter() - began < 5  # the standard library's parser: up to minutes


@pytest.mark.parametrize(
    "begin, piece",
    [
        *(("", p) for p in (*PUNCTUATION, *BLANK, *LISTS, *HEADINGS, *NAMES)),
        *itertools.product(BEGINNINGS, (" ", "*")),
    ],
)
def test_no_text_takes_long(begin: str, piece: str) -> None:
    text = begin + piece * (MAX_CHARACTERS // len(piece) - len(begin)) + "x"
    began = time.perf_counter()
    is_english(text)
    read(note(text), ListsOnly())
    assert time.perf_counter() - began < 5  # asterisks took for ever, blanks half a minute


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


@given(
    st.text(alphabet=st.sampled_from("ab <>/&;#\n!-='\"pxdiv0"), max_size=80),
    st.sampled_from(["", *HOSTILE]),
    st.text(max_size=9),
)
def test_any_markup_keeps_its_length(source: str, piece: str, more: str) -> None:
    with contextlib.suppress(InvalidInput):
        assert len(strip_markup(source + piece + more)) == len(source + piece + more)


@given(st.binary(max_size=40), st.sampled_from(["text/plain", "text/html"]), st.text(max_size=12))
def test_any_bytes_are_a_text_or_refused(raw: bytes, kind: str, charset: str) -> None:
    for content_type in (kind, f"{kind}; charset={charset}", f"{kind}; charset*={charset}"):
        with contextlib.suppress(InvalidInput):
            decode(raw, content_type).encode()


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
