"""Whether what a result was drawn from still stands (pure).

A clinician must not sign what rests on something that was taken back.

The same reading as that of the services, which draw a result again, or withdraw it, once the event
of it has reached them; until then the draft stands, and this is what keeps it from being signed.
"""

from collections.abc import Mapping
from typing import Any, Final

from shared.fhir import codes

GONE: Final = frozenset(
    {
        "entered-in-error",
        "cancelled",
        "revoked",
        "refuted",
        "rejected",
        "superseded",
        "stopped",
        "inactive",
        "resolved",
        "remission",
    }
)
"""Of `status`, `docStatus`, `verificationStatus` and `clinicalStatus` alike; `inactive` is a
Condition's or an allergy's.
"""


def state(resource: Mapping[str, Any]) -> str:
    """Every code that says where the resource stands in its life, as one text."""
    stated = [
        resource.get("status"),
        resource.get("docStatus"),
        *(
            c.get("code")
            for e in ("verificationStatus", "clinicalStatus")
            for c in codes.codings(resource.get(e))
        ),
    ]
    return " ".join(sorted({s for s in stated if isinstance(s, str)}))


def stands(resource: Mapping[str, Any]) -> bool:
    """Nobody has taken it back.

    An order stands while it is active, and a Medication that is no longer made may still be
    ordered.
    """
    states = state(resource)
    if resource.get("resourceType") == "MedicationRequest":
        return states == "active"
    if resource.get("resourceType") == "Medication":
        return states != "entered-in-error"
    return not GONE & set(states.split())
