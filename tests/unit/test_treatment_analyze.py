"""Allergies, follow-up of imaging, results taken back, a batch, odd records."""

from datetime import date

import pytest

from services.treatment.analyze import analyze, find
from services.treatment.model import load, load_rules
from services.treatment.record.hospital import birth_date
from shared.fhir import codes
from shared.json import Json
from tests.unit.treatment_answer import findings
from tests.unit.treatment_record import (
    CYP2C19,
    LOOP,
    allergy,
    inputs_of,
    order,
    ours,
    patient,
    pneumonia,
    report,
    resource,
)


@pytest.mark.parametrize(
    ("recorded", "drug", "rxnorm", "severity"),
    [
        (allergy("Penicillin allergy"), "amoxicillin", "723", "high"),
        (allergy("x", code=codes.concept(codes.SNOMED, "91936005")), "amoxicillin", "723", "high"),
        (allergy("amoxicillin"), "penicillin v", "7984", "high"),
        (allergy("Penicillin allergy"), "cephalexin", "2231", "moderate"),
        (allergy("aspirin"), "aspirin", "1191", "high"),
    ],
)
def test_an_allergy_speaks_against_its_drug_and_its_class(
    recorded: Json, drug: str, rxnorm: str, severity: str
) -> None:
    (found,) = findings(patient(), recorded, order(drug, rxnorm)).alerts
    assert (found.code, found.severity) == ("ALGY", severity)
    assert f"AllergyIntolerance/{recorded['id']}" in found.implicated


def test_an_allergy_to_something_else_says_nothing() -> None:
    assert findings(patient(), allergy("peanuts"), order("amoxicillin", "723")).silent


def test_a_suspected_pneumonia_asks_for_a_clinician_unless_it_is_treated() -> None:
    film = (patient(), report("imaging", "img", pneumonia()), pneumonia())
    (asked,) = findings(*film, allergy("Penicillin allergy")).follow_ups
    assert asked.evidence == ("Observation/finding", "AllergyIntolerance/allergy-Penicillin")
    assert any("penicillin allergy" in w for w in asked.why)
    assert findings(*film, order("amoxicillin", "723")).follow_ups == ()


def test_a_finding_that_is_absent_asks_for_nothing() -> None:
    absent = {**pneumonia(), "interpretation": [{"coding": [{"code": "NEG"}]}]}
    assert findings(patient(), report("imaging", "img", absent), absent).silent


def test_a_rejected_result_says_nothing_any_more() -> None:
    rejected = tuple(
        {**r, "status": "cancelled"} if "gen" in r["id"] or r in CYP2C19 else r for r in LOOP
    )
    assert findings(*rejected).choices == ()


def test_a_dropped_finding_of_an_amended_report_says_nothing_any_more() -> None:
    amended = tuple(
        {**r, "status": "amended"}
        if r["id"] == "gen"
        else {**r, "status": "cancelled"}
        if r in CYP2C19
        else r
        for r in LOOP
    )
    assert findings(*amended).choices == ()


# --- the batch, and what is odd


def test_a_batch_has_one_findings_per_inputs() -> None:
    both = [inputs_of(*LOOP), inputs_of(patient())]
    loud, silent = analyze(both, load())
    assert not loud.silent
    assert silent.silent


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("1940-03-05", date(1940, 3, 5)),
        ("1940-03", date(1940, 3, 1)),
        ("1940", date(1940, 1, 1)),
        ("", None),
        ("1940-13-01", None),
        ("unknown", None),
    ],
)
def test_birth_dates_may_be_partial(written: str, expected: date | None) -> None:
    assert birth_date({"birthDate": written}) == expected


def test_bare_resources_are_read_without_a_guess() -> None:
    bare = [resource(kind, "bare") for kind in ("Condition", "AllergyIntolerance")]
    bare += [
        resource("MedicationRequest", "bare", status="active", intent="order"),
        resource("Observation", "bare", status="final"),
    ]
    odd = resource(
        "DiagnosticReport",
        "odd",
        identifier=ours("genomics"),
        status="preliminary",
        result=[codes.reference("Observation/bare"), {"display": "no reference"}],
    )
    inputs = inputs_of(
        {k: v for k, v in patient().items() if k not in ("birthDate", "gender")}, *bare, odd
    )
    assert (inputs.age, inputs.implications, inputs.measurements) == (None, (), ())
    assert find(inputs, load_rules()).silent
