"""What genes mean for drugs: those that the patient takes come first, and a doubt is said."""

from typing import Any

import pytest

from services.review.panels import genes
from services.review.panels.parts import drawn
from services.review.result.taken import Taken, taken
from shared.errors import FhirError
from shared.fhir import codes
from shared.json import Json
from tests.unit.review_panels.support import PATIENT, Shelf, material, resource, result

REPORT = resource("DiagnosticReport", "1", status="preliminary")
ABNORMAL = [codes.concept(codes.INTERPRETATION, "A")]


def implication(id: str, drug: str, rxnorm: str, **more: Any) -> Json:
    concept = codes.concept(codes.RXNORM, rxnorm, drug)
    return resource(
        "Observation",
        id,
        code=codes.concept(codes.GENOMICS_TBD, "therapeutic-implication"),
        category=[codes.concept(codes.V2_0074, "GE")],
        component=[
            {"code": codes.concept(codes.LOINC, "51963-7"), "valueCodeableConcept": concept}
        ],
        **more,
    )


IMPLICATIONS = [
    implication("1", "atorvastatin", "83367", interpretation=ABNORMAL),
    implication("2", "clopidogrel", "32968", interpretation=ABNORMAL),
    implication("3", "fluorouracil", "4492"),
    implication("4", "simvastatin", "36567"),
    implication("5", "sertraline", "36437"),
]


def order(id: str, text: str = "", kind: str = "MedicationRequest", **more: Any) -> Json:
    concept = {"text": text} if text else None
    made = {"status": "active", "medicationCodeableConcept": concept} | more
    return resource(kind, id, **{k: v for k, v in made.items() if v is not None})


def advice(*record: Json) -> genes.Advice:
    ehr = Shelf(*record)
    parts = drawn(material(result(REPORT, *IMPLICATIONS), ehr=ehr))
    [lines] = [part.lines for part in parts if part.name == "advice"]
    assert isinstance(lines, genes.Advice)
    return lines


def named(lines: Any) -> list[str]:
    return [line.drug for line in lines]


@pytest.mark.parametrize(
    "written",
    [
        order("1", "Clopidogrel 75 mg tablet"),
        order("1", "Plavix 75"),
        order("1", medicationCodeableConcept=codes.concept(codes.RXNORM, "32968")),
        order("1", "clopidogrel", kind="MedicationStatement"),
        order("1", medicationReference=codes.reference("Medication/7")),
    ],
    ids=["by name", "by brand", "by code", "a statement", "through its Medication"],
)
def test_a_drug_that_the_patient_takes_comes_first(written: Json) -> None:
    held = {"itemCodeableConcept": codes.concept(codes.RXNORM, "32968", "clopidogrel")}
    medication = {"resourceType": "Medication", "id": "7", "ingredient": [held]}
    lines = advice(written, medication)
    assert named(lines.taken) == ["clopidogrel"]
    assert named(lines.change) == ["atorvastatin"]
    assert named(lines.usual) == ["fluorouracil", "sertraline", "simvastatin"]
    assert lines.unmatched == ()


def test_drugs_that_need_no_change_come_first_too() -> None:
    lines = advice(order("1", "Zocor 40 mg"), order("2", "Zoloft 50 mg"), order("3", "Lipitor 20"))
    assert named(lines.taken) == ["atorvastatin", "sertraline", "simvastatin"]


@pytest.mark.parametrize(
    "written",
    [
        order("1", "clopidogrel", status="stopped"),
        order("1", "clopidogrel", status="completed", kind="MedicationStatement"),
        order("1", "clopidogrel", status="entered-in-error"),
        order("1", "clopidogrel", intent="proposal"),
        order("1", "clopidogrel") | {"subject": codes.reference("Patient/2")},
    ],
    ids=["stopped", "completed", "in error", "proposed", "of somebody else"],
)
def test_what_is_not_taken_comes_not_first(written: Json) -> None:
    ehr = OfPatient(written)
    lines = genes.by_patient(genes.drug_advice(outputs()), taken(ehr, (PATIENT,)))
    assert lines.taken == []
    assert lines.unmatched == ()


class OfPatient(Shelf):
    """A shelf that gives each patient's own, as every EHR does."""

    def search(self, kind: str, params: Any, *, subject: str | None = None) -> Any:
        found = super().search(kind, params, subject=subject)
        return (r for r in found if r["subject"]["reference"] == params["patient"])


def outputs() -> dict[str, Json]:
    return {r["id"]: r for r in IMPLICATIONS}


@pytest.mark.parametrize("text", ["Statin, per protocol", "Study drug B", "SSRI"])
def test_a_class_or_a_name_that_is_unknown_is_said(text: str) -> None:
    lines = advice(order("1", text), order("2", "paracetamol 1 g"))
    assert lines.unmatched == (text,)
    assert lines.taken == []


def test_an_order_without_a_name_is_said() -> None:
    assert advice(order("1")).unmatched == ("a drug that the record does not name",)


def test_a_name_inside_another_is_no_match() -> None:
    assert advice(order("1", "esomeprazole"), order("2", "Pseudosertraline X")).taken == []


class Refusing(Shelf):
    """An EHR that has no MedicationStatement."""

    def search(self, kind: str, params: Any, *, subject: str | None = None) -> Any:
        if kind == "MedicationStatement":
            raise FhirError(404, "no such type")
        return super().search(kind, params, subject=subject)


def test_a_record_that_can_not_tell_is_no_record_without_drugs() -> None:
    known = taken(Refusing(order("1", "clopidogrel")), (PATIENT,))
    assert known.unread
    lines = genes.by_patient(genes.drug_advice(outputs()), known)
    assert named(lines.taken) == ["clopidogrel"]
    assert lines.unread


def test_one_record_costs_one_search_of_each_kind() -> None:
    ehr = Shelf(order("1", "clopidogrel"))
    assert taken(ehr, (PATIENT,)) != Taken()
    assert [kind for kind, _ in ehr.searches] == ["MedicationRequest", "MedicationStatement"]
