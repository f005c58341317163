"""What the clinician said of each part of a signed result, in words (pure)."""

from typing import Final

from services.review.decision.fates import LEFT_OUT, REFUTED, is_gone
from services.review.report.gone import why_gone
from services.review.result.result import Result
from shared.fhir import lifecycle
from shared.json import Json

ACCEPTED: Final = {
    "Observation": "confirmed",
    "Condition": "confirmed",
    "DetectedIssue": "kept",
    "MedicationRequest": "ordered",
    "ServiceRequest": "ordered",
    "Goal": "accepted",
}
LEAVABLE: Final = frozenset({"DetectedIssue", "MedicationRequest", "ServiceRequest", "Goal"})
"""Alerts and proposals: nothing in them is refuted."""
IN_ERROR: Final = "entered-in-error"


def fate_of(key: str, result: Result) -> str:
    """Say what became of the output with this key.

    Where its status is not one that a signature gives, it is the status.
    """
    resource = result.outputs[key]
    kind = resource["resourceType"]
    status = lifecycle.status_of(resource) or "status not recorded"
    stages = lifecycle.STATUS.get(kind, {})
    if kind in ACCEPTED and status in (stages.get("signed"), stages.get("amended")):
        return ACCEPTED[kind]
    if kind in LEAVABLE and is_gone(status):
        return why_gone(key, result)
    return _finding(resource, status)


def _finding(resource: Json, status: str) -> str:
    """Say what became of a finding that was not confirmed."""
    notes = [str(note.get("text", "")) for note in resource.get("note", [])]
    if LEFT_OUT in notes:
        return "left out: neither confirmed nor refuted"
    if REFUTED in notes or status == "refuted":
        return "REFUTED by the clinician"
    if status == IN_ERROR:
        return "NOT ACCEPTED (entered in error)"
    if status == lifecycle.STATUS.get(resource["resourceType"], {}).get("rejected"):
        return "NOT ACCEPTED"
    return f"status in the record: {status}"
