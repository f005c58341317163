"""Review: people."""

from collections.abc import Callable

import pytest
from oidc_provider_mock import User as Account
from oidc_provider_mock import run_server_in_thread

from tests.browser.clinic import (
    Clinic,
    a_film,
)
from tests.integration.review.support import Visitor, through_the_issuer


def test_a_practitioner_who_left_signs_no_more_in_the_session_that_is_still_open(
    doctor: Visitor, clinic: Clinic
) -> None:
    task, known = a_film(clinic), clinic.ehr.read(clinic.practitioner)
    assert known
    clinic.ehr.update(known | {"active": False}, known["meta"]["versionId"])
    refused = doctor.decide(task, "sign", reviewed="yes")
    assert refused.status_code == 403 and "not active in the record any more" in refused.text
    assert clinic.task(task)["status"] == "requested"


def test_a_role_signs_its_categories_alone(visit: Callable[..., Visitor], clinic: Clinic) -> None:
    task = a_film(clinic)
    visitor = visit(
        review_local_user=f"berg:{clinic.practitioner}:geneticist",
        review_roles='{"geneticist": ["GE"]}',
        review_readers='{"geneticist": ["RAD"]}',
    )
    visitor.log_in()
    page = visitor.get(f"/results/{task}")
    assert "does not sign results of this category (RAD)" in page
    assert visitor.decide(task, "sign", reviewed="yes").status_code == 403
    assert clinic.task(task)["status"] == "requested"


@pytest.mark.filterwarnings(
    "ignore:get_jwt_config:DeprecationWarning"
)  # of the test provider, which runs in this process
def test_a_hospital_login_signs_as_its_practitioner(
    visit: Callable[..., Visitor], clinic: Clinic
) -> None:
    task = a_film(clinic)
    accounts = [
        Account(
            sub="ada",
            claims={
                "fhirUser": f"{clinic.ehr.base}/{clinic.practitioner}",
                "roles": ["radiologist"],
                "name": "Ada",
            },
        ),
        Account(
            sub="eve",
            claims={
                "fhirUser": f"https://other-hospital.example/fhir/{clinic.practitioner}",
                "roles": ["radiologist"],
                "name": "Eve",
            },
        ),
        Account(sub="otto", claims={"name": "Otto", "roles": "radiologist"}),
    ]
    with run_server_in_thread(user_claims=accounts) as issuer:
        given = {
            "review_oidc_issuer": f"http://localhost:{issuer.server_port}",
            "review_oidc_client_id": "careloop",
            "review_local_user": None,
        }
        given |= {
            "review_oidc_client_secret": "secret",
            "review_local_password": None,
            "review_roles": '{"radiologist": ["RAD"]}',
        }
        nobody, ada, eve = visit(**given), visit(**given), visit(**given)
        assert through_the_issuer(eve, "eve").status_code == 403
        assert through_the_issuer(nobody, "otto").status_code == 403
        for stranger in (eve, nobody):
            stranger.get("/", 302)
            stranger.get(f"/results/{task}", 302)
        assert "local login" not in ada.get("/login")
        assert through_the_issuer(ada, "ada").location == "/results/7"
        assert ada.decide(task, "sign", reviewed="yes").status_code == 303
    assert clinic.task(task)["owner"]["reference"].endswith(clinic.practitioner)


def test_an_answer_that_nobody_asked_the_issuer_for_lets_nobody_in(
    visit: Callable[..., Visitor],
) -> None:
    with run_server_in_thread() as issuer:
        visitor = visit(
            review_oidc_issuer=f"http://localhost:{issuer.server_port}",
            review_oidc_client_id="careloop",
        )
        assert visitor.client.get("/login/callback?code=stolen&state=guessed").status_code == 401
        visitor.get("/", 302)


def test_an_issuer_that_is_away_is_told(visit: Callable[..., Visitor]) -> None:
    visitor = visit(review_oidc_issuer="http://127.0.0.1:9", review_oidc_client_id="careloop")
    assert "does not answer" in visitor.get("/login/oidc", 503)
