"""Review present: marks."""

import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notes.domain import Assertion, Inputs, Part
from services.notes.domain import Mention as NoteMention
from services.notes.resources import note_mention
from services.review import present
from services.review.panels import genes, passages, plan
from services.review.panels.passages import Span
from services.review.result import evidence, film
from shared.fhir import codes
from shared.text.doors.opened import Span as Place
from shared.text.doors.opening import open_attachment
from tests.unit.review_present.support import NOTES, a_film, mention


@given(
    st.text(max_size=60), st.lists(st.tuples(st.integers(-5, 70), st.integers(-5, 70)), max_size=8)
)
def test_a_marked_note_is_the_note(text: str, edges: list[tuple[int, int]]) -> None:
    segments = passages.marked(text, [Span(a, b, "problem", "x") for a, b in edges])
    assert "".join(s.text for s in segments) == text


def test_overlapping_mentions_are_all_named() -> None:
    segments = passages.marked(
        "chest pain", [Span(0, 10, "problem", "angina"), Span(6, 10, "problem", "pain")]
    )
    assert [(s.text, s.labels) for s in segments] == [
        ("chest ", ("angina",)),
        ("pain", ("angina", "pain")),
    ]


def test_a_mention_is_marked_where_it_stands_not_where_its_words_first_occur() -> None:
    drug = {
        "resourceType": "Observation",
        "valueCodeableConcept": {"text": "aspirin"},
        "extension": [mention(15, 22, "aspirin")],
    }
    assert passages.spans("no aspirin now aspirin", {"drug": drug}) == [
        Span(15, 22, "drug", "aspirin")
    ]


def test_offsets_that_do_not_fit_the_text_fall_back_to_its_words() -> None:
    drug = {
        "resourceType": "Observation",
        "extension": [mention(99, 106, "aspirin", "negated"), mention(0, 3, "gone")],
    }
    assert passages.spans("no aspirin", {"drug": drug}) == [
        Span(3, 10, "aside", "drug, negated", "negated")
    ]


def test_words_that_stand_in_several_places_are_marked_in_none_of_them() -> None:
    drug = {"resourceType": "Observation", "extension": [mention(99, 106, "aspirin")]}
    assert passages.spans("no aspirin, aspirin was stopped", {"drug": drug}) == []


@pytest.mark.parametrize(("source", "content_type"), NOTES.values(), ids=NOTES)
def test_the_marks_stand_where_the_notes_service_read(source: str, content_type: str) -> None:
    raw = source.encode()
    opened = open_attachment(raw, content_type)
    text = opened.text
    inputs = Inputs(
        "Patient/1",
        "",
        {},
        "DocumentReference/1",
        "34109-9",
        "first\n\f\n" + text,
        parts=(Part(0, 0, range(5)), Part(8, 1, opened.places)),
        attachments=2,
    )
    words = {
        "Diabetes": ("problem", "negated"),
        "Clopidogrel": ("drug", "present"),
        "高血圧": ("problem", "present"),
    }
    found = [
        NoteMention(kind, 8 + text.index(w), 8 + text.index(w) + len(w), w, "", how, 0.9, None, w)
        for w, (kind, how) in words.items()
    ]  # type: ignore[arg-type]
    outputs = {
        w.text: {
            "resourceType": "Observation",
            "code": {"text": w.text},
            "extension": [note_mention(inputs, w)],
        }
        for w in found
    }
    assert passages.spans(opened, outputs, 0) == []
    segments = passages.marked(text, passages.spans(opened, outputs, 1))
    assert [(s.text, s.sort, s.labels) for s in segments if s.labels] == [
        ("Diabetes", "aside", ("problem, negated",)),
        ("Clopidogrel", "drug", ("Clopidogrel",)),
        ("高血圧", "problem", ("高血圧",)),
    ]


def test_what_is_struck_out_is_shown_so() -> None:
    segments = passages.marked(
        "takes digoxin now", [Span(6, 13, "drug", "digoxin")], [Place(0, 9), Place(14, 17)]
    )
    assert [(s.text, s.struck, bool(s.labels)) for s in segments] == [
        ("takes ", True, False),
        ("dig", True, True),
        ("oxin", False, True),
        (" ", False, False),
        ("now", True, False),
    ]


def test_the_legend_counts_what_does_not_count() -> None:
    spans = [Span(0, 1, "aside", "x", how) for how in ("family", "negated", "negated")] + [
        Span(0, 1, "drug", "x")
    ]
    assert passages.not_counted(spans) == [("negated", 2), ("family", 1)]


def test_each_mark_has_a_sign_and_each_sign_a_meaning() -> None:
    text = "no aspirin; takes Plavix, clopidogrel; chest pain; mother: stroke"
    at = text.index
    spans = [
        Span(at("mother") + 8, len(text), "aside", "problem, family", "family"),
        Span(at("clopidogrel"), at("clopidogrel") + 11, "drug", "clopidogrel"),
        Span(at("chest"), at("chest") + 10, "problem", "Chest pain"),
        Span(at("Plavix"), at("Plavix") + 6, "drug", "clopidogrel"),
        Span(3, 10, "aside", "drug, negated", "negated"),
    ]
    assert [(m.sign, m.words, m.text) for m in passages.meanings(text, spans)] == [
        ("negated 1", ("aspirin",), "drug, negated: the note denies it"),
        ("drug 2", ("Plavix", "clopidogrel"), "drug: clopidogrel"),
        ("problem 3", ("chest pain",), "problem: Chest pain"),
        ("family 4", ("stroke",), "problem, family: about a relative"),
    ]
    signs = [(s.text, s.signs) for s in passages.marked(text, spans) if s.labels]
    assert signs == [
        ("aspirin", ("negated 1",)),
        ("Plavix", ("drug 2",)),
        ("clopidogrel", ("drug 2",)),
        ("chest pain", ("problem 3",)),
        ("stroke", ("family 4",)),
    ]


def test_of_overlapping_marks_each_has_its_sign_where_it_ends() -> None:
    spans = [Span(0, 10, "problem", "angina"), Span(0, 5, "problem", "chest")]
    found = [(s.text, s.signs) for s in passages.marked("chest pain", spans)]
    assert found == [("chest", ("problem 1",)), (" pain", ("problem 2",))]


@pytest.mark.parametrize("how", sorted({*get_args(Assertion)} - {"present"}))
def test_every_way_to_speak_of_something_has_words(how: str) -> None:
    [meaning] = passages.meanings("x", [Span(0, 1, "aside", f"drug, {how}", how)])
    assert meaning.text != f"drug, {how}: {passages.NOT_COUNTED}"


def test_an_unknown_way_to_speak_does_not_count_either() -> None:
    [unknown] = passages.meanings("x", [Span(0, 1, "aside", "drug, odd", "odd")])
    assert unknown.text == f"drug, odd: {passages.NOT_COUNTED}"


def test_a_gene_without_a_coded_question_for_its_phenotype_still_has_one() -> None:
    part = {"code": {"text": "phenotype"}, "valueCodeableConcept": {"text": "Decreased function"}}
    assert genes.phenotypes({"component": [part]}) == ["Decreased function"]


def test_the_choice_names_its_alternatives_and_its_guideline() -> None:
    group = {
        "resourceType": "RequestGroup",
        "id": "1",
        "action": [
            {
                "title": "Antiplatelet",
                "documentation": [{"display": "CPIC", "url": "https://cpicpgx.org"}],
                "action": [
                    {"title": "prasugrel 5 mg", "resource": {"reference": "MedicationRequest/2"}}
                ],
            }
        ],
    }
    request = {
        "resourceType": "MedicationRequest",
        "id": "2",
        "status": "draft",
        "medicationCodeableConcept": {"text": "prasugrel"},
    }
    [proposal] = plan.proposals({"group": group, "request": request}, {})
    assert proposal.group == "Antiplatelet" and proposal.citations == (
        {"display": "CPIC", "url": "https://cpicpgx.org"},
    )


def test_a_picture_is_what_it_says_or_nothing() -> None:
    png = {"content": {"contentType": "image/png", "data": "iVBORw0KGgo="}}
    assert evidence.picture(png) == (b"\x89PNG\r\n\x1a\n", "image/png")
    for content in (
        {"contentType": "image/svg+xml", "data": "PHN2Zy8+"},
        {"contentType": "image/png", "data": "PHN2Zy8+"},
        {"contentType": "image/png", "data": "*"},
        {},
    ):
        assert evidence.picture({"content": content}) is None


def test_a_model_card_can_not_bring_script() -> None:
    html = evidence.MARKDOWN.render(
        "# Card\n<script>alert(1)</script>\n\n[x](javascript:alert(1))\n\n|a|\n|-|\n|1|\n"
    )
    assert "<script" not in html and 'href="javascript' not in html and "<table>" in html


def test_confidence_is_the_extension() -> None:
    assert (
        present.confidence({"extension": [{"url": codes.AI_CONFIDENCE, "valueDecimal": 0}]}) == 0.0
    )
    assert present.confidence({}) is None


def test_addresses_in_words_become_links_and_nothing_else_does() -> None:
    html = str(
        present.linked(
            'See <b>https://cpicpgx.org/x/; also javascript:alert(1) and "https://a.example/?q=1&r=2".'
        )
    )
    assert re.findall(r'href="([^"]*)"', html) == [
        "https://cpicpgx.org/x/",
        "https://a.example/?q=1&amp;r=2",
    ]
    assert "<b>" not in html and "&lt;b&gt;" in html


def test_the_film_is_the_one_that_the_result_names_or_the_only_frontal_one() -> None:
    films = [a_film("1.2.1"), a_film("1.2.2"), a_film("1.2.3", "LL")]
    named = {"heat-map": {"identifier": [{"system": codes.DICOM_UID, "value": "urn:oid:1.2.2"}]}}
    assert film.analysed_film(films, named) is films[1]
    assert film.analysed_film([films[0], films[2]], {}) is films[0]
    assert film.analysed_film(films, {}) is None
