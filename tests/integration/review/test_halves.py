"""Review: an EHR that runs transactions as batches keeps half of no signature."""

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.clinic.ports import free_port
from services.review.process import run_review
from shared.errors import Misconfigured
from shared.fhir import codes
from shared.json import Json
from shared.settings import load_settings
from tests.browser.clinic import Clinic, a_film
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

NAME = "Ada Berg"


@pytest.fixture(params=[SEKMET, HAPI], ids=lambda habits: habits.name)
def fake(request: pytest.FixtureRequest) -> Iterator[FakeEhr]:
    with FakeEhr(replace(request.param, runs_transactions_as_batches=True)) as started:
        yield started


@pytest.fixture
def fhir_url(fake: FakeEhr) -> str:
    return fake.base


def verifiers(fake: FakeEhr) -> list[Json]:
    """Every Provenance by which somebody verified something."""
    return [
        provenance
        for provenance in fake.resources("Provenance")
        for agent in provenance["agent"]
        if codes.has_code(agent.get("type"), codes.PROVENANCE_AGENT, "verifier")
    ]


def origin(page: str) -> str:
    return page.split("Verified by")[1].split("</div>", maxsplit=1)[0]


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
    assert verifiers(fake) == []
    assert "nobody yet" in (page := doctor.get(f"/results/{task}")) and NAME not in origin(page)
    drafts = {r["status"] for k, r in clinic.outputs(task).items() if r["resourceType"] != "Media"}
    assert drafts == {"preliminary"}

    fake.faults.end()
    assert doctor.decide(task, "sign", reviewed="yes").status_code == 303
    assert clinic.task(task)["status"] == "completed"
    assert clinic.outputs(task)["report"]["status"] == "final"
    assert len(fake.resources("Provenance")) > provenances
    assert len(verifiers(fake)) == 1
    assert NAME in origin(doctor.get(f"/results/{task}"))


@pytest.mark.parametrize("kind", ["Provenance", "Observation", "Task"])
def test_a_rejection_of_which_an_entry_is_refused_is_none(
    fake: FakeEhr, doctor: Visitor, clinic: Clinic, kind: str
) -> None:
    task = a_film(clinic)
    fake.faults.refuse(1, 503, kind=kind)
    assert doctor.decide(task, "reject", reason="Blurred").status_code == 503
    assert clinic.task(task)["status"] == "requested"
    assert clinic.outputs(task)["report"]["status"] == "preliminary"
    assert verifiers(fake) == []
    assert doctor.decide(task, "reject", reason="Blurred").status_code == 303
    assert clinic.outputs(task)["report"]["status"] == "cancelled"


@pytest.mark.parametrize("kind", ["DiagnosticReport", "Task"])
def test_what_the_ehr_does_not_take_back_is_no_signature_on_the_page(
    fake: FakeEhr, doctor: Visitor, clinic: Clinic, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    task = a_film(clinic)
    fake.faults.refuse(1, 422, kind=kind)
    fake.faults.fail(9, 403, method="PUT", path="Provenance")
    assert doctor.decide(task, "sign", reviewed="yes").status_code == 502
    assert len(verifiers(fake)) == 1 and "could not be taken back" in caplog.text
    assert clinic.outputs(task)["report"]["status"] == "preliminary"
    page = doctor.get(f"/results/{task}")
    assert NAME not in origin(page) and "nobody yet" in origin(page)


def test_a_provenance_that_was_taken_back_still_says_of_what(
    fake: FakeEhr, doctor: Visitor, clinic: Clinic
) -> None:
    task = a_film(clinic)
    written = {p["id"] for p in fake.resources("Provenance")}
    fake.faults.refuse(1, 503, kind="DiagnosticReport")
    doctor.decide(task, "sign", reviewed="yes")
    [left] = [p for p in fake.resources("Provenance") if p["id"] not in written]
    assert f"Task/{task}" in {target["reference"] for target in left["target"]}
    assert codes.has_code(left["activity"], codes.V3_DATA_OPERATION, "NULLIFY")
    assert "Practitioner" not in str(left["agent"]) and left["meta"]["versionId"] == "2"
    assert {p["id"] for p in fake.resources("Provenance") if p.get("activity")} == {left["id"]}


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("kind", ["CarePlan", "Provenance", "AuditEvent"])
def test_an_exchange_of_which_an_entry_is_refused_is_none(
    fake: FakeEhr, visit: Callable[..., Visitor], clinic: Clinic, kind: str, read_only: bool
) -> None:
    doctor = visit(review_orders_read_only=read_only)
    doctor.log_in()
    orders = order(clinic, CLOPIDOGREL), order(clinic, PLAVIX)
    task = clinic.result("treatment", clinic.patient, exchange(TICAGRELOR, orders[0]))
    said = re.search(r'name="orders" value="([0-9a-f]+)"', doctor.get(f"/results/{task}"))
    assert said
    fake.faults.refuse(1, 503, kind=kind)
    form = {"reviewed": "yes", "orders": said[1]} | accepted("ticagrelor")
    refused = doctor.decide(task, "sign", **form)
    assert refused.status_code == 503
    assert [status(clinic.ehr, reference) for reference in orders] == ["active", "active"]
    assert clinic.outputs(task)["ticagrelor"]["status"] == "draft"
    left = [t for t in fake.resources("Task") if t["id"] != task]
    assert {t["status"] for t in left} <= {"entered-in-error"} and bool(left) == read_only


def test_review_does_not_start_at_such_an_ehr(fake: FakeEhr, tmp_path: Path) -> None:
    settings = load_settings(fhir_url=fake.base, state_dir=tmp_path, http_port=free_port())
    with pytest.raises(Misconfigured, match="lacks atomic transactions"):
        run_review(settings, threading.Event())
