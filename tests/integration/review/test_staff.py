"""Review: only the staff enters."""

from collections.abc import Callable
from typing import Any

import pytest
from oidc_provider_mock import User as Account
from oidc_provider_mock import run_server_in_thread

from tests.browser.clinic import Clinic, a_film, fill, open_clinic
from tests.integration.review.support import Visitor, through_the_issuer

pytestmark = pytest.mark.filterwarnings(
    "ignore:get_jwt_config:DeprecationWarning"
)  # of the test provider, which runs in this process


@pytest.fixture
def enter(visit: Callable[..., Visitor], clinic: Clinic) -> Callable[..., tuple[int, str, Visitor]]:
    """Log in at an issuer with these claims: the status, the page, the person."""

    def entered(claims: dict[str, Any], **settings: Any) -> tuple[int, str, Visitor]:
        with run_server_in_thread(user_claims=[Account(sub="ada", claims=claims)]) as issuer:
            visitor = visit(
                review_oidc_issuer=f"http://localhost:{issuer.server_port}",
                review_oidc_client_id="careloop",
                review_oidc_client_secret="secret",
                review_local_user=None,
                review_local_password=None,
                **settings,
            )
            answer = through_the_issuer(visitor, "ada")
        return answer.status_code, answer.text, visitor

    return entered


@pytest.mark.parametrize("kind", ["Patient", "RelatedPerson", "Person", "Device"])
def test_who_is_not_of_the_staff_reads_nothing_and_is_told_whom_to_ask(
    enter: Callable[..., tuple[int, str, Visitor]], clinic: Clinic, kind: str
) -> None:
    tasks = fill(clinic)
    reference = clinic.patient if kind == "Patient" else f"{kind}/7"
    status, page, visitor = enter({"fhirUser": f"{clinic.ehr.base}/{reference}"})
    assert status == 403 and kind in page and "sk your administrator" in page
    for path in ("/", *(f"/results/{task}" for task in tasks.values())):
        visitor.get(path, 302)


@pytest.mark.parametrize("claims", [{}, {"roles": ["radiologist"]}, {"fhirUser": ""}])
def test_who_names_nobody_does_not_enter(
    enter: Callable[..., tuple[int, str, Visitor]], claims: dict[str, Any]
) -> None:
    status, page, visitor = enter(claims)
    assert status == 403 and "fhirUser" in page
    visitor.get("/", 302)


def test_an_inactive_practitioner_does_not_enter(
    visit: Callable[..., Visitor], clinic: Clinic
) -> None:
    left = clinic.ehr.create({"resourceType": "Practitioner", "active": False}).reference
    for reference, said in ((left, "not active"), ("Practitioner/unknown", "does not hold")):
        visitor = visit(review_local_user=f"berg:{reference}")
        answer = visitor.log_in()
        assert answer.status_code == 403 and said in answer.text
        visitor.get("/", 302)


@pytest.mark.parametrize("roles", [[], ["porter"], "porter"])
def test_a_role_that_is_mapped_to_nothing_does_not_enter(
    enter: Callable[..., tuple[int, str, Visitor]], clinic: Clinic, roles: Any
) -> None:
    task = a_film(clinic)
    claims = {"fhirUser": f"{clinic.ehr.base}/{clinic.practitioner}", "roles": roles}
    status, page, visitor = enter(claims, review_roles='{"radiologist": ["RAD"]}')
    assert status == 403 and "no role that opens these pages" in page
    visitor.get(f"/results/{task}", 302)


@pytest.mark.parametrize("shape", ["id", "reference", "address"])
def test_a_login_for_one_patient_sees_that_patient_alone(
    enter: Callable[..., tuple[int, str, Visitor]], clinic: Clinic, shape: str
) -> None:
    other = open_clinic(clinic.ehr, "Otto", "Fremdling")
    task, strange = a_film(clinic), a_film(other)
    named = {
        "id": clinic.patient.split("/")[1],
        "reference": clinic.patient,
        "address": f"{clinic.ehr.base}/{clinic.patient}",
    }
    claims = {
        "fhirUser": f"{clinic.ehr.base}/{clinic.practitioner}",
        "patient": named[shape],
    }
    status, _, visitor = enter(claims)
    assert status == 303
    visitor.get(f"/results/{task}")
    for path in ("", "/film", "/media/heat-map"):
        page = visitor.get(f"/results/{strange}{path}", 403)
        assert "limited to one patient" in page and "Otto" not in page
    for path in ("/", "/?patient=Fremdling", f"/?patient={other.patient.split('/')[1]}"):
        listed = visitor.get(path)
        assert "Otto" not in listed and f"/results/{strange}" not in listed
    assert f"/results/{task}" in visitor.get("/")
    assert visitor.post(f"/results/{strange}/decision", action="sign").status_code == 403


def test_a_login_limited_to_nobody_here_does_not_enter(
    enter: Callable[..., tuple[int, str, Visitor]], clinic: Clinic
) -> None:
    claims = {
        "fhirUser": f"{clinic.ehr.base}/{clinic.practitioner}",
        "patient": "https://other.example/fhir/Patient/7",
    }
    status, page, _ = enter(claims)
    assert status == 403 and "limited to one patient" in page
