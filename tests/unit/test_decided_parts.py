"""A part that a clinician decided on stays the part of the answer while it says what the draft
says, whatever else it carries by then.
"""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from shared.answers import Answer
from shared.fhir import bundle, codes, lifecycle
from shared.fhir.drafts import Draft, Pen
from shared.json import Json

PEN = Pen(
    Answer("notes", "DocumentReference/1"),
    1,
    "Patient/1",
    "2026-01-02T03:04:05Z",
    {"reader": "Device/1"},
    {"reader": "reader 1"},
)
ASTHMA = codes.concept(codes.SNOMED, "195967001", "Asthma")


def parts(**changes: Any) -> list[Draft]:
    condition = PEN.draft(
        "Condition",
        "asthma",
        code=ASTHMA,
        evidence=[{"detail": [codes.reference("DocumentReference/1")]}],
        confidence=0.9,
    )
    said = {
        "code": {"text": "count"},
        "valueQuantity": codes.quantity(3, "{words}"),
        "derivedFrom": [codes.reference("DocumentReference/1")],
    }
    count = PEN.draft("Observation", "count", **(said | changes))
    return [
        condition,
        count,
        PEN.draft("DiagnosticReport", "report", code={"text": "report"}, result=[count.ref]),
    ]


def stands(drafts: list[Draft], touch: Callable[[Json], None]) -> bundle.Standing:
    """What the EHR holds: every part but the report is decided on, and `touch` was at it."""
    held = {
        d.key: copy.deepcopy(d.resource) | {"id": str(n), "meta": {"versionId": "2"}}
        for n, d in enumerate(drafts)
    }
    for key in ("asthma", "count"):
        held[key] = lifecycle.at_stage(held[key], "signed")
        touch(held[key])
    return bundle.Standing(held)


def extended(resource: Json) -> None:
    resource.setdefault("extension", []).insert(
        0, {"url": "http://hospital.example/reviewed", "valueBoolean": True}
    )


def named(resource: Json) -> None:
    resource["subject"] |= {"display": "the patient", "type": "Patient"}


def asserted(resource: Json) -> None:
    resource["asserter" if resource["resourceType"] == "Condition" else "performer"] = [
        codes.reference("Practitioner/1")
    ]


def noted(resource: Json) -> None:
    resource["note"] = [{"text": "Agreed."}]


def versioned(resource: Json) -> None:
    resource["subject"]["reference"] = "Patient/1/_history/4"


def coded(resource: Json) -> None:
    resource["code"].setdefault("coding", []).append(
        codes.coding("http://hospital.example/codes", "A")
    )
    resource["code"]["text"] = resource["code"].get("text", "as the hospital calls it")


def relabelled(resource: Json) -> None:
    for coding in resource["code"].get("coding", []):
        coding["display"] = "in the hospital's language"


@pytest.mark.parametrize(
    "touch",
    [extended, named, asserted, noted, versioned, coded, relabelled],
    ids=lambda f: f.__name__,
)
def test_what_others_added_to_a_decided_part_makes_no_twin(touch: Callable[[Json], None]) -> None:
    drafts = parts()
    standing = stands(drafts, touch)
    assert bundle.targets(drafts, standing) == {
        "asthma": "Condition/0",
        "count": "Observation/1",
        "report": "DiagnosticReport/2",
    }
    assert [entry["fullUrl"] for entry in bundle.written(drafts, standing)] == [
        "DiagnosticReport/2"
    ], "and what was decided is not written over"


@pytest.mark.parametrize(
    "changes",
    [
        {"valueQuantity": codes.quantity(4, "{words}")},
        {"valueQuantity": None, "valueString": "3"},
        {"code": {"text": "another count"}},
        {"derivedFrom": [codes.reference("DocumentReference/2")]},
        {
            "derivedFrom": [
                codes.reference("DocumentReference/1"),
                codes.reference("DocumentReference/2"),
            ]
        },
        {"derivedFrom": []},
        {"bodySite": ASTHMA},
        {"confidence": 0.4},
    ],
    ids=",".join,
)
@pytest.mark.parametrize("touch", [noted, versioned, extended], ids=lambda f: f.__name__)
def test_a_draft_that_says_something_else_stands_beside(
    changes: Json, touch: Callable[[Json], None]
) -> None:
    drafts = parts(**changes)
    found = bundle.targets(drafts, stands(parts(), touch))
    assert found["count"] == drafts[1].uuid
    assert found["asthma"] == "Condition/0"
