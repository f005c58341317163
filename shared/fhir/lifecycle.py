"""The life cycle of careloop's resources: kind x stage -> status (pure data).

See docs/review.md. Only `services.review` may ask for a stage other than
draft and rejected, and only together with a clinician's Provenance.
"""

from typing import Final, Literal

from shared.fhir import codes
from shared.json import Json

Stage = Literal["draft", "signed", "amended", "rejected", "left-out", "wrong-patient"]
WITHDRAWN: Final[tuple[Stage, ...]] = ("rejected", "left-out", "wrong-patient")
"""The stages of what is not accepted."""

STATUS_ELEMENT: Final = {"Goal": "lifecycleStatus", "Condition": "verificationStatus"}

STATUS: Final[dict[str, dict[Stage, str]]] = {
    "DiagnosticReport": {
        "draft": "preliminary",
        "signed": "final",
        "amended": "amended",
        "rejected": "cancelled",
        "wrong-patient": "entered-in-error",
    },
    "Observation": {
        "draft": "preliminary",
        "signed": "final",
        "amended": "corrected",
        "rejected": "cancelled",
        "wrong-patient": "entered-in-error",
    },
    "Media": {"draft": "completed", "signed": "completed", "rejected": "entered-in-error"},
    "Condition": {
        "draft": "unconfirmed",
        "signed": "confirmed",
        "rejected": "refuted",
        # `refuted` says that the patient does not have it; these two say nothing about her
        "left-out": "entered-in-error",
        "wrong-patient": "entered-in-error",
    },
    "DetectedIssue": {
        "draft": "preliminary",
        "signed": "final",
        "amended": "amended",
        "rejected": "cancelled",
    },
    "CarePlan": {"draft": "draft", "signed": "active", "amended": "active", "rejected": "revoked"},
    "RequestGroup": {
        "draft": "draft",
        "signed": "active",
        "amended": "active",
        "rejected": "revoked",
    },
    "ServiceRequest": {
        "draft": "draft",
        "signed": "active",
        "amended": "active",
        "rejected": "revoked",
    },
    "MedicationRequest": {"draft": "draft", "signed": "active", "rejected": "cancelled"},
    "Goal": {"draft": "proposed", "signed": "accepted", "rejected": "rejected"},
}


def status_of(resource: Json) -> str | None:
    """Return the code of the resource's present stage."""
    element = resource.get(STATUS_ELEMENT.get(resource["resourceType"], "status"))
    if isinstance(element, dict):
        return codes.first_code(element, codes.CONDITION_VERIFICATION)
    return element


def at_stage(resource: Json, stage: Stage) -> Json:
    """Copy the resource to this stage.

    Where its kind has no status for the stage, it gets the nearest (amended: signed; left-out and
    wrong-patient: rejected).
    """
    kind = resource["resourceType"]
    statuses = STATUS[kind]
    nearest: Stage = "rejected" if stage in WITHDRAWN else "signed"
    status = statuses.get(stage, statuses[nearest])
    if kind == "Condition":
        return _condition(resource, status)
    changed = resource | {STATUS_ELEMENT.get(kind, "status"): status}
    if status == "active" and changed.get("intent") == "proposal":
        changed["intent"] = "plan" if kind in ("CarePlan", "RequestGroup") else "order"
    return changed


def _condition(resource: Json, status: str) -> Json:
    """Copy a Condition with this status; in error it has no clinical status (con-5)."""
    aside = {"clinicalStatus"} if status == "entered-in-error" else set()
    kept = {k: v for k, v in resource.items() if k not in aside}
    return kept | {"verificationStatus": codes.concept(codes.CONDITION_VERIFICATION, status)}


def is_draft(resource: Json) -> bool:
    """Tell whether nobody has decided on it yet.

    `partial` is a hospital's other word for an AI's preliminary report.
    """
    return status_of(resource) in {STATUS[resource["resourceType"]]["draft"], "partial"}
