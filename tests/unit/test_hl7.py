"""HL7's validator, and that ours is no looser: what R4 allows passes both, and planted errors are
found by it.
"""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from shared.errors import InvalidResource
from shared.fhir.check import check_bundle
from shared.json import Json
from tests.hl7 import Validate, collection

RECORD: Json = json.loads(
    (Path(__file__).parents[1] / "data" / "record.json").read_text(encoding="utf-8")
)


def planted(kind: str, **changes: Any) -> Json:
    """The record with one kind's last resource changed."""
    bundle = copy.deepcopy(RECORD)
    entry = next(e for e in reversed(bundle["entry"]) if e["resource"]["resourceType"] == kind)
    entry["resource"] = {k: v for k, v in (entry["resource"] | changes).items() if v is not None}
    return bundle


def url_of(kind: str) -> str:
    return next(
        e["fullUrl"] for e in reversed(RECORD["entry"]) if e["resource"]["resourceType"] == kind
    )


PLANTED = {
    "a status of another kind": planted("DiagnosticReport", status="draft"),
    "no status": planted("Observation", status=None),
    "an unknown element": planted("Device", digest="x"),
    "a Device as performer": planted("Observation", performer=[{"reference": url_of("Device")}]),
    "a condition as result": planted(
        "DiagnosticReport", result=[{"reference": url_of("Condition")}]
    ),
    "a target without measure": planted("Goal", target=[{"detailString": "x"}]),
    "reference and detail": planted(
        "CarePlan",
        activity=[
            {
                "reference": {"reference": url_of("RequestGroup")},
                "detail": {"status": "not-started"},
            }
        ],
    ),
    "modified before authored": planted(
        "Task", authoredOn="2026-01-02T00:00:00Z", lastModified="2026-01-01T00:00:00Z"
    ),
}


def test_the_record_is_valid(hl7_errors: Validate) -> None:
    assert hl7_errors(RECORD) == []


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_error_is_found_by_both(name: str, hl7_errors: Validate) -> None:
    assert hl7_errors(PLANTED[name])
    with pytest.raises(InvalidResource):
        check_bundle(PLANTED[name])


def test_a_collection_of_resources_as_read_is_checked_for_targets(hl7_errors: Validate) -> None:
    patient = {"resourceType": "Patient", "id": "p"}
    task = {
        "resourceType": "Task",
        "id": "t",
        "status": "requested",
        "intent": "proposal",
        "for": {"reference": "Patient/p"},
    }
    assert hl7_errors(collection([patient, task])) == []
    assert hl7_errors(collection([patient, task | {"owner": {"reference": "Task/t"}}]))
