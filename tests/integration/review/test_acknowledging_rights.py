"""Review: who may acknowledge an urgent result."""

from collections.abc import Callable

import pytest

from shared.fhir import codes
from shared.json import Json
from tests.browser.clinic import Clinic
from tests.integration.review.support import Visitor, a_coded_film
from tests.integration.review.urgent import LATE, acknowledge, acknowledged, version


@pytest.fixture
def visitor(visit: Callable[..., Visitor]) -> Visitor:
    """A clinician at pages that ask for an acknowledgement at once."""
    entered = visit(review_acknowledge=LATE)
    assert entered.log_in().status_code == 303
    return entered


ROLES = {
    "review_roles": '{"radiologist": ["RAD"], "geneticist": ["GE"]}',
    "review_readers": '{"nurse": ["RAD"]}',
    "review_acknowledge": LATE,
}


def with_role(visit: Callable[..., Visitor], clinic: Clinic, role: str) -> Visitor:
    entered = visit(review_local_user=f"berg:{clinic.practitioner}:{role}", **ROLES)
    assert entered.log_in().status_code == 303
    return entered


def test_whoever_may_read_may_acknowledge(visit: Callable[..., Visitor], clinic: Clinic) -> None:
    task = a_coded_film(clinic)
    assert acknowledge(with_role(visit, clinic, "nurse"), task).status_code == 303
    assert acknowledged(clinic, task) == clinic.practitioner


def test_a_role_that_may_not_read_may_not(visit: Callable[..., Visitor], clinic: Clinic) -> None:
    task = a_coded_film(clinic)
    stranger = with_role(visit, clinic, "geneticist")
    page = stranger.get(f"/?patient={clinic.patient.split('/')[1]}")
    assert "Not acknowledged for" in page and "/acknowledgement" not in page
    known = clinic.task(task)["meta"]["versionId"]
    assert acknowledge(stranger, task, known).status_code == 403
    assert not acknowledged(clinic, task)


def test_an_emergency_access_reads_alone(visit: Callable[..., Visitor], clinic: Clinic) -> None:
    task = a_coded_film(clinic)
    stranger = with_role(visit, clinic, "geneticist")
    stranger.get(f"/results/{task}", 403)
    opened = stranger.post(f"/results/{task}/emergency", reason="Unconscious in the ward")
    assert opened.status_code == 303
    answer = acknowledge(stranger, task)
    assert answer.status_code == 403 and "acknowledges nothing" in answer.text
    assert not acknowledged(clinic, task)


def test_who_is_not_active_any_more_may_not(visitor: Visitor, clinic: Clinic) -> None:
    task = a_coded_film(clinic)
    known = version(visitor, task)
    person = clinic.ehr.read(clinic.practitioner)
    assert person
    clinic.ehr.update(person | {"active": False}, person["meta"]["versionId"])
    assert acknowledge(visitor, task, known).status_code == 403
    assert not acknowledged(clinic, task)


def test_a_form_of_another_site_may_not(visitor: Visitor, clinic: Clinic) -> None:
    task = a_coded_film(clinic)
    answer = visitor.post(
        f"/results/{task}/acknowledgement", token="x", version=version(visitor, task)
    )
    assert answer.status_code == 400 and not acknowledged(clinic, task)


def test_a_task_of_others_is_none(visitor: Visitor, clinic: Clinic) -> None:
    strange: Json = {"resourceType": "Task", "status": "requested", "intent": "order"}
    made = clinic.ehr.create(strange | {"for": codes.reference(clinic.patient)})
    visitor.get("/")
    answer = acknowledge(visitor, made.reference.split("/")[1], "1")
    assert answer.status_code == 404
