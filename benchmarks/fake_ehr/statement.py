"""The CapabilityStatement and the SMART discovery document.

As far as clients look at them.
"""

from typing import Final

from benchmarks.fake_ehr.habits import Habits
from shared.fhir import codes
from shared.json import Json

CLINICAL: Final = (
    "AllergyIntolerance CarePlan Composition Condition DetectedIssue "
    "DiagnosticReport DocumentReference Encounter Goal ImagingStudy Media"
)
ORDERS: Final = (
    "Medication MedicationRequest MedicationStatement Observation RequestGroup "
    "RiskAssessment ServiceRequest Specimen"
)
OTHERS: Final = (
    "AuditEvent Basic Binary Consent Device Endpoint Group Organization Patient "
    "Practitioner PractitionerRole Provenance Subscription Task"
)
KINDS: Final = tuple(sorted(f"{CLINICAL} {ORDERS} {OTHERS}".split()))
UNLISTED: Final = frozenset(
    {"Composition", "DetectedIssue", "RiskAssessment", "RequestGroup", "Goal", "Binary"}
)
INTERACTIONS: Final = (
    "read",
    "vread",
    "update",
    "delete",
    "history-instance",
    "history-type",
    "create",
    "search-type",
)


def capability_statement(habits: Habits) -> Json:
    """What `GET metadata` answers."""
    listed = [kind for kind in KINDS if not (habits.unlisted_types_work and kind in UNLISTED)]
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "kind": "instance",
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "software": {"name": f"fake {habits.name}"},
        **_implementation(habits),
        "rest": [
            {
                "mode": "server",
                "interaction": [{"code": code} for code in _system_interactions(habits)],
                "resource": [_resource(habits, k) for k in listed],
            }
        ],
    }


def _system_interactions(habits: Habits) -> list[str]:
    return ["transaction", "batch"] if habits.batches else ["transaction"]


def smart_configuration(base: str) -> Json:
    """What `.well-known/smart-configuration` answers."""
    return {
        "token_endpoint": f"{base.removesuffix('/fhir')}/auth/token",
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
        "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"],
    }


def _implementation(habits: Habits) -> Json:
    url = habits.implementation_url
    return {"implementation": {"description": "fake", "url": url}} if url else {}


def _resource(habits: Habits, kind: str) -> Json:
    declared: Json = {
        "type": kind,
        "versioning": "versioned-update",
        "conditionalCreate": True,
        "interaction": [{"code": code} for code in INTERACTIONS],
    }
    if kind == "Subscription" and habits.topics:
        url = f"{codes.BACKPORT}/capabilitystatement-subscriptiontopic-canonical"
        declared["extension"] = [
            {"url": url, "valueCanonical": topic} for topic in sorted(habits.topics)
        ]
    return declared
