"""The PDF: selectable text, every page named and numbered, text is data."""

import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from services.review.report.content import Line, Run, Section, named, text
from services.review.report.letters import LOST
from services.review.report.paper import pdf
from tests.unit.review_report.support import CONCLUSION, a_report, pages

LONG = 9_000


def test_all_that_it_says_can_be_selected() -> None:
    [page] = pages(a_report())
    for words in (
        "Chest film",
        "Signed by Dr. Ada Berg, 28 Nov 2026, 14:32 CET",
        "Erika Mustermann, born 2 Mar 1940, MRN 7",
        "2 Mar 1940 (86 y)",
        "Conclusion",
        CONCLUSION,
        "Printed on 28 Nov 2026, 15:02 CET by Dr. Ada Berg",
        "Task/7, revision 1",
        "Page 1 of 1",
    ):
        assert words in page, words


def test_a_long_conclusion_flows_and_each_page_says_whose_it_is() -> None:
    words = " ".join(f"word{n}" for n in range(LONG))
    made = pages(a_report(sections=[Section("Conclusion", [text(words)])]))
    assert len(made) >= 10
    assert all(f"word{n}" in " ".join(made) for n in range(LONG))
    for number, page in enumerate(made, 1):
        assert f"Page {number} of {len(made)}" in page
        assert "Erika Mustermann, born 2 Mar 1940, MRN 7" in page


@pytest.mark.parametrize(
    "name",
    [
        "Łucja Brzęczyszczykiewicz-Ążyć",
        "Ελένη Παπαδοπούλου",
        "Наталья Щербакова",
        "Ђорђе Шћепановић",
        "Þórdís Öðinsdóttir",
        "Nguyễn Thị Hường",
        "Gülşen İşçioğlu",
        "Նարինե Հակոբյան",
        "ნინო ბერიძე",
        "Ştefăniţa O’Neill-D’Angelo",
    ],
)
def test_names_of_europe_are_printed(name: str) -> None:
    [page] = pages(a_report(patient=[("Name", name)]))
    assert name in page and LOST not in page


@pytest.mark.parametrize(
    "name",
    ["山田 太郎", "محمد علي", "דוד כהן", "अमित कुमार", "สมชาย ใจดี", "Ada\u202eBerg", "Erika 🙂"],
)
def test_what_can_t_be_printed_is_said_and_where(name: str) -> None:
    [page] = pages(a_report(patient=[("Name", name)]))
    assert LOST in page
    assert "Some letters can't be printed here" in page and "the patient (Name)" in page


HOSTILE = [
    "</para><para>",
    '<img src="file:///etc/passwd"/>',
    "<font color=\"__import__('os')\">x</font>",
    "&lt;b&gt; &amp; &#65; &nbsp;",
    "<onDraw name=x/><a href='x'>",
    "<br/><br/>",
    "]]> <!-- x --> <?xml ?>",
    "%PDF (x) Tj \\( \\) <</JS>>",
]


@pytest.mark.parametrize("words", HOSTILE)
def test_marks_in_the_text_are_text(words: str) -> None:
    report = a_report(
        title=words,
        standing=words,
        patient=[(words, words)],
        patient_line=words,
        sections=[Section(words, [text(words), named(words, words), text(words, "small")])],
        printed=words,
        warnings=[words],
    )
    assert " ".join(pages(report)).count(words) >= 7


def test_one_word_without_end_stays_whole() -> None:
    word = "x" * 20_000
    made = pages(a_report(sections=[Section("Conclusion", [text(word)])], patient=[("Name", word)]))
    assert "".join(made).replace(" ", "").count("x") >= 40_000


def test_a_name_longer_than_a_page_is_printed_whole() -> None:
    name = " ".join(f"name{n}" for n in range(3_000))
    made = " ".join(pages(a_report(patient=[("Name", name)], patient_line=name)))
    assert all(f"name{n}" in made for n in range(3_000))
    assert "…" in made, "the line on each page says that something is missing"


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400))
def test_any_text_makes_a_file(words: str) -> None:
    lines = [text(words), Line([Run(words, "struck"), Run(words, "underlined")], "item")]
    made = pdf(a_report(sections=[Section(words, lines)], patient=[("Name", words)]))
    assert PdfReader(io.BytesIO(made)).pages


def test_a_withdrawn_one_says_so_across_every_page() -> None:
    words = [text(f"line {n}") for n in range(200)]
    made = pages(a_report(void="WITHDRAWN", sections=[Section("Conclusion", words)]))
    assert len(made) > 2 and all("WITHDRAWN" in page for page in made)
    assert "WITHDRAWN: do not act on this report." in made[0]
    assert not any("WITHDRAWN" in page for page in pages(a_report()))


def test_the_file_s_properties_name_nobody() -> None:
    made = pdf(a_report(title="Film of Erika Mustermann", warnings=["Erika"]))
    told = PdfReader(io.BytesIO(made)).metadata
    assert told and told.title == "Report: Chest film"
    assert not any("Erika" in str(v) or "1940" in str(v) for v in told.values())


def test_many_at_once_do_not_mix() -> None:
    names = [f"Patient number {n}" for n in range(12)]
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda n: pages(a_report(patient=[("Name", n)])), names))
    for name, [page] in zip(names, made, strict=True):
        assert name in page and not any(other in page for other in names if other not in name)
