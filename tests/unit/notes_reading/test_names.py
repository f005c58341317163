"""Notes reading: names."""

import itertools
import math
import re
import time
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notes.analyze import merge, read
from services.notes.domain import Entity, Findings
from services.notes.gather import MAX_CHARACTERS
from services.notes.reading.lexicon import find_terms
from services.notes.reading.tags import entities, scheme_of
from shared.errors import Misconfigured
from shared.terms import drugs, drugs_by_name, drugs_by_rxnorm
from tests.unit.notes_reading.support import BIO, ListsOnly, listed, note, scores


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
    assert listed("History of asthma and influenza.") == [
        ("asthma", "asthma", "present"),
        ("influenza", "influenza", "historical"),
    ]
    assert listed("No history of asthma. Family history of influenza in 2010.") == [
        ("asthma", "asthma", "negated"),
        ("influenza", "influenza", "family"),
    ]


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
    began = time.process_time()
    assert len(merge([*marks, *find_terms(text)], text)) == len(marks)
    assert merge([one, *find_terms(text)], text) == [one]
    assert (
        time.process_time() - began < 5
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
