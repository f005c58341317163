"""Who may log in and sign."""

from typing import Any

import pytest

from services.review.access import oidc, signing
from services.review.access.login import FAILURES, Throttle, local_login
from services.review.access.security import is_secure
from services.review.access.session import User
from services.review.account import _safe
from services.review.worklist.listing import _matches
from shared.ehr.bases.known import KnownBases
from shared.ehr.bases.value import bases_of
from shared.errors import Misconfigured
from shared.settings import load_settings

REPORT = {
    "resourceType": "DiagnosticReport",
    "category": [
        {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD"}]}
    ],
}
PLAN = {"resourceType": "CarePlan"}


def user(*roles: str, practitioner: str | None = "Practitioner/1") -> User:
    return User("Dr. Ada Berg", practitioner, roles)


def test_without_roles_every_practitioner_signs_everything() -> None:
    assert signing.refusal(user(), REPORT, {}) is None


def test_without_a_practitioner_nobody_signs_and_the_page_says_what_to_do() -> None:
    assert "fhirUser" in (signing.refusal(user("radiologist", practitioner=None), REPORT, {}) or "")


@pytest.mark.parametrize(
    ("roles", "focus", "may"),
    [
        (("radiologist",), REPORT, True),
        (("radiologist",), PLAN, False),
        (("physician",), PLAN, True),
        ((), REPORT, False),
    ],
)
def test_roles_bound_the_categories(
    roles: tuple[str, ...], focus: dict[str, Any], may: bool
) -> None:
    allowed = signing.roles_of('{"radiologist": ["RAD"], "physician": ["CarePlan"]}')
    assert (signing.refusal(user(*roles), focus, allowed) is None) == may


def test_a_category_in_words_alone_is_none() -> None:
    spoken = REPORT | {"category": [{"coding": [{"display": "Radiology"}]}, *REPORT["category"]]}
    assert signing.categories(spoken) == {"RAD"}


@pytest.mark.parametrize("text", ["[]", "{", '{"a": "RAD"}', '{"a": [1]}'])
def test_wrong_roles_are_told(text: str) -> None:
    with pytest.raises(Misconfigured, match="CARELOOP_REVIEW_ROLES"):
        signing.roles_of(text)


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("https://ehr.example/fhir/Practitioner/a-1", "Practitioner/a-1"),
        ("https://other.example/fhir/Practitioner/a-1", None),
        ("https://ehr.example/tenant/fhir/Practitioner/a-1", None),
        ("Practitioner/7", "Practitioner/7"),
        ("https://ehr.example/fhir/Practitioner/7/_history/2", "Practitioner/7"),
        ("https://ehr.example/fhir/Patient/7", None),
        ("PractitionerRole/7", None),
        ("XPractitioner/7", None),
        ("Practitioner/7/../../Patient/1", None),
        ("", None),
    ],
)
def test_the_signer_is_the_practitioner_of_fhir_user(claim: str, expected: str | None) -> None:
    bases = bases_of("https://ehr.example/fhir")
    local = KnownBases(bases, lambda _: {"resourceType": "CapabilityStatement"}).local
    assert oidc.practitioner_of({"fhirUser": claim}, local) == expected


@pytest.mark.parametrize(
    ("user_name", "password"),
    [
        ("berg", "x"),
        ("berg:Patient/1", "x"),
        (":Practitioner/1", "x"),
        ("berg:Practitioner/1", None),
        (None, "x"),
    ],
)
def test_half_a_local_login_is_told(user_name: str | None, password: str | None) -> None:
    given = {
        k: v
        for k, v in {"review_local_user": user_name, "review_local_password": password}.items()
        if v
    }
    with pytest.raises(Misconfigured, match="CARELOOP_REVIEW_LOCAL_USER"):
        local_login(load_settings(**given))


def test_the_local_login_takes_its_own_password_alone() -> None:
    login = local_login(
        load_settings(review_local_user="berg:Practitioner/1", review_local_password="geheim-ü")
    )
    assert (
        login
        and login.accepts("berg", "geheim-ü")
        and not login.accepts("berg", "geheim")
        and not login.accepts("Berg", "geheim-ü")
    )
    assert "geheim" not in repr(login)


def test_failures_are_throttled_by_address() -> None:
    throttle = Throttle()
    for _ in range(FAILURES):
        assert not throttle.blocked("10.0.0.1")
        throttle.failed("10.0.0.1")
    assert throttle.blocked("10.0.0.1") and not throttle.blocked("10.0.0.2")


@pytest.mark.parametrize(
    ("given", "secure"),
    [
        ({"review_url": "http://127.0.0.1:8425"}, False),
        ({"review_url": "https://review.example"}, True),
        ({"review_url": "http://review.example"}, True),
        ({"http_host": "0.0.0.0"}, True),
        ({}, False),
    ],
)
def test_cookies_are_secure_but_on_this_machine(given: dict[str, str], secure: bool) -> None:
    assert is_secure(load_settings(**given)) is secure


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "",
        None,
    ],
)
def test_login_leads_nowhere_else(target: str | None) -> None:
    from flask import Flask

    app = Flask("test")
    app.add_url_rule("/", "review.worklist", lambda: "")
    with app.test_request_context():
        assert _safe(target) == "/" and _safe("/results/7?x=1") == "/results/7?x=1"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("erika", True),
        ("must eri", True),
        ("MRN-1", True),
        ("ika", False),
        ("MRN", False),
        ("other", False),
    ],
)
def test_a_server_that_ignores_the_search_does_not_widen_it(words: str, found: bool) -> None:
    patient = {
        "name": [{"family": "Mustermann", "given": ["Erika"]}],
        "identifier": [{"value": "MRN-1"}],
    }
    assert _matches(patient, words) is found
