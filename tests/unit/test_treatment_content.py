"""The digest of the clinical content: what has a plan drawn again, what does not."""

from copy import deepcopy
from typing import Any

import pytest

from services.treatment.record.content import content_of
from shared.fhir import codes
from shared.json import Json
from tests.unit.treatment_record import (
    CLOPIDOGREL,
    CYP2C19,
    GENOMICS,
    LOOP,
    OMEPRAZOLE,
    PATIENT,
    allergy,
    condition,
    inputs_of,
    laboratory,
    order,
    ours,
    patient,
    pneumonia,
    report,
    resource,
)

NOTE_PROBLEM = condition(
    "38341003", "Hypertension", verification="unconfirmed", identifier=ours("notes")
)
ALLERGY = allergy("penicillin")
CREATININE = laboratory("2160-0", 1.1, "mg/dL")
FINDING = pneumonia()
IMAGING = report("imaging", "img", FINDING, conclusion="Suspicious of pneumonia.")
RECORD = (*LOOP, IMAGING, FINDING, NOTE_PROBLEM, ALLERGY, CREATININE)


def content(*resources: Json) -> str:
    return inputs_of(*resources).content


def changed(target: Json, **elements: Any) -> str:
    """The content after one resource became another version."""
    return content(
        *(({**r, **elements, "meta": {"versionId": "2"}} if r is target else r) for r in RECORD)
    )


BEFORE = content(*RECORD)


@pytest.mark.parametrize("status", ["final", "partial", "registered"])
def test_a_bare_signature_opens_nothing(status: str) -> None:
    written_by_us = (GENOMICS, IMAGING, *CYP2C19, FINDING)
    signed = [
        {**r, "status": status, "meta": {"versionId": "7"}} if r in written_by_us else r
        for r in RECORD
    ]
    if status == "registered":
        assert content(*signed) != BEFORE, "a registered report has nothing to say yet"
        return
    confirmed = codes.concept(codes.CONDITION_VERIFICATION, "confirmed")
    signed = [{**r, "verificationStatus": confirmed} if r is NOTE_PROBLEM else r for r in signed]
    assert content(*signed) == BEFORE


@pytest.mark.parametrize(
    ("target", "elements"),
    [
        (GENOMICS, {"issued": "2027-01-01T00:00:00Z", "effectiveDateTime": "2027-01-01T00:00:00Z"}),
        (
            GENOMICS,
            {
                "performer": [{"display": "another"}],
                "resultsInterpreter": [{"reference": "Practitioner/1"}],
            },
        ),
        (GENOMICS, {"text": {"status": "generated", "div": "<div>x</div>"}}),
        (GENOMICS, {"identifier": [*ours("genomics"), {"system": "urn:x", "value": "1"}]}),
        (
            CYP2C19[0],
            {
                "issued": "2027-01-01T00:00:00Z",
                "effectiveDateTime": "2027-01-01T00:00:00Z",
                "device": {"reference": "Device/2"},
            },
        ),
        (NOTE_PROBLEM, {"recordedDate": "2027-01-01", "recorder": {"reference": "Practitioner/1"}}),
        (CLOPIDOGREL, {"authoredOn": "2027-01-01", "requester": {"reference": "Practitioner/1"}}),
        (ALLERGY, {"recordedDate": "2027-01-01"}),
        (CREATININE, {"performer": [{"reference": "Practitioner/1"}]}),
    ],
)
def test_who_wrote_when_and_how_it_is_shown_opens_nothing(target: Json, elements: Json) -> None:
    assert changed(target, **elements) == BEFORE


@pytest.mark.parametrize(
    ("target", "elements"),
    [
        (GENOMICS, {"status": "amended"}),
        (GENOMICS, {"status": "cancelled"}),
        (GENOMICS, {"status": "entered-in-error"}),
        (GENOMICS, {"conclusion": "Another reading."}),
        (GENOMICS, {"result": []}),
        (CYP2C19[0], {"valueCodeableConcept": {"text": "CYP2C19 *1/*1"}}),
        (CYP2C19[1], {"status": "corrected"}),
        (CYP2C19[1], {"status": "cancelled"}),
        (CYP2C19[1], {"note": [{"text": "Another recommendation."}]}),
        (IMAGING, {"status": "cancelled"}),
        (
            NOTE_PROBLEM,
            {"verificationStatus": codes.concept(codes.CONDITION_VERIFICATION, "refuted")},
        ),
        (
            NOTE_PROBLEM,
            {"verificationStatus": codes.concept(codes.CONDITION_VERIFICATION, "entered-in-error")},
        ),
        (NOTE_PROBLEM, {"clinicalStatus": codes.concept(codes.CONDITION_CLINICAL, "resolved")}),
        (CLOPIDOGREL, {"status": "stopped"}),
        (CLOPIDOGREL, {"dosageInstruction": [{"text": "150 mg once a day"}]}),
        (ALLERGY, {"clinicalStatus": {"coding": [{"code": "resolved"}]}}),
        (ALLERGY, {"code": {"text": "penicillin V"}}),
        (CREATININE, {"valueQuantity": codes.quantity(2.2, "mg/dL")}),
        (CREATININE, {"status": "entered-in-error"}),
    ],
)
def test_another_meaning_opens_a_plan(target: Json, elements: Json) -> None:
    assert changed(target, **elements) != BEFORE


@pytest.mark.parametrize(
    "written",
    [
        order(
            "ticagrelor", "1116632", identifier=ours("treatment"), status="draft", intent="proposal"
        ),
        order(
            "ticagrelor", "1116632", identifier=ours("treatment"), status="active", intent="order"
        ),
        resource(
            "CarePlan", "plan", identifier=ours("treatment"), status="draft", intent="proposal"
        ),
        resource(
            "DiagnosticReport", "own", identifier=ours("treatment"), status="final", conclusion="x"
        ),
        resource("DiagnosticReport", "foreign", status="final", conclusion="a laboratory's own"),
        laboratory("718-7", 13.0, "g/dL"),
        laboratory("2160-0", 3.0, "mg/dL", time="2020-01-01", id="older"),
        {
            **order("warfarin", "11289", id="other"),
            "subject": codes.reference("Patient/someone-else"),
        },
        order("warfarin", "11289", id="draft", status="draft"),
        order("warfarin", "11289", id="not", doNotPerform=True),
    ],
)
def test_no_echo_and_nothing_of_others(written: Json) -> None:
    assert content(*RECORD, written) == BEFORE


def test_a_clinicians_own_provisional_problem_counts_when_it_is_confirmed() -> None:
    provisional = condition("22298006", "Myocardial infarction", verification="provisional")
    confirmed = condition("22298006", "Myocardial infarction")
    assert content(*RECORD, provisional) != content(*RECORD, confirmed)


def test_the_order_of_what_is_read_does_not_matter() -> None:
    assert content(*reversed(RECORD)) == BEFORE
    assert content_of([OMEPRAZOLE, CLOPIDOGREL]) == content_of(
        [deepcopy(CLOPIDOGREL), deepcopy(OMEPRAZOLE)]
    )


def test_a_corrected_birth_date_opens_a_plan() -> None:
    others = [r for r in RECORD if r["resourceType"] != "Patient"]
    assert content(*others, {**patient(), "birthDate": "1940-05-01"}) != BEFORE


def test_what_the_plan_rests_on_is_named_with_its_version() -> None:
    sources = inputs_of(*RECORD).sources
    read = (
        GENOMICS,
        IMAGING,
        *CYP2C19,
        FINDING,
        CLOPIDOGREL,
        OMEPRAZOLE,
        NOTE_PROBLEM,
        ALLERGY,
        CREATININE,
    )
    assert dict(sources) == {PATIENT: "1"} | {f"{r['resourceType']}/{r['id']}": "1" for r in read}


def test_an_order_that_points_to_a_medication_is_understood_and_its_content_counts() -> None:
    def pointing(code: str) -> Json:
        medication = resource("Medication", "m", code=codes.concept(codes.RXNORM, code))
        request = {k: v for k, v in order("x").items() if k != "medicationCodeableConcept"} | {
            "medicationReference": codes.reference("Medication/m")
        }
        inputs = inputs_of(patient(), request, medication)
        assert inputs.sources["Medication/m"] == "1"
        return {"content": inputs.content, "codes": inputs.medications[0].codes}

    warfarin, aspirin = pointing("11289"), pointing("1191")
    assert warfarin["codes"] == (f"{codes.RXNORM}|11289",)
    assert warfarin["content"] != aspirin["content"]


def test_a_medication_that_was_entered_in_error_names_no_drug() -> None:
    request = {k: v for k, v in order("x").items() if k != "medicationCodeableConcept"} | {
        "medicationReference": codes.reference("Medication/m")
    }
    inputs = inputs_of(
        patient(),
        request,
        resource(
            "Medication", "m", status="entered-in-error", code=codes.concept(codes.RXNORM, "11289")
        ),
    )
    assert inputs.medications[0].codes == ()
    assert set(inputs.sources) == {PATIENT, "MedicationRequest/mr-x"}


def test_a_contained_medication_is_understood_and_is_no_source_of_its_own() -> None:
    medication = {
        "resourceType": "Medication",
        "id": "m",
        "code": codes.concept(codes.RXNORM, "11289"),
    }
    request = {k: v for k, v in order("x").items() if k != "medicationCodeableConcept"} | {
        "contained": [medication],
        "medicationReference": {"reference": "#m"},
    }
    inputs = inputs_of(patient(), request)
    assert inputs.medications[0].codes == (f"{codes.RXNORM}|11289",)
    assert set(inputs.sources) == {PATIENT, "MedicationRequest/mr-x"}
