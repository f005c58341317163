"""The pure parts that read a note: decoding, language, headings, sentences, names, tags."""

import contextlib
import itertools
import math
import re
import string
import time
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notes.analyze import analyze, assertion_of, merge, read, windows
from services.notes.domain import Entity, Findings, Inputs
from services.notes.reading.language import is_english
from services.notes.reading.lexicon import find_terms
from services.notes.reading.sections import find_sections, section_at
from services.notes.reading.sentences import LONGEST, find_sentences
from services.notes.reading.tags import entities, scheme_of
from shared.errors import InvalidInput, Misconfigured, NotAnalysed
from shared.terms import drugs, drugs_by_name, drugs_by_rxnorm
from shared.text.decoding import MAX_CHARACTERS, decode
from shared.text.markup import strip_markup

SECRET = "Zebediah"
UNKNOWN_CHARSETS = ("klingon", "punycode", "unicode_escape", "hex", "é", "klin\0gon", "x" * 9999)


class ListsOnly:
    """A reader that marks nothing and knows no modifier: what the lists and headings do alone."""

    def entities(self, passages: Sequence[str]) -> list[list[Entity]]:
        return [[] for _ in passages]

    def modifiers(
        self, sentences: Sequence[tuple[str, Sequence[tuple[int, int]]]]
    ) -> list[list[frozenset[str]]]:
        return [[frozenset() for _ in spans] for _, spans in sentences]


def note(text: str, language: str | None = None) -> Inputs:
    return Inputs(
        "Patient/1",
        "",
        {"DocumentReference/1": "1"},
        "DocumentReference/1",
        "34117-2",
        text,
        language,
    )


def listed(text: str) -> list[tuple[str, str, str]]:
    return [(m.text, m.name, m.assertion) for m in read(note(text), ListsOnly()).mentions]


# --- decoding


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


HOSTILE = (
    "<a ",
    "<!--",
    "<?",
    "</",
    "x<",
    "<a b='",
    "<title>",
    "&#",
    "&a",
    "<a b=",
    "<script></script ",
)


@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("end", ["", ">"])
def test_no_markup_takes_long(piece: str, end: str) -> None:
    began = time.perf_counter()
    with contextlib.suppress(InvalidInput):
        decode((piece * (MAX_CHARACTERS // len(piece) - 1) + end).encode(), "text/html")
    assert time.perf_counter() - began < 5  # the standard library's parser: up to minutes


PUNCTUATION = (*string.punctuation, "•", "–", "“", "…", "\u00a0")
BLANK = (" ", "\t\r", " \n", "\n", "a\n")
LISTS = (
    "\n- ",
    "\n#",
    "a. ",
    "no ",
    "- ",
    "* ",
    "** ",
    ": ",
    "A:",
    "1. ",
    "0",
    "x",
    "9.9",
    "A\n\n",
    "\n\nA",
    "Dr. ",
    ". (",
    "\n\n\r",
)
HEADINGS = (
    "PLAN: ",
    "PLAN",
    "PLAN ",
    "PLAN\n",
    ". PLAN",
    "Past Medical ",
    "Past Medical History:\n",
    "**Plan**\n",
    "\n\nOdd Title:",
)
NAMES = (
    "aspirin ",
    "aspirin, no fever. ",
    "HTN ",
    "takes aspirin 81 mg\n",
    "severe fever ",
    "aspirin 1",
)


BEGINNINGS = ("PLAN", ". PLAN", "\n\nOdd title", "aspirin 1", "1. ")


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


# --- language

GERMAN = (
    "Die Patientin wurde wegen Husten und Fieber aufgenommen. Keine Brustschmerzen, kein "
    "Durchfall. Seit drei Tagen Auswurf. Medikation: Aspirin."
)
FRENCH = (
    "La patiente est hospitalisée pour une toux avec de la fièvre depuis trois jours. Elle "
    "n'a pas de douleurs. Hypertension connue, lisinopril."
)
SPANISH = (
    "Paciente con tos y fiebre desde hace tres días, sin dolor en el pecho. Hipertensión y "
    "diabetes, en tratamiento con metformina."
)


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


# --- headings and sentences


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


# --- names


def test_the_longest_name_wins_and_another_disease_keeps_its_code() -> None:
    assert listed("pulmonary hypertension") == [
        ("pulmonary hypertension", "pulmonary hypertension", "present")
    ]
    assert listed("Ocular hypertension") == [
        ("Ocular hypertension", "ocular hypertension", "present")
    ]
    assert read(note("ocular hypertension"), ListsOnly()).mentions[0].concept is None
    assert (
        listed("Crohn’s disease and co-amoxiclav, high\nblood pressure")[0][1] == "Crohn's disease"
    )


def test_abbreviations_are_names_in_their_own_case_only() -> None:
    assert [name for _, name, _ in listed("HTN, DM2 and CAD; as a dm or cap")] == [
        "hypertension",
        "type 2 diabetes mellitus",
        "coronary artery disease",
    ]


def test_a_name_inside_another_word_is_none() -> None:
    assert listed("feverish goutlike aspirinated") == []


def test_every_listed_drug_name_is_found_under_its_ingredient() -> None:
    for name, drug in drugs_by_name().items():
        [found] = find_terms(name)
        assert (found.start, found.end, found.name) == (0, len(name), drug.name)
        assert (found.concept.code if found.concept else None) == drug.rxnorm


def test_the_shared_drug_list_names_each_drug_and_code_once() -> None:
    assert len(drugs()) > 200
    assert len(drugs_by_rxnorm()) == sum(1 for d in drugs() if d.rxnorm)
    assert sum(len(d.names) for d in drugs()) == len(drugs_by_name())
    assert drugs_by_name()["plavix"].rxnorm == "32968"
    assert all(code.isdigit() for code in drugs_by_rxnorm())


def test_headings_give_the_family_allergies_and_instructions() -> None:
    text = (
        "FAMILY HISTORY: colon cancer\nALLERGIES: penicillin (rash)\nDISCHARGE INSTRUCTIONS: "
        "call about fever; take aspirin\n"
    )
    assert listed(text) == [
        ("colon cancer", "colon cancer", "family"),
        ("penicillin", "penicillin", "allergy"),
        ("rash", "rash", "allergy"),
        ("fever", "fever", "hypothetical"),
        ("aspirin", "aspirin", "present"),
    ]


def test_a_chronic_disease_in_the_history_is_current_and_another_is_past() -> None:
    [none] = find_sections("")
    [asthma, influenza] = [next(find_terms(t)) for t in ("asthma", "influenza")]
    assert assertion_of(asthma, frozenset({"HISTORICAL"}), none) == "present"
    assert assertion_of(influenza, frozenset({"HISTORICAL"}), none) == "historical"
    assert assertion_of(asthma, frozenset({"HISTORICAL", "NEGATED_EXISTENCE"}), none) == "negated"
    assert assertion_of(influenza, frozenset({"FAMILY", "HISTORICAL"}), none) == "family"


# --- model and lists together


def test_a_qualified_name_keeps_its_code_and_another_disease_does_not_borrow_it() -> None:
    text = "severe hypertension; renovascular hypertension"
    terms = list(find_terms(text))
    severe, other = merge(
        [Entity(0, 19, "problem", 0.9), Entity(21, 46, "problem", 0.8), *terms], text
    )
    assert (severe.start, severe.end, severe.confidence) == (7, 19, 0.9)
    assert severe.concept is not None
    assert (other.start, other.end, other.concept) == (21, 46, None)


def test_marks_and_names_by_the_thousand_are_merged_at_once() -> None:
    text = "severe fever, " * (MAX_CHARACTERS // 14)
    marks = [Entity(m.start(), m.end(), "problem", 0.9) for m in re.finditer("severe fever", text)]
    one = Entity(0, len(text), "problem", 0.9)
    began = time.perf_counter()
    assert len(merge([*marks, *find_terms(text)], text)) == len(marks)
    assert merge([one, *find_terms(text)], text) == [one]
    assert (
        time.perf_counter() - began < 5
    )  # each with each: 15,000 names took 7 s, 50,000 over a minute


def test_a_chemical_counts_as_a_drug_only_with_a_dose_or_in_the_list_of_drugs() -> None:
    class Marks(ListsOnly):
        def entities(self, passages: Sequence[str]) -> list[list[Entity]]:
            return [
                [Entity(p.index("zolox"), p.index("zolox") + 5, "drug", 0.9)]
                if "zolox" in p
                else []
                for p in passages
            ]

    def found(text: str) -> int:
        return len(read(note(text), Marks()).mentions)

    assert found("serum zolox was 4.1") == 0
    assert found("takes zolox 5 mg daily") == 1
    assert found("MEDICATIONS: zolox") == 1


# --- tags

BIO = {0: "O", 1: "B-Chemical", 2: "I-Chemical", 3: "B-Disease", 4: "I-Disease"}


def scores(rows: Sequence[Sequence[float]]) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    return np.log(np.array(rows) / np.sum(rows, axis=1, keepdims=True))


def test_the_best_allowed_sequence_is_taken() -> None:
    # word by word, the best tags are O, I-Disease, I-Disease: an entity cannot begin with I-
    rows = [
        [0.6, 0.01, 0.01, 0.38, 0.01],
        [0.1, 0.01, 0.01, 0.01, 0.87],
        [0.1, 0.01, 0.01, 0.01, 0.87],
    ]
    [found] = entities([(0, 4), (5, 9), (10, 14)], scores(rows), scheme_of(BIO))
    assert (found.start, found.end, found.kind) == (0, 14, "problem")
    assert found.confidence == pytest.approx((0.39 + 0.88 + 0.88) / 3, abs=0.01)


def test_neighbours_stay_two_entities() -> None:
    rows = [
        [0.1, 0.8, 0.05, 0.03, 0.02],
        [0.1, 0.8, 0.05, 0.03, 0.02],
        [0.1, 0.02, 0.03, 0.8, 0.05],
    ]
    found = entities([(0, 1), (2, 3), (4, 5)], scores(rows), scheme_of(BIO))
    assert [(e.start, e.end, e.kind) for e in found] == [
        (0, 1, "drug"),
        (2, 3, "drug"),
        (4, 5, "problem"),
    ]
    assert entities([], np.zeros((0, 5)), scheme_of(BIO)) == []


@pytest.mark.parametrize(
    "labels",
    [
        {0: "O", 1: "I-problem", 2: "I-treatment"},  # no B- at all
        {0: "O", 1: "problem", 2: "test"},  # no prefix
        {0: "O", 1: "U-Disease", 2: "B-Disease", 3: "I-Disease", 4: "L-Disease"},
    ],
)
def test_other_schemes_of_labels_are_understood(labels: dict[int, str]) -> None:
    rows = np.full((2, len(labels)), 0.01)
    rows[0, 0], rows[1, 1] = 1.0, 1.0
    [found] = entities([(0, 1), (2, 6)], scores(rows.tolist()), scheme_of(labels))
    assert (found.start, found.end, found.kind) == (2, 6, "problem")


def test_a_model_without_our_kinds_is_refused_with_its_labels() -> None:
    with pytest.raises(Misconfigured, match="PER"):
        scheme_of({0: "O", 1: "B-PER"})


@given(st.lists(st.lists(st.floats(0.01, 1), min_size=5, max_size=5), min_size=1, max_size=12))
def test_entities_are_in_order_apart_and_with_a_probability(rows: list[list[float]]) -> None:
    found = entities([(2 * i, 2 * i + 1) for i in range(len(rows))], scores(rows), scheme_of(BIO))
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    assert all(
        e.confidence is not None and 0 < e.confidence <= 1 and not math.isnan(e.confidence)
        for e in found
    )


def test_findings_count_what_is_present_and_name_what_is_not() -> None:
    found = read(
        note("Hypertension. High blood pressure.\nFAMILY HISTORY: gout. Gout."), ListsOnly()
    )
    assert isinstance(found, Findings)
    assert [[m.text for m in group] for group in found.present("problem").values()] == [
        ["Hypertension", "High blood pressure"]
    ]
    assert [(m.text, m.assertion) for m in found.set_aside()] == [("gout", "family")]
