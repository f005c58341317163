"""Review: an EHR that lets nobody change an order gets Tasks, in the same transaction."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from shared.fhir import codes
from tests.browser.clinic import Clinic
from tests.fakes import HAPI, SEKMET, FakeEhr
from tests.integration.review.exchanges import (
    CLOPIDOGREL,
    PLAVIX,
    TICAGRELOR,
    exchange,
    order,
    status,
)
from tests.integration.review.support import Visitor, accepted


@pytest.fixture(params=[(SEKMET, 405), (HAPI, 403), (HAPI, 422)], ids=str)
def fake(request: pytest.FixtureRequest) -> Iterator[FakeEhr]:
    habits, refused = request.param
    with FakeEhr(replace(habits, orders_read_only=refused)) as started:
        yield started


@pytest.fixture
def fhir_url(fake: FakeEhr) -> str:
    return fake.base


def signed(doctor: Visitor, task: str) -> int:
    page = doctor.get(f"/results/{task}")
    said = re.search(r'name="orders" value="([0-9a-f]+)"', page)
    assert said
    form = {"reviewed": "yes", "orders": said[1]} | accepted("ticagrelor")
    return doctor.decide(task, "sign", **form).status_code


def test_a_task_stands_for_each_order_that_the_ehr_does_not_let_end(
    fake: FakeEhr, doctor: Visitor, clinic: Clinic
) -> None:
    named, other = order(clinic, CLOPIDOGREL), order(clinic, PLAVIX)
    task = clinic.result("treatment", clinic.patient, exchange(TICAGRELOR, named))
    assert signed(doctor, task) == 303
    assert clinic.outputs(task)["ticagrelor"]["status"] == "active"
    assert [status(clinic.ehr, r) for r in (named, other)] == ["active", "active"]
    asked = [
        t
        for t in fake.resources("Task")
        if codes.has_code(t["code"], codes.FHIR_TASK_CODE, "abort")
    ]
    assert {t["focus"]["reference"] for t in asked} == {named, other}
    page = doctor.get(f"/results/{task}")
    assert "Replaced, and still active" in page and "does not let careloop change orders" in page
    told = page.split('class="notice bad" role="status">')[1].split("</p>")[0]
    assert "Signed, but NOT stopped: " in told and "clopidogrel" in told and "Plavix" in told
    assert "Both drugs are active now. Call the prescriber: nobody was told." in told
    assert "notice good" not in page


def test_another_refusal_saves_nothing(fake: FakeEhr, doctor: Visitor, clinic: Clinic) -> None:
    named = order(clinic, CLOPIDOGREL)
    task = clinic.result("treatment", clinic.patient, exchange(TICAGRELOR, named))
    fake.faults.refuse(9, 422, kind="CarePlan")
    assert signed(doctor, task) == 502
    assert clinic.task(task)["status"] == "requested"
    assert not [t for t in fake.resources("Task") if "focus" in t and t["id"] != task]
