"""Review decide: answers, denials of everything, and other words for a finding."""

import pytest

from shared.json import Json
from tests.unit.review_decide.test_contradictions import (
    AFFIRMED,
    DENIED,
    EITHER,
    SILENT,
    asked,
    finding,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Pneumonia, no.", DENIED),
        ("Pneumonia - no.", DENIED),
        ("Pneumonia. No.", DENIED),
        ("Pneumonia; none", DENIED),
        ("Pneumonia? NO!", DENIED),
        ("Pneumonia (no)", DENIED),
        ("Pneumonia … no", DENIED),
        ("Pneumonia: neg", DENIED),
        ("Pneumonia (-)", DENIED),
        ("Pneumonia -ve", DENIED),
        ("Pneumonia: no evidence.", DENIED),
        ("Pneumonia, absent.", DENIED),
        ("Pneumonia -", EITHER),
        ("Effusion: yes. Pneumonia \u2013", EITHER),
        ("Masses, for which pneumonia was mistaken", DENIED),
        ("The mass was mistaken for pneumonia.", DENIED),
        ("Pneumonia is a mistake of the model.", DENIED),
        ("Pneumonia, no effusion.", AFFIRMED),
        ("Pneumonia - no effusion.", AFFIRMED),
        ("Pneumonia: no cavities.", AFFIRMED),
        ("Pneumonia - left lower lobe.", AFFIRMED),
    ],
)
def test_an_answer_after_its_name_denies_it(text: str, expected: tuple[bool, bool]) -> None:
    assert asked(text, finding("Pneumonia")) == expected


EVERYTHING = (
    "Negative study.",
    "The study is negative.",
    "Chest film: negative",
    "Negative chest film.",
    "False positive.",
    "A false-positive result of the model.",
    "False alarm.",
    "Suspected pneumonia. False positive.",
    "Nothing acute",
    "Nothing suspicious on this film.",
    "Nothing to report.",
    "Healthy lungs",
    "The lungs are healthy.",
    "Clean chest.",
    "Clear.",
    "All clear.",
    "Normal.",
    "It is unremarkable.",
    "Looks fine.",
    "Both lungs - clear",
    "No acute changes.",
    "Without any abnormality.",
    "No abnormality.",
)


@pytest.mark.parametrize("text", EVERYTHING)
@pytest.mark.parametrize("kind", ["Observation", "Condition"])
def test_a_negative_word_on_everything_denies_each_finding(text: str, kind: str) -> None:
    named: Json = finding("Pneumonia")
    if kind == "Condition":
        named = {"resourceType": kind, "code": named["valueCodeableConcept"]}
    assert asked(text, named)[0]
    assert "pneumonia" in text or not asked(text, named)[1]


@pytest.mark.parametrize(
    ("text", "display", "expected"),
    [
        ("There is no sign of bronchopneumonia.", "Pneumonia", DENIED),
        ("Bronchopneumonia on the left.", "Pneumonia", AFFIRMED),
        ("No PNA", "Pneumonia", DENIED),
        ("PNA in the left lower lobe.", "Pneumonia", AFFIRMED),
        ("No infection", "Pneumonia", DENIED),
        ("No sign of a chest infection.", "Pneumonia", DENIED),
        ("No infection of the left lung.", "Pneumonia", DENIED),
        ("Chest infection on the right.", "Pneumonia", AFFIRMED),
        ("Airspace disease on the left.", "Pneumonia", AFFIRMED),
        ("No pleural fluid.", "Pleural effusion", DENIED),
        ("No fluid.", "Pleural effusion", DENIED),
        ("No haemothorax.", "Pleural effusion", DENIED),
        ("No PTX.", "Pneumothorax", DENIED),
        ("The heart is not enlarged; no enlarged heart.", "Cardiomegaly", DENIED),
        ("No vascular congestion.", "Pulmonary edema", DENIED),
        ("No broken ribs.", "Rib fracture", DENIED),
        ("No clot.", "Pulmonary embolism", DENIED),
        ("No lobar collapse.", "Atelectasis", DENIED),
        ("No high blood pressure.", "Hypertensive disorder", DENIED),
        ("No HTN.", "Pulmonary hypertension", SILENT),
        ("Infection of the wound.", "Pneumonia", SILENT),
        ("Infection is likely.", "Pneumonia", SILENT),
        ("Infection cannot be excluded.", "Pneumonia", DENIED),
        ("No infection.", "Rib fracture", SILENT),
    ],
)
def test_another_word_for_a_finding_names_it(
    text: str, display: str, expected: tuple[bool, bool]
) -> None:
    assert asked(text, finding(display)) == expected


CLEAN = (
    "Pneumonia, no effusion.",
    "Pneumonia on the left. Otherwise normal chest.",
    "Consolidation on the left, otherwise clear lungs.",
    "No urinary tract infection.",
    "No infection of the wound.",
    "No viral infection.",
    "This is not a normal film.",
    "Not a false positive.",
    "The false positive rate of the model is known.",
    "The film shows clear consolidation on the left.",
    "Negative blood cultures.",
    "Room with negative pressure.",
    "Negative for tuberculosis.",
    "Film negative for a fracture.",
    "Nothing acute in the abdomen.",
    "The airway is clear.",
    "The heart is healthy.",
    "The bones are unremarkable.",
    "The name on the film was mistaken.",
    "Infection control was told.",
    "To clear the lungs, physiotherapy.",
)


@pytest.mark.parametrize("text", CLEAN)
def test_what_denies_no_pneumonia_is_not_asked_about(text: str) -> None:
    confirmed, _ = asked(text, finding("Pneumonia"))
    assert not confirmed
