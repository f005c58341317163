"""Review: the allergies of the banner. None recorded and none known are not the same."""

from typing import Any

import pytest

from services.review.banner.allergies import MOST, Allergies, Allergy, allergies_of
from shared.fhir import codes
from shared.json import Json

CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"


def allergy(name: str, clinical: str = "active", verified: str = "confirmed", **more: Any) -> Json:
    return {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": codes.concept(CLINICAL, clinical),
        "verificationStatus": codes.concept(VERIFICATION, verified),
        "code": {"text": name},
        **more,
    }


def denial(code: str, **more: Any) -> Json:
    return allergy("", **more) | {"code": codes.concept(codes.SNOMED, code)}


@pytest.mark.parametrize(
    ("clinical", "verified"),
    [
        ("inactive", "confirmed"),
        ("resolved", "confirmed"),
        ("active", "refuted"),
        ("active", "entered-in-error"),
    ],
)
def test_what_was_taken_back_is_not_named(clinical: str, verified: str) -> None:
    assert allergies_of([allergy("penicillin", clinical, verified)]) == Allergies()


@pytest.mark.parametrize("verified", ["unconfirmed", "presumed"])
def test_a_doubt_is_said(verified: str) -> None:
    assert allergies_of([allergy("latex", verified=verified)]).listed == (
        Allergy("latex", verified),
    )


def test_one_without_a_status_counts() -> None:
    bare = {"resourceType": "AllergyIntolerance", "code": {"text": "nuts"}}
    assert allergies_of([bare]).listed == (Allergy("nuts"),)


def test_the_high_risk_comes_first_and_each_stands_once() -> None:
    found = allergies_of(
        [
            allergy("apple"),
            allergy("bees", criticality="high"),
            allergy("apple"),
            allergy("aspirin", verified="unconfirmed"),
        ]
    )
    assert [a.name for a in found.listed] == ["bees", "apple", "aspirin"]
    assert found.listed[0].is_high


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("716186003", "no known allergies"),
        ("409137002", "no known drug allergies"),
        ("429625007", "no known food allergies"),
        ("428607008", "no known environmental allergies"),
    ],
)
def test_none_known_is_said_as_it_is_coded(code: str, said: str) -> None:
    assert allergies_of([denial(code)]) == Allergies((), (said,))
    assert allergies_of([denial(code, verified="refuted")]) == Allergies()
    other_system = denial(code) | {"code": {"coding": [{"system": "urn:x", "code": code}]}}
    assert allergies_of([other_system]).none_known == ()


def test_a_contradiction_shows_both() -> None:
    found = allergies_of([denial("716186003"), allergy("penicillin")])
    assert [a.name for a in found.listed] == ["penicillin"]
    assert found.none_known == ("no known allergies",)


@pytest.mark.parametrize(
    ("elements", "name"),
    [
        ({"code": {"coding": [{"display": "Penicillin"}]}}, "Penicillin"),
        ({"code": {}, "reaction": [None, {"substance": {"text": "amoxicillin"}}]}, "amoxicillin"),
        ({"code": None, "reaction": "rash"}, "an allergy without a name"),
        ({"code": "penicillin"}, "an allergy without a name"),
    ],
)
def test_one_without_a_readable_name_is_still_there(elements: Json, name: str) -> None:
    assert [a.name for a in allergies_of([allergy("") | elements]).listed] == [name]


def test_what_is_too_much_for_the_banner_is_counted() -> None:
    found = allergies_of([allergy(f"substance {i:02}") for i in range(MOST + 3)])
    assert len(found.first) == MOST and found.more == 3
