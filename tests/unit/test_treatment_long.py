"""A long record: a small plan, everything once, what matters first."""

from collections.abc import Iterator

import orjson
import pytest

from services.treatment.plan import bounds
from shared.fhir import codes
from shared.fhir.check import check
from shared.fhir.drafts import Draft
from shared.json import Json
from tests.unit.treatment_answer import drafts
from tests.unit.treatment_record import (
    CLOPIDOGREL,
    CYP2C19,
    GENOMICS,
    LOOP,
    OMEPRAZOLE,
    allergy,
    condition,
    genotype,
    implication,
    laboratory,
    mention,
    order,
    patient,
    pneumonia,
    report,
)

DRUGS = (
    ("clopidogrel", "32968"),
    ("omeprazole", "7646"),
    ("ibuprofen", "5640"),
    ("warfarin", "11289"),
    ("simvastatin", "36567"),
    ("metformin", "6809"),
)
CONCLUSION = (
    "The patient was seen again and feels well; hypertension, diabetes and back pain as before; no "
    "change of therapy. " * 12
)


def notes(number: int) -> Iterator[Json]:
    """So many notes, each with the same drugs and the same unconfirmed problem."""
    for n in range(number):
        mentions = [mention(*drug) | {"id": f"mention-{n}-{drug[0]}"} for drug in DRUGS]
        yield from mentions
        yield report("notes", f"note-{n}", *mentions, conclusion=CONCLUSION)
        yield condition(
            "38341003", "Hypertensive disorder", id=f"cond-{n}", verification="unconfirmed"
        )


def genomes(number: int) -> Iterator[Json]:
    for n in range(number):
        found = genotype("CYP2C19", f"*1/*{n + 2}", id=f"gt-{n}")
        advice = implication(
            "clopidogrel", "32968", "CYP2C19", "Intermediate Metabolizer", answer="LA10317-8"
        ) | {"id": f"ti-{n}"}
        yield from (found, advice, report("genomics", f"gen-{n}", found, advice))


def films(number: int) -> Iterator[Json]:
    for n in range(number):
        found = pneumonia() | {"id": f"finding-{n}"}
        yield from (found, report("imaging", f"img-{n}", found, conclusion=CONCLUSION))


def size(plan: list[Draft]) -> int:
    return len(orjson.dumps([d.resource for d in plan]))


LONG = {
    "notes": lambda: [
        patient(),
        GENOMICS,
        *CYP2C19,
        laboratory("2160-0", 2.9, "mg/dL"),
        allergy("penicillin"),
        *notes(400),
    ],
    "orders": lambda: [
        patient(),
        GENOMICS,
        *CYP2C19,
        *(order(*DRUGS[n % 6], id=f"mr-{n}", mg=20) for n in range(3_000)),
    ],
    "problems": lambda: [
        *LOOP,
        *(condition(f"{n}", f"Problem number {n}", id=f"cond-{n}") for n in range(3_000)),
    ],
    "films": lambda: [*LOOP, *films(1_500)],
    "genomes": lambda: [patient(), CLOPIDOGREL, OMEPRAZOLE, *genomes(1_000)],
    "allergies": lambda: [
        *LOOP,
        *(allergy("omeprazole") | {"id": f"allergy-{n}"} for n in range(3_000)),
    ],
}


@pytest.mark.parametrize("record", LONG)
def test_three_thousand_inputs_make_a_plan_that_every_server_takes(record: str) -> None:
    inputs = LONG[record]()
    assert len(inputs) > 3_000
    plan = drafts(*inputs)
    for draft in plan:
        check(draft.resource)
    assert size(plan) < 500_000


def test_a_problem_is_addressed_once_and_by_its_confirmed_entry() -> None:
    twice = [
        condition("38341003", "Hypertensive disorder", id="a-note", verification="unconfirmed"),
        condition("38341003", "High blood pressure", id="z-doctor"),
    ]
    plan = drafts(*LOOP, *twice, condition("22298006", "Myocardial infarction", id="other"))[
        -1
    ].resource
    assert [a["reference"] for a in plan["addresses"]] == ["Condition/other", "Condition/z-doctor"]


def test_what_something_was_drawn_from_is_named_before_all_others() -> None:
    plan = drafts(*LOOP, *notes(200))[-1].resource
    named = [
        s["reference"]
        for s in plan["supportingInfo"]
        if s["reference"].startswith("DiagnosticReport/")
    ]
    assert "DiagnosticReport/gen" in named[:2] and len(named) == bounds.MOST_REPORTS
    notes_of_plan = [n["text"] for n in plan["note"]]
    assert any("Genomics report (" in text for text in notes_of_plan[:2])
    assert any("101 more reports" in text for text in notes_of_plan), "what is not named is counted"


def test_an_alert_on_two_drugs_of_many_notes_names_both() -> None:
    alerts = {
        d.key: d.resource
        for d in drafts(patient(), *notes(200))
        if d.resource["resourceType"] == "DetectedIssue"
    }
    implicated = [
        i["reference"]
        for i in alerts["interaction-clopidogrel-omeprazole-clopidogrel-omeprazole"]["implicated"]
    ]
    assert {ref.rsplit("-", 1)[1] for ref in implicated} == {"clopidogrel", "omeprazole"}


def test_a_short_record_is_named_whole() -> None:
    plan = drafts(*LOOP, *notes(20))[-1].resource
    assert (
        len(
            {
                s["reference"]
                for s in plan["supportingInfo"]
                if s["reference"].startswith("DiagnosticReport/")
            }
        )
        == 21
    )
    assert not any("more" in n["text"] and "named" in n["text"] for n in plan["note"])
    assert codes.reference("DiagnosticReport/gen") in plan["supportingInfo"]
