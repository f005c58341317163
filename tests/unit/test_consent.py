"""Consent provisions, case by case. What is not understood denies."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.consent import Asked, Verdict, decide
from shared.fhir import codes

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
TREAT = codes.coding(codes.V3_ACT_REASON, "TREAT")
MARKETING = codes.coding(codes.V3_ACT_REASON, "HMARKT")
IMAGING = codes.coding(codes.RESOURCE_TYPES, "ImagingStudy")
NOTES = codes.coding(codes.RESOURCE_TYPES, "DocumentReference")


def asked() -> Asked:
    return Asked("ImagingStudy", NOW, lambda device: device == "Device/ours")


def consent(provision: Any = None, policy: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"resourceType": "Consent"}
    if provision is not None:
        found["provision"] = provision
    return found | ({"policyRule": codes.concept(codes.V3_ACT_CODE, policy)} if policy else {})


def actor(reference: str) -> dict[str, Any]:
    return {"role": codes.concept("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP"), "reference": {"reference": reference}}


@pytest.mark.parametrize(
    ("provision", "policy", "verdict"),
    [
        (None, None, None),
        (None, "OPTIN", "permit"),
        (None, "OPTOUT", "deny"),
        ({"type": "deny"}, "OPTIN", "deny"),  # at the root, where R4 forbids it: honoured
        ({"provision": [{"type": "deny"}]}, "OPTIN", "deny"),
        ({"provision": [{"type": "permit"}]}, "OPTOUT", "permit"),
        ({"provision": [{"type": "deny", "purpose": [MARKETING]}]}, "OPTIN", "permit"),
        ({"provision": [{"type": "deny", "purpose": [MARKETING, TREAT]}]}, "OPTIN", "deny"),
        ({"provision": [{"type": "deny", "class": [NOTES]}]}, "OPTIN", "permit"),
        ({"provision": [{"type": "deny", "class": [IMAGING]}]}, "OPTIN", "deny"),
        ({"provision": [{"type": "deny", "class": [{"system": "urn:local", "code": "x"}]}]}, "OPTIN", "deny"),
        ({"provision": [{"type": "deny", "actor": [actor("https://ehr.example/fhir/Device/ours")]}]}, "OPTIN", "deny"),
        ({"provision": [{"type": "deny", "actor": [actor("Device/pump")]}]}, "OPTIN", "permit"),
        ({"provision": [{"type": "deny", "actor": [actor("Practitioner/1")]}]}, "OPTIN", "permit"),
        ({"provision": [{"type": "deny", "actor": [actor("Organization/1")]}]}, "OPTIN", "deny"),
        ({"provision": [{"type": "permit", "actor": [actor("Organization/1")]}]}, "OPTOUT", "deny"),
        ({"provision": [{"type": "deny", "period": {"end": "2026-06-14"}}]}, "OPTIN", "permit"),
        ({"provision": [{"type": "deny", "period": {"end": "2026-06"}}]}, "OPTIN", "deny"),
        ({"provision": [{"type": "deny", "period": {"start": "2026-06-16"}}]}, "OPTIN", "permit"),
        ({"provision": [{"type": "permit"}, {"type": "deny"}]}, "OPTIN", "deny"),
        ({"provision": [{"type": "deny", "provision": [{"type": "permit", "class": [IMAGING]}]}]}, "OPTIN", "permit"),
        ({"provision": [{"type": "deny", "provision": [{"type": "permit", "class": [NOTES]}]}]}, "OPTIN", "deny"),
        ({"provision": [{"type": "permit", "provision": [{"type": "permit", "provision": [{"type": "deny"}]}]}]}, None, "deny"),
        ({"provision": [{"type": "deny", "securityLabel": [{"code": "R"}]}]}, "OPTIN", "deny"),  # not understood
        ({"provision": [{"type": "permit", "securityLabel": [{"code": "R"}]}]}, "OPTOUT", "deny"),
        ({"provision": [{"type": "deny", "action": [{"coding": [{"code": "disclose"}]}]}]}, "OPTIN", "permit"),
        ({"provision": [{"type": "deny", "action": [{"coding": [{"code": "use"}]}]}]}, "OPTIN", "deny"),
        ({"provision": "nonsense"}, "OPTIN", "deny"),
        ({"provision": ["nonsense"]}, "OPTIN", "deny"),
        ({"provision": [{"type": "maybe"}]}, "OPTIN", "deny"),
        ("nonsense", "OPTIN", "deny"),
        ({"provision": [{"type": "deny", "action": [{"text": "any use"}]}]}, "OPTIN", "deny"),
        ({"provision": [{"type": "deny", "action": [{"coding": [{"system": "urn:x", "code": "x"}]}]}]}, "OPTIN", "deny"),
        ({"provision": [{"type": "deny", "purpose": TREAT}]}, "OPTIN", "deny"),  # an object where a list belongs
        ({"provision": [{"type": "deny", "purpose": [codes.coding(codes.V3_ACT_REASON, "PurposeOfUse")]}]}, "OPTIN", "deny"),
        ({"provision": [{"type": "permit", "purpose": [codes.coding("urn:x", "RESEARCH")]}]}, "OPTOUT", "deny"),
        ({"provision": [{"type": "permit", "period": {"end": "2026-06-15T10:00:00Z"}}]}, "OPTOUT", "deny"),
        ({"provision": [{"type": "permit", "period": {"end": "2026-06-15T14:00:00+01:00"}}]}, "OPTOUT", "permit"),
        ({"provision": [{"type": "deny", "period": {"start": "tomorrow"}}]}, "OPTIN", "deny"),
        ({"provision": [{"type": "deny", "actor": [{"role": {"text": "anyone"}}]}]}, "OPTIN", "deny"),
        ({"securityLabel": [{"code": "R"}], "provision": [{"type": "permit"}]}, "OPTIN", "deny"),
        ({"period": {"end": "2020-01-01"}, "provision": [{"type": "deny"}]}, "OPTIN", "permit"),
    ],
)
def test_verdict(provision: Any, policy: str | None, verdict: Verdict | None) -> None:
    assert decide(consent(provision, policy), asked()) == verdict
