"""Review: the signed report says of each part that is not in it what is known."""

from dataclasses import replace
from typing import Any

import pytest

from services.review.report.fates import fate_of
from services.review.result.result import Result
from shared.fhir import codes
from shared.json import Json
from tests.unit.review_report.test_standing import SIGNED_AT, decided, result

LATER = "2026-06-01T09:00:00.000Z"
NOT_PART = "not part of what was signed"


def drug(name: str, status: str = "cancelled", **more: Any) -> Json:
    concept = {"medicationCodeableConcept": {"text": name}}
    return {"resourceType": "MedicationRequest", "id": name, "status": status} | concept | more


ALERT: Json = {
    "resourceType": "DetectedIssue",
    "id": "alert",
    "status": "cancelled",
    "code": {"text": "Bleeding risk"},
}
GOAL: Json = {
    "resourceType": "Goal",
    "id": "goal",
    "lifecycleStatus": "rejected",
    "description": {"text": "No thrombosis"},
}
SERVICE: Json = {
    "resourceType": "ServiceRequest",
    "id": "service",
    "status": "revoked",
    "code": {"text": "Cardiac rehabilitation"},
}
GROUP: Json = {
    "resourceType": "RequestGroup",
    "id": "group",
    "status": "active",
    "action": [
        {
            "title": "Instead",
            "selectionBehavior": "at-most-one",
            "action": [
                {"title": name, "resource": {"reference": f"MedicationRequest/{name}"}}
                for name in ("prasugrel", "ticagrelor")
            ],
        }
    ],
}


def signed(*outputs: Json, note: str = "", kind: str = "signed", verified: str = "") -> Result:
    """A decided result; `verified`: what the signature wrote beside the head."""
    head = decided(kind)
    if note:
        head = replace(head, task=head.task | {"note": [{"text": note}]})
    verifier = {"type": codes.concept(codes.PROVENANCE_AGENT, "verifier")}
    provenance = {"agent": [verifier], "target": [codes.reference(r) for r in verified.split()]}
    return result(
        head,
        outputs={r["id"]: r for r in outputs},
        provenance=(provenance,) if verified else (),
    )


@pytest.mark.parametrize(
    "note",
    [
        "Instead: ticagrelor.",
        "Instead: none of the alternatives.",
        "Instead: ticagrelor. Stopped: clopidogrel.",
        "Ordered: aspirin 1.5 mg. Instead: ticagrelor. Left out: Bleeding risk.",
    ],
)
def test_an_alternative_that_was_not_taken_was_not_chosen(note: str) -> None:
    of = signed(drug("prasugrel"), drug("ticagrelor", "active"), GROUP, note=note)
    assert fate_of("prasugrel", of) == "not chosen"
    assert fate_of("ticagrelor", of) == "ordered"


@pytest.mark.parametrize(
    "note", ["", "Instead: prasugrel.", "Not Instead: ticagrelor.", "Instead: ticagrelor later."]
)
def test_of_an_alternative_nothing_is_guessed(note: str) -> None:
    of = signed(drug("prasugrel"), drug("ticagrelor", "active"), GROUP, note=note)
    assert fate_of("prasugrel", of) == NOT_PART


@pytest.mark.parametrize(
    ("note", "fate"),
    [
        ("Not ordered: prasugrel.", "not chosen"),
        ("Ordered: ticagrelor. Not ordered: prasugrel. Stopped: x.", "not chosen"),
        ("Ordered: prasugrel.", NOT_PART),
        ("Ordered: prasugrel. Not ordered: prasugrel.", NOT_PART),  # two of one name
        ("Not ordered: prasugrel 5 mg.", NOT_PART),
        ("", NOT_PART),
    ],
)
def test_a_proposal_that_stands_alone_was_not_chosen_where_the_note_says_so(
    note: str, fate: str
) -> None:
    assert fate_of("prasugrel", signed(drug("prasugrel"), note=note)) == fate


@pytest.mark.parametrize(
    ("part", "name"),
    [
        (ALERT, "Bleeding risk"),
        (GOAL, "No thrombosis"),
        (SERVICE, "Cardiac rehabilitation"),
        (drug("aspirin"), "aspirin"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_what_the_note_calls_left_out_was_left_out_by_the_clinician(part: Json, name: str) -> None:
    key = part["id"]
    for note in (
        f"Left out: {name}.",
        f"Refuted: Mass. Left out: Other; {name}; Third.",
        f"Left out: {name}. Based on results that nobody had signed: Film. Stopped: x.",
    ):
        assert fate_of(key, signed(part, note=note, kind="amended")) == "left out by the clinician"
    for note in (
        "",
        f"Left out: {name} of another kind.",
        f"Left out: Other. Stopped: {name}.",
        f"Left out: Other. Intended, although the conclusion contradicts it: {name}.",
    ):
        assert fate_of(key, signed(part, note=note, kind="amended")) == NOT_PART


@pytest.mark.parametrize("part", [ALERT, GOAL, SERVICE, drug("aspirin")], ids=lambda p: p["id"])
def test_what_another_system_took_back_is_withdrawn(part: Json) -> None:
    key, own = part["id"], f"{part['resourceType']}/{part['id']}"
    assert fate_of(key, signed(part, verified="Task/1 CarePlan/1")) == "withdrawn"
    assert fate_of(key, signed(part, verified=f"Task/1 {own}")) == NOT_PART
    for moment, fate in ((SIGNED_AT, NOT_PART), (LATER, "withdrawn")):
        late = part | {"meta": {"versionId": "9", "lastUpdated": moment}}
        assert fate_of(key, signed(late, verified=f"Task/1 {own}")) == fate


@pytest.mark.parametrize("part", [ALERT, GOAL, SERVICE, drug("aspirin")], ids=lambda p: p["id"])
def test_what_is_entered_in_error_is_withdrawn_whatever_the_note_says(part: Json) -> None:
    element = "lifecycleStatus" if part["resourceType"] == "Goal" else "status"
    of = signed(part | {element: "entered-in-error"}, note="Left out: aspirin.")
    assert fate_of(part["id"], of) == "withdrawn: entered in error"
