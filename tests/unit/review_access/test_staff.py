"""Who of those who can log in is a member of the staff."""

from collections.abc import Iterator
from typing import Any

import pytest

from services.review.access import oidc
from services.review.access.roles import Roles
from services.review.access.staff import Login, NoEntry, StaffCheck, user_of
from shared.ehr.bases.known import KnownBases
from shared.ehr.bases.value import bases_of
from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.settings import load_settings
from tests.fakes import HAPI, FakeEhr
from tests.unit.review_access.support import allowed

BERG = {"resourceType": "Practitioner", "name": [{"family": "Berg"}]}


@pytest.fixture
def ehr() -> Iterator[Ehr]:
    with FakeEhr(HAPI) as fake:
        client = open_ehr(load_settings(fhir_url=fake.base))
        yield client
        client.close()


def login(fhir_user: str, *roles: str, patient: str | None = None) -> Login:
    return Login("ada", "ada", fhir_user, roles, patient)


def claimed(claims: dict[str, Any], **token: Any) -> Login:
    bases = bases_of("https://ehr.example/fhir")
    local = KnownBases(bases, lambda _: {"resourceType": "CapabilityStatement"}).local
    return oidc.login_of({"userinfo": claims, **token}, local)


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ("", "does not say who of the staff you are"),
        ("Patient/7", "linked to a Patient"),
        ("RelatedPerson/7", "linked to a RelatedPerson"),
        ("Person/7", "linked to a Person"),
        ("PractitionerRole/7", "linked to a PractitionerRole"),
        ("Device/7", "linked to a Device"),
        ("https://other.example/fhir/Practitioner/7", "another system"),
        ("Practitioner/7/../../Patient/1", "another system"),
        ("Practitioner/unknown", "does not hold the Practitioner"),
    ],
)
def test_who_is_no_practitioner_of_this_ehr_does_not_enter(ehr: Ehr, claim: str, said: str) -> None:
    with pytest.raises(NoEntry, match=said) as refused:
        user_of(ehr, login(claim), Roles())
    assert "sk your administrator" in str(refused.value)


@pytest.mark.parametrize(
    ("active", "enters"), [({"active": False}, False), ({"active": True}, True), ({}, True)]
)
def test_an_inactive_practitioner_does_not_enter(
    ehr: Ehr, active: dict[str, bool], enters: bool
) -> None:
    reference = ehr.create(BERG | active).reference
    if enters:
        assert user_of(ehr, login(reference), Roles()).practitioner == reference
    else:
        with pytest.raises(NoEntry, match="not active"):
            user_of(ehr, login(reference), Roles())


@pytest.mark.parametrize("roles", [(), ("porter",), ("Radiologist",)])
def test_a_practitioner_without_a_role_of_the_setting_does_not_enter(
    ehr: Ehr, roles: tuple[str, ...]
) -> None:
    reference = ehr.create(BERG).reference
    with pytest.raises(NoEntry, match="no role that opens these pages"):
        user_of(ehr, login(reference, *roles), allowed('{"radiologist": ["RAD"]}'))


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("https://ehr.example/fhir/Practitioner/a-1", "Practitioner/a-1"),
        (
            "https://other.example/fhir/Practitioner/a-1",
            "https://other.example/fhir/Practitioner/a-1",
        ),
        ("https://ehr.example/fhir/Practitioner/7/_history/2", "Practitioner/7/_history/2"),
    ],
)
def test_a_claim_counts_on_the_bases_of_the_ehr(claim: str, expected: str) -> None:
    assert claimed({"fhirUser": claim}).fhir_user == expected


def test_a_versioned_claim_names_its_practitioner(ehr: Ehr) -> None:
    reference = ehr.create(BERG).reference
    assert user_of(ehr, login(f"{reference}/_history/1"), Roles()).practitioner == reference


@pytest.mark.parametrize(
    ("claims", "token", "patient"),
    [
        ({}, {}, None),
        ({"patient": "7"}, {}, "Patient/7"),
        ({}, {"patient": "7"}, "Patient/7"),
        ({"patient": "Patient/7"}, {}, "Patient/7"),
        ({"patient": "https://ehr.example/fhir/Patient/7"}, {}, "Patient/7"),
        ({"patient": "8"}, {"patient": "7"}, "Patient/7"),
    ],
)
def test_the_issuer_may_limit_a_login_to_one_patient(
    ehr: Ehr, claims: dict[str, str], token: dict[str, str], patient: str | None
) -> None:
    named = claimed(claims, **token).patient
    reference = ehr.create(BERG).reference
    assert user_of(ehr, login(reference, patient=named), Roles()).patient == patient


@pytest.mark.parametrize(
    "named", ["", "Group/7", "https://other.example/fhir/Patient/7", "7/../8", "['7', '8']"]
)
def test_a_limit_that_names_nobody_here_limits_to_nobody(ehr: Ehr, named: str) -> None:
    reference = ehr.create(BERG).reference
    with pytest.raises(NoEntry, match="limited to one patient"):
        user_of(ehr, login(reference, patient=named), Roles())


def test_who_left_is_noticed_within_a_minute(ehr: Ehr, monkeypatch: pytest.MonkeyPatch) -> None:
    written = ehr.create(BERG | {"active": True})
    check = StaffCheck()
    assert check.holds(ehr, written.reference)
    gone = BERG | {"id": written.reference.split("/")[1], "active": False}
    ehr.update(gone, written.version)
    assert check.holds(ehr, written.reference)
    monkeypatch.setattr("services.review.access.staff.RECHECK_SEC", 0.0)
    check.seen(written.reference)
    assert not check.holds(ehr, written.reference)
