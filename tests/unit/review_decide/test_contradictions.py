"""Review decide: what a conclusion denies or affirms of its findings."""

import pytest

from services.review.decision.consistency.contradictions import contradictions
from shared.fhir import codes
from shared.json import Json


def finding(display: str, code: str = "1") -> Json:
    return {
        "resourceType": "Observation",
        "code": codes.concept(codes.DCM, "121071", "Finding"),
        "valueCodeableConcept": codes.concept(codes.SNOMED, code, display),
    }


def asked(text: str, resource: Json) -> tuple[bool, bool]:
    """Whether one asks about it where it is confirmed, and where it is refuted."""
    outputs = {"it": resource}
    confirmed = contradictions(text, outputs, {"it"}, set())
    refuted = contradictions(text, outputs, set(), {"it"})
    return bool(confirmed), bool(refuted)


DENIED, AFFIRMED, EITHER, SILENT = (True, False), (False, True), (True, True), (False, False)


@pytest.mark.parametrize(
    ("text", "display", "expected"),
    [
        ("Masses, not pneumonia.", "Pneumonia", DENIED),
        ("No pneumonia.", "Pneumonia", DENIED),
        ("PNEUMONIA IS EXCLUDED", "Pneumonia", DENIED),
        ("The infiltrate is an artefact.", "Infiltrate", DENIED),
        ("Nil effusion.", "Pleural effusion", DENIED),
        ("Without evidence of a pneumothorax", "Pneumothorax", DENIED),
        ("There isn\u2019t any effusion", "Pleural effusion", DENIED),
        ("Neither consolidation nor cavitation.", "Consolidation", DENIED),
        ("Free of nodules", "Lung nodule", DENIED),
        ("Negative for fracture.", "Rib fracture", DENIED),
        ("Oedema absent.", "Pulmonary edema", DENIED),
        ("A tumour could not be confirmed.", "Lung tumor", DENIED),
        ("CT: PE excluded", "Pulmonary embolism", DENIED),
        ("No emboli.", "Pulmonary embolism", DENIED),
        ("This argues against cardiomegaly", "Cardiomegaly", DENIED),
        ("Scar tissue rather than a mass.", "Mass", DENIED),
        ("She denies hypertension.", "Hypertensive disorder", DENIED),
        ("No cardiomegaly, effusion or pneumonia.", "Pneumonia", DENIED),
        ("Pneumonia and effusion are ruled out.", "Pneumonia", DENIED),
        ("Pneumonia: none", "Pneumonia", DENIED),
        ("Pneumonia? No.", "Pneumonia", DENIED),
        ("Stenotic segments were never seen", "Stenosis", DENIED),
        ("No acute cardiopulmonary abnormality.", "Pneumonia", DENIED),
        ("Normal chest radiograph.", "Atelectasis", DENIED),
        ("Lungs clear.", "Pneumonia", DENIED),
        ("Lungs: clear", "Pneumonia", DENIED),
        ("Lungs and pleura: clear.", "Pneumonia", DENIED),
        ("CXR: normal", "Pneumonia", DENIED),
        ("Normal CXR", "Pneumonia", DENIED),
        ("CXR clear", "Pneumonia", DENIED),
        ("NAD", "Pneumonia", DENIED),
        ("WNL", "Pneumonia", DENIED),
        ("Chest: NAD.", "Pneumonia", DENIED),
        ("No focal consolidation", "Pneumonia", DENIED),
        ("No infiltrate", "Pneumonia", DENIED),
        ("No infiltration seen.", "Pneumonia", DENIED),
        ("No patchy opacities.", "Pneumonia", DENIED),
        ("No airspace disease.", "Pneumonia", DENIED),
        ("Lungs: not clear", "Pneumonia", SILENT),
        ("No new consolidation.", "Pneumonia", SILENT),
        ("Follow-up CXR in 6 weeks.", "Pneumonia", SILENT),
        ("It resolved; the opacity is gone.", "Opacity", DENIED),
        ("Clopidogrel was stopped.", "clopidogrel", DENIED),
        ("Pneumonia in the left lower zone.", "Pneumonia", AFFIRMED),
        ("No pneumothorax. Pneumonia on the left.", "Pneumonia", AFFIRMED),
        ("Pneumonia and no effusion.", "Pneumonia", AFFIRMED),
        ("No effusion but opacities at the base", "Opacity", AFFIRMED),
        ("No other abnormality. Small nodule.", "Nodule", AFFIRMED),
        ("Atelectatic changes rather than pneumonia.", "Atelectasis", AFFIRMED),
        ("AFFECTED BY COPD", "Chronic obstructive pulmonary disease", AFFIRMED),
        ("Pneumonia cannot be excluded.", "Pneumonia", EITHER),
        ("No cardiomegaly, pneumonia in the left lower lobe.", "Pneumonia", EITHER),
        ("Not pneumonia on the right. Pneumonia on the left.", "Pneumonia", EITHER),
        ("Not in keeping with pneumonia.", "Pneumonia", DENIED),
        ("Interval resolution of the pneumonia.", "Pneumonia", DENIED),
        ("What was taken for pneumonia is the breast shadow.", "Pneumonia", DENIED),
        ("Low likelihood of pneumonia.", "Pneumonia", DENIED),
        ("Disagree with pneumonia.", "Pneumonia", DENIED),
        ("Pneumothorax - negative", "Pneumothorax", DENIED),
        ("Lungs and pleura are clear.", "Pneumonia", DENIED),
        ("No acute process.", "Pneumonia", DENIED),
        ("Normal.", "Pneumonia", DENIED),
        ("Non-diabetic.", "Diabetes mellitus", DENIED),
        ("Patient no longer takes clopidogrel", "clopidogrel", DENIED),
        ("No change in the left basal pneumonia.", "Pneumonia", AFFIRMED),
        ("The effusion has not increased.", "Pleural effusion", AFFIRMED),
        ("Left basal pneumonia without effusion.", "Pneumonia", AFFIRMED),
        ("Fractured ribs 5 and 6", "Rib fracture", AFFIRMED),
        ("Rule out pneumonia clinically.", "Pneumonia", EITHER),
        ("Pneumonia left, none right.", "Pneumonia", EITHER),
        ("Cardiomegaly is questionable.", "Cardiomegaly", EITHER),
        ("Nothing to suggest a pneumothorax.", "Pneumothorax", DENIED),
        ("Hold clopidogrel.", "clopidogrel", DENIED),
        ("Superimposed pneumonia not excluded.", "Pneumonia", EITHER),
        ("Heart size is normal.", "Pneumonia", SILENT),
        ("The mediastinum is within normal limits.", "Pneumonia", SILENT),
        ("No pneumothorax.", "Pneumonia", SILENT),
        ("Massive hepatomegaly is absent.", "Mass", SILENT),
        ("Scoliosis. CT advised.", "Pneumonia", SILENT),
        ("", "Pneumonia", SILENT),
    ],
)
def test_what_a_conclusion_says_of_a_finding(
    text: str, display: str, expected: tuple[bool, bool]
) -> None:
    assert asked(text, finding(display)) == expected


def test_a_synonym_in_the_coding_names_it_too() -> None:
    coded = finding("Hypertensive disorder")
    coded["valueCodeableConcept"]["coding"].append({"display": "Raised blood pressure"})
    coded["valueCodeableConcept"]["text"] = "HTN"
    assert asked("Blood pressure is not raised.", coded) == DENIED
    assert asked("No HTN", coded) == DENIED
    assert asked("No blood pressure problem", finding("Hypertensive disorder")) == SILENT


def test_a_finding_that_says_that_something_is_absent_is_denied_by_who_sees_it() -> None:
    absent = {
        "resourceType": "Observation",
        "code": codes.concept(codes.SNOMED, "1", "Pneumothorax"),
        "valueCodeableConcept": codes.concept(codes.LOINC, "LA9634-2", "Absent"),
    }
    assert asked("Pneumothorax on the left.", absent) == DENIED
    assert asked("No pneumothorax.", absent) == AFFIRMED


NOT_SUSPECTED = "Pneumonia not suspected by the model: its score is below the threshold"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Right lower lobe pneumonia", DENIED),
        ("Pneumonia in the left lower zone.", DENIED),
        ("Pneumonia not suspected.", AFFIRMED),
        ("No pneumonia.", AFFIRMED),
        ("The heart is not enlarged.", SILENT),
        ("Its score is low, the model is new.", SILENT),
    ],
)
@pytest.mark.parametrize("code", ["NEG", "ND"])
def test_a_negative_finding_is_contradicted_by_who_affirms_what_it_denies(
    text: str, expected: tuple[bool, bool], code: str
) -> None:
    negative = {
        "resourceType": "Observation",
        "code": codes.concept(codes.DCM, "121071", "Finding"),
        "valueCodeableConcept": {"text": NOT_SUSPECTED},
        "interpretation": [codes.concept(codes.INTERPRETATION, code)],
    }
    assert asked(text, negative) == expected


@pytest.mark.parametrize(
    ("text", "voice"),
    [
        ("Pneumonia in the left lower zone.", "affirmed"),
        ("No pneumonia.", "denied"),
        ("The lungs are clear.", "denied"),
        ("Rib fracture.", ""),
    ],
)
def test_a_finding_that_is_left_out_is_asked_about_where_the_text_speaks_of_it(
    text: str, voice: str
) -> None:
    found = contradictions(text, {"it": finding("Pneumonia")}, (), (), {"it"})
    assert [(c.voice, c.fate) for c in found] == ([(voice, "left")] if voice else [])


def test_the_word_not_names_no_finding() -> None:
    value = {"text": "Effusion not seen by the model: its score is below the threshold"}
    assert asked("It was not the model.", finding("") | {"valueCodeableConcept": value}) == SILENT


@pytest.mark.parametrize("kind", ["Condition", "MedicationRequest", "ServiceRequest"])
def test_problems_and_orders_are_named_as_findings_are(kind: str) -> None:
    element = "medicationCodeableConcept" if kind == "MedicationRequest" else "code"
    named = {"resourceType": kind, element: {"text": "Rehabilitation"}}
    assert asked("Rehabilitation was declined.", named) == DENIED
    assert asked("Rehabilitation from Monday.", named) == AFFIRMED


def test_a_goal_is_never_asked_about() -> None:
    goal = {"resourceType": "Goal", "description": {"text": "No stent thrombosis"}}
    assert asked("No thrombosis.", goal) == SILENT


def test_each_contradiction_has_a_token_of_its_own() -> None:
    outputs = {"a": finding("Pneumonia"), "b": finding("Pleural effusion")}
    found = contradictions("No pneumonia, no effusion.", outputs, {"a", "b"}, set())
    again = contradictions("Pneumonia is excluded.", outputs, {"a"}, set())
    assert len({c.token for c in [*found, *again]}) == 3
    assert [c.name for c in found] == ["Pneumonia", "Pleural effusion"]
