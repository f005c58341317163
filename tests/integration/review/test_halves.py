"""Review: an EHR that runs transactions as batches keeps half of no signature."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.browser.clinic import Clinic, a_film
from tests.fakes import HAPI, SEKMET, FakeEhr
from tests.integration.review.support import Visitor


@pytest.fixture(params=[SEKMET, HAPI], ids=lambda habits: habits.name)
def fake(request: pytest.FixtureRequest) -> Iterator[FakeEhr]:
    with FakeEhr(replace(request.param, runs_transactions_as_batches=True)) as started:
        yield started


@pytest.fixture
def fhir_url(fake: FakeEhr) -> str:
    return fake.base


@pytest.mark.parametrize("kind", ["Provenance", "DiagnosticReport", "Task", "AuditEvent"])
@pytest.mark.parametrize("refusal", [(429, 503), (503, 503), (422, 502), (400, 502), (412, 409)])
def test_a_signature_of_which_an_entry_is_refused_is_none(
    fake: FakeEhr, doctor: Visitor, clinic: Clinic, kind: str, refusal: tuple[int, int]
) -> None:
    status, expected = refusal
    task = a_film(clinic)
    provenances = len(fake.resources("Provenance"))
    fake.faults.refuse(1, status, kind=kind)
    answer = doctor.decide(task, "sign", reviewed="yes")
    assert answer.status_code == expected, answer.text
    assert clinic.task(task)["status"] == "requested"
    drafts = {r["status"] for k, r in clinic.outputs(task).items() if r["resourceType"] != "Media"}
    assert drafts == {"preliminary"}

    fake.faults.end()
    assert doctor.decide(task, "sign", reviewed="yes").status_code == 303
    assert clinic.task(task)["status"] == "completed"
    assert clinic.outputs(task)["report"]["status"] == "final"
    assert len(fake.resources("Provenance")) > provenances


@pytest.mark.parametrize("kind", ["Provenance", "Observation", "Task"])
def test_a_rejection_of_which_an_entry_is_refused_is_none(
    fake: FakeEhr, doctor: Visitor, clinic: Clinic, kind: str
) -> None:
    task = a_film(clinic)
    fake.faults.refuse(1, 503, kind=kind)
    assert doctor.decide(task, "reject", reason="Blurred").status_code == 503
    assert clinic.task(task)["status"] == "requested"
    assert clinic.outputs(task)["report"]["status"] == "preliminary"
    assert doctor.decide(task, "reject", reason="Blurred").status_code == 303
    assert clinic.outputs(task)["report"]["status"] == "cancelled"
