"""Consent provisions, case by case. What is not understood denies."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.errors import ConsentDenied
from shared.fhir import codes
from shared.privacy.consent import Asked, Verdict, decide, permit
from shared.settings import Settings
from tests.fakes import SEKMET, FakeEhr

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
TREAT = codes.coding(codes.V3_ACT_REASON, "TREAT")
MARKETING = codes.coding(codes.V3_ACT_REASON, "HMARKT")
IMAGING = codes.coding(codes.RESOURCE_TYPES, "ImagingStudy")
WITHOUT_END = ("9999-12-31", "9999-12", "9999", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-05:00")
NOTES = codes.coding(codes.RESOURCE_TYPES, "DocumentReference")


def asked() -> Asked:
    return Asked("ImagingStudy", NOW, lambda device: device == "Device/ours")


def consent(provision: Any = None, policy: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"resourceType": "Consent", "status": "active"}
    if provision is not None:
        found["provision"] = provision
    return found | ({"policyRule": codes.concept(codes.V3_ACT_CODE, policy)} if policy else {})


def actor(reference: str) -> dict[str, Any]:
    return {
        "role": codes.concept("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP"),
        "reference": {"reference": reference},
    }


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
        (
            {"provision": [{"type": "deny", "class": [{"system": "urn:local", "code": "x"}]}]},
            "OPTIN",
            "deny",
        ),
        (
            {
                "provision": [
                    {"type": "deny", "actor": [actor("https://ehr.example/fhir/Device/ours")]}
                ]
            },
            "OPTIN",
            "deny",
        ),
        (
            {
                "provision": [
                    {"type": "permit", "actor": [actor("https://other.example/r4/Device/ours")]}
                ]
            },
            "OPTOUT",
            "deny",
        ),
        (
            {
                "provision": [
                    {"type": "deny", "actor": [actor("https://other.example/r4/Practitioner/1")]}
                ]
            },
            "OPTIN",
            "permit",
        ),
        ({"provision": [{"type": "deny", "actor": [actor("Device/pump")]}]}, "OPTIN", "permit"),
        ({"provision": [{"type": "deny", "actor": [actor("Practitioner/1")]}]}, "OPTIN", "permit"),
        ({"provision": [{"type": "deny", "actor": [actor("Organization/1")]}]}, "OPTIN", "deny"),
        ({"provision": [{"type": "permit", "actor": [actor("Organization/1")]}]}, "OPTOUT", "deny"),
        ({"provision": [{"type": "deny", "period": {"end": "2026-06-14"}}]}, "OPTIN", "permit"),
        ({"provision": [{"type": "deny", "period": {"end": "2026-06"}}]}, "OPTIN", "deny"),
        ({"provision": [{"type": "deny", "period": {"start": "2026-06-16"}}]}, "OPTIN", "permit"),
        ({"provision": [{"type": "permit"}, {"type": "deny"}]}, "OPTIN", "deny"),
        (
            {
                "provision": [
                    {"type": "deny", "provision": [{"type": "permit", "class": [IMAGING]}]}
                ]
            },
            "OPTIN",
            "permit",
        ),
        (
            {"provision": [{"type": "deny", "provision": [{"type": "permit", "class": [NOTES]}]}]},
            "OPTIN",
            "deny",
        ),
        (
            {
                "provision": [
                    {
                        "type": "permit",
                        "provision": [{"type": "permit", "provision": [{"type": "deny"}]}],
                    }
                ]
            },
            None,
            "deny",
        ),
        (
            {"provision": [{"type": "deny", "securityLabel": [{"code": "R"}]}]},
            "OPTIN",
            "deny",
        ),  # not understood
        ({"provision": [{"type": "permit", "securityLabel": [{"code": "R"}]}]}, "OPTOUT", "deny"),
        (
            {"provision": [{"type": "deny", "action": [{"coding": [{"code": "disclose"}]}]}]},
            "OPTIN",
            "permit",
        ),
        (
            {"provision": [{"type": "deny", "action": [{"coding": [{"code": "use"}]}]}]},
            "OPTIN",
            "deny",
        ),
        ({"provision": "nonsense"}, "OPTIN", "deny"),
        ({"provision": ["nonsense"]}, "OPTIN", "deny"),
        ({"provision": [{"type": "maybe"}]}, "OPTIN", "deny"),
        ("nonsense", "OPTIN", "deny"),
        ({"provision": [{"type": "deny", "action": [{"text": "any use"}]}]}, "OPTIN", "deny"),
        (
            {
                "provision": [
                    {"type": "deny", "action": [{"coding": [{"system": "urn:x", "code": "x"}]}]}
                ]
            },
            "OPTIN",
            "deny",
        ),
        (
            {"provision": [{"type": "deny", "purpose": TREAT}]},
            "OPTIN",
            "deny",
        ),  # an object where a list belongs
        (
            {
                "provision": [
                    {"type": "deny", "purpose": [codes.coding(codes.V3_ACT_REASON, "PurposeOfUse")]}
                ]
            },
            "OPTIN",
            "deny",
        ),
        (
            {"provision": [{"type": "permit", "purpose": [codes.coding("urn:x", "RESEARCH")]}]},
            "OPTOUT",
            "deny",
        ),
        (
            {"provision": [{"type": "permit", "period": {"end": "2026-06-15T10:00:00Z"}}]},
            "OPTOUT",
            "deny",
        ),
        (
            {"provision": [{"type": "permit", "period": {"end": "2026-06-15T14:00:00+01:00"}}]},
            "OPTOUT",
            "permit",
        ),
        ({"provision": [{"type": "deny", "period": {"start": "tomorrow"}}]}, "OPTIN", "deny"),
        (
            {"provision": [{"type": "deny", "actor": [{"role": {"text": "anyone"}}]}]},
            "OPTIN",
            "deny",
        ),
        ({"securityLabel": [{"code": "R"}], "provision": [{"type": "permit"}]}, "OPTIN", "deny"),
        ({"period": {"end": "2020-01-01"}, "provision": [{"type": "deny"}]}, "OPTIN", "permit"),
        *(
            ({"provision": [{"type": "permit", "period": {"end": end}}]}, "OPTOUT", "permit")
            for end in WITHOUT_END
        ),
    ],
)
def test_verdict(provision: Any, policy: str | None, verdict: Verdict | None) -> None:
    assert decide(consent(provision, policy), asked()) == verdict


@pytest.fixture
def ehr() -> Iterator[Ehr]:
    with FakeEhr(SEKMET) as fake, open_ehr(Settings(fhir_url=fake.base)) as client:
        yield client


def permits(ehr: Ehr, patient: str, *classes: str) -> None:
    """A Consent that permits these classes and says nothing else."""
    granted = [codes.coding(codes.RESOURCE_TYPES, c) for c in classes]
    give(ehr, patient, {"provision": [{"type": "permit", "class": granted}]} if granted else None)


def give(ehr: Ehr, patient: str, provision: Any) -> None:
    """A Consent of the patient."""
    stated = {
        "status": "active",
        "patient": codes.reference(patient),
        "scope": {"text": "x"},
        "category": [{"text": "x"}],
    }
    ehr.create(stated | consent(provision))


def is_permitted(
    ehr: Ehr,
    patient: str,
    *classes: str,
    silence: Verdict = "deny",
    also: tuple[str, ...] = (),
) -> bool:
    settings = Settings(fhir_url=ehr.base, consent_default=silence)
    try:
        permit(ehr, settings, patient, classes, also)
    except ConsentDenied:
        return False
    return True


def test_where_silence_denies_each_class_needs_a_permit(ehr: Ehr) -> None:
    patient = ehr.create({"resourceType": "Patient"}).reference
    permits(ehr, patient, "DiagnosticReport")
    assert is_permitted(ehr, patient, "DiagnosticReport")
    assert not is_permitted(ehr, patient, "DiagnosticReport", "Observation", "Condition")
    assert is_permitted(ehr, patient, "DiagnosticReport", "Observation", silence="permit")
    permits(ehr, patient, "Observation", "Condition")
    assert is_permitted(
        ehr, patient, "DiagnosticReport", "Observation", "Condition", "Patient", "Binary"
    )


def test_what_is_permitted_under_any_record_of_a_person_is_permitted(ehr: Ehr) -> None:
    patient, retired, stranger = (
        ehr.create({"resourceType": "Patient"}).reference for _ in range(3)
    )
    permits(ehr, retired, "DiagnosticReport")
    permits(ehr, patient, "Observation")
    both = ("DiagnosticReport", "Observation")
    assert is_permitted(ehr, patient, *both, also=(retired,))
    assert not is_permitted(ehr, patient, *both)
    assert not is_permitted(ehr, patient, *both, also=(stranger,))
    give(ehr, stranger, {"type": "deny"})
    assert not is_permitted(ehr, patient, *both, also=(retired, stranger))


def test_a_consent_that_says_nothing_permits_nothing_where_silence_denies(ehr: Ehr) -> None:
    patient = ehr.create({"resourceType": "Patient"}).reference
    permits(ehr, patient)
    assert not is_permitted(ehr, patient, "Patient")
    assert is_permitted(ehr, patient, "Patient", silence="permit")
    permits(ehr, patient, "Patient")
    assert is_permitted(ehr, patient, "Patient")


def test_a_policy_without_its_code_says_nothing() -> None:
    assert (
        decide(
            consent()
            | {"policyRule": {"coding": [{"system": codes.V3_ACT_CODE, "display": "opt-in"}]}},
            asked(),
        )
        is None
    )
