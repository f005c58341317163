"""Notes model: context."""

import logging
import time
from collections.abc import Sequence

import pytest

from services.notes.analyze import analyze, read
from services.notes.credible import SURE
from services.notes.domain import Entity, Findings, Inputs
from services.notes.model import NotesModel
from tests.integration.notes_model.support import NOTE, ODD, mentions, said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "She denies chest pain, shortness of breath or fever.",
            {"chest pain": "negated", "dyspnea": "negated", "fever": "negated"},
        ),
        (
            "No evidence of heart failure but there is pneumonia.",
            {"heart failure": "negated", "pneumonia": "present"},
        ),
        ("No history of asthma.", {"asthma": "negated"}),
        (
            "She has a history of asthma and hypertension.",
            {"asthma": "present", "hypertension": "present"},
        ),
        ("Extremities: No edema.", {"edema": "negated"}),
        ("Negative   for\npneumonia.", {"pneumonia": "negated"}),
        ("Pneumonia was ruled out.", {"pneumonia": "negated"}),
        ("Rule out pneumonia.", {"pneumonia": "possible"}),
        ("Possible pulmonary embolism.", {"pulmonary embolism": "possible"}),
        ("Mother with breast cancer.", {"breast cancer": "family"}),
        (
            "Family history of colon cancer, no family history of stroke.",
            {"colon cancer": "family"},
        ),
        ("Return if fever or vomiting.", {"fever": "hypothetical", "vomiting": "hypothetical"}),
        ("He had influenza two years ago.", {"influenza": "historical"}),
        ("No fever. Cough since Monday.", {"fever": "negated", "cough": "present"}),
        ("No change in her asthma medication; worsening dyspnea.", {"dyspnea": "present"}),
        (
            "Allergic to penicillin and codeine. Takes warfarin.",
            {"penicillin": "allergy", "codeine": "allergy", "warfarin": "present"},
        ),
        ("Penicillin allergy.", {"penicillin": "allergy"}),
        (
            "Warfarin was stopped in May; started apixaban.",
            {"warfarin": "stopped", "apixaban": "present"},
        ),
        ("Discontinue omeprazole.", {"omeprazole": "stopped"}),
        ("She is not on aspirin.", {"aspirin": "negated"}),
        ("Consider clopidogrel.", {"clopidogrel": "hypothetical"}),
    ],
)
def test_how_a_sentence_speaks_of_it(
    text: str, expected: dict[str, str], model: NotesModel
) -> None:
    found = said(text, model)
    assert {name: found.get(name) for name in expected} == expected


def test_negation_ends_with_its_sentence_and_its_line(model: NotesModel) -> None:
    assert said("- No diabetes\n- Gout\n- Asthma", model) == {
        "diabetes mellitus": "negated",
        "gout": "present",
        "asthma": "present",
    }


@pytest.mark.parametrize("text", ODD)
def test_spans_are_exact_whatever_the_characters(text: str, model: NotesModel) -> None:
    assert mentions(text, model)


def test_a_sentence_longer_than_the_network_is_read_to_its_end(model: NotesModel) -> None:
    text = "the patient who was seen and " * 400 + "has asthma and sarcoidosis"
    assert [m.text for m in mentions(text, model)][-2:] == ["asthma", "sarcoidosis"]


def test_the_model_finds_what_no_list_has(model: NotesModel) -> None:
    found = mentions(
        "He has sarcoidosis and takes bosentan 125 mg daily. Serum glucose was 101.", model
    )
    assert [(m.text, m.kind, m.concept) for m in found] == [
        ("sarcoidosis", "problem", None),
        ("bosentan", "drug", None),
    ]
    assert all(m.confidence is not None and SURE <= m.confidence <= 1 for m in found)


def test_the_demo_note(model: NotesModel) -> None:
    found = Findings(mentions(NOTE.read_text(encoding="utf-8"), model))
    problems = {group[0].name for group in found.present("problem").values()}
    assert {
        "hypertension",
        "coronary artery disease",
        "hyperlipidemia",
        "cough",
        "fever",
    } <= problems
    assert (
        not {"chest pain", "colon cancer", "pneumonia", "stroke", "type 2 diabetes mellitus"}
        & problems
    )
    assert {g[0].name for g in found.present("drug").values()} == {
        "clopidogrel",
        "aspirin",
        "omeprazole",
        "simvastatin",
        "lisinopril",
    }
    aside = {(m.name, m.assertion) for m in found.set_aside()}
    assert {
        ("chest pain", "negated"),
        ("colon cancer", "family"),
        ("pneumonia", "possible"),
        ("penicillin", "allergy"),
        ("ibuprofen", "negated"),
    } <= aside


def test_the_same_note_gives_the_same_findings_alone_and_in_a_batch(model: NotesModel) -> None:
    texts = [NOTE.read_text(encoding="utf-8"), "Gout.", "He has sarcoidosis."]
    batch = [Inputs("Patient/1", "", {}, "DocumentReference/1", "34117-2", t) for t in texts]
    together = analyze(batch, model)
    assert [analyze([i], model)[0] for i in batch] == together


def test_a_long_note_takes_time_in_proportion(model: NotesModel) -> None:
    page = NOTE.read_text(encoding="utf-8")
    began = time.process_time()
    one = len(mentions(page, model))
    short = time.process_time() - began
    began = time.process_time()
    many = len(mentions(page * 20, model))
    assert many == pytest.approx(20 * one, rel=0.05)
    assert time.process_time() - began < 60 * max(short, 0.05)


@pytest.mark.parametrize("piece", ["no HTN ", "no HTN. ", "HTN((((", "HTN no no no "])
def test_names_and_modifiers_without_a_full_stop_take_time_in_proportion(
    piece: str,
) -> None:
    class ListsOnly:
        def entities(self, passages: Sequence[str]) -> list[list[Entity]]:
            return [[] for _ in passages]

    def seconds(characters: int) -> float:
        began = time.process_time()
        text = piece * (characters // len(piece))
        assert len(
            read(
                Inputs("Patient/1", "", {}, "DocumentReference/1", "34117-2", text), ListsOnly()
            ).mentions
        ) == text.count("HTN")
        return time.process_time() - began

    seconds(2_000)
    assert seconds(32_000) < 8 * max(
        seconds(8_000), 0.1
    )  # each name with each modifier: 16 times as long


def test_nothing_of_the_note_is_logged(
    model: NotesModel, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    mentions("Zebediah denies quinsy. Takes warfarin.", model)
    out, err = capfd.readouterr()
    assert "quinsy" not in caplog.text + out + err
    assert "Zebediah" not in caplog.text + out + err
