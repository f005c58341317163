"""Review: a page costs the EHR at most five requests, whatever it shows.

A batch is one request. Each page is asked for a second time: the first one registers the observer
of the audit trail.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.review.app import create_review_app
from services.review.worklist.kept.marks import mark_of
from shared.ehr.client import Ehr
from shared.ehr.guard.abilities import UNPROVEN, Abilities
from shared.ehr.opening import open_ehr
from shared.ehr.proof import prove
from shared.fhir import codes
from shared.settings import load_settings
from tests.browser.clinic import Clinic, a_film, chest_film, open_clinic, study
from tests.fakes import HAPI, FakeEhr, Habits
from tests.integration.review.exchanges import (
    CLOPIDOGREL,
    PLAVIX,
    TICAGRELOR,
    exchange,
    order,
)
from tests.integration.review.kinds import KINDS
from tests.integration.review.support import NO_CHOICE, UID, Visitor, fates, put_film
from tests.integration.review.urgent import LATE

MOST = 5
DECISION = 7
"""A decision: what its page asks, the transaction, and the worklist's look at what stands then."""
Sent = list[str]


def test_the_ehr_proves_that_it_answers_batches(ehr: Ehr) -> None:
    assert prove(ehr.able(UNPROVEN)).batches


@pytest.fixture
def cost(sent: Sent) -> Callable[[Callable[[], Any]], int]:
    """Count the requests of an action, done for a second time."""

    def counted(act: Callable[[], Any]) -> int:
        act()
        before = len(sent)
        act()
        return len(sent) - before

    return counted


@pytest.mark.parametrize("kind", KINDS)
def test_a_results_page(
    doctor: Visitor, clinic: Clinic, cost: Callable[..., int], kind: str
) -> None:
    path = f"/results/{KINDS[kind](clinic, doctor)}"
    assert 2 <= cost(lambda: doctor.get(path)) <= MOST


@pytest.mark.parametrize("kind", ["signed", "amended", "left orders"])
def test_a_printed_report(
    doctor: Visitor, clinic: Clinic, cost: Callable[..., int], kind: str
) -> None:
    path = f"/results/{KINDS[kind](clinic, doctor)}/report.pdf"
    assert doctor.client.get(path).status_code == 200
    assert cost(lambda: doctor.client.get(path)) <= MOST


def test_the_film_before_the_answer(
    visit: Callable[..., Visitor], clinic: Clinic, cost: Callable[..., int], tmp_path: Path
) -> None:
    visitor = visit(
        review_local_user=f"berg:{clinic.practitioner}:radiologist",
        review_film_first="*",
        **ROLES,
    )
    visitor.log_in()
    put_film(tmp_path)
    source = study(clinic.ehr, clinic.patient, UID)
    path = f"/results/{clinic.result('imaging', source, chest_film(source))}"
    assert 'id="decision"' not in visitor.get(path)
    assert cost(lambda: visitor.get(path)) <= MOST
    assert cost(lambda: visitor.client.get(f"{path}/film")) <= MOST
    assert cost(lambda: visitor.post(f"{path}/look")) <= MOST


def test_a_plan_on_a_long_record(doctor: Visitor, clinic: Clinic, cost: Callable[..., int]) -> None:
    reports = [f"DiagnosticReport/{clinic.outputs(a_film(clinic))['report']['id']}"]
    orders = [order(clinic, {"text": f"drug {n}"}) for n in range(30)]
    plan = exchange(TICAGRELOR, order(clinic, CLOPIDOGREL), [*orders, *reports])
    task = clinic.result("treatment", clinic.patient, plan)
    assert cost(lambda: doctor.get(f"/results/{task}")) <= MOST


@pytest.mark.parametrize("part", ["/media/heat-map", "/film", "/owner", "/owner?colleague=Berg"])
def test_the_other_pages_of_a_result(
    doctor: Visitor, clinic: Clinic, cost: Callable[..., int], part: str
) -> None:
    path = f"/results/{KINDS['film of an archive'](clinic, doctor)}{part}"
    assert cost(lambda: doctor.client.get(path)) <= MOST


ROLES = {"review_roles": '{"radiologist": ["RAD"], "nurse": ["OTH"]}'}


@pytest.mark.parametrize("part", ["", "/media/heat-map", "/film"])
@pytest.mark.parametrize("role", ["radiologist", "nurse"])
def test_what_a_role_may_read_and_what_not(
    visit: Callable[..., Visitor], clinic: Clinic, cost: Callable[..., int], part: str, role: str
) -> None:
    visitor = visit(review_local_user=f"berg:{clinic.practitioner}:{role}", **ROLES)
    visitor.log_in()
    path = f"/results/{a_film(clinic)}{part}"
    status = 403 if role == "nurse" else 404 if part == "/film" else 200
    assert visitor.client.get(path).status_code == status
    assert cost(lambda: visitor.client.get(path)) <= MOST


def test_an_emergency_and_what_it_opens(
    visit: Callable[..., Visitor], clinic: Clinic, cost: Callable[..., int]
) -> None:
    visitor = visit(review_local_user=f"berg:{clinic.practitioner}:nurse", **ROLES)
    visitor.log_in()
    path = f"/results/{a_film(clinic)}"
    visitor.get(path, 403)
    reason = "Unconscious in the emergency room"
    assert cost(lambda: visitor.post(f"{path}/emergency", reason=reason)) <= MOST
    for part in ("", "/media/heat-map"):
        assert visitor.client.get(path + part).status_code == 200
        assert cost(lambda part=part: visitor.client.get(path + part)) <= MOST


def test_an_address_of_an_answer_leads_on(
    doctor: Visitor, clinic: Clinic, cost: Callable[..., int]
) -> None:
    answer = clinic.task(a_film(clinic))["identifier"][0]["value"]
    assert cost(lambda: doctor.get(f"/results/{answer}", 302)) <= MOST


def test_a_models_card(doctor: Visitor, clinic: Clinic, cost: Callable[..., int]) -> None:
    page = doctor.get(f"/results/{a_film(clinic)}")
    card = re.search(r'href="(/models/[^"]+)"', page)
    assert card
    assert cost(lambda: doctor.get(card[1])) <= MOST


def test_a_login(visit: Callable[..., Visitor], cost: Callable[..., int]) -> None:
    visitor = visit()
    assert cost(visitor.log_in) <= MOST
    assert cost(lambda: visitor.get("/session")) == 0


@pytest.mark.parametrize("kind", ["film", "plan", "exchanged"])
@pytest.mark.parametrize("action", ["sign", "reject"])
def test_a_decision(doctor: Visitor, clinic: Clinic, sent: Sent, kind: str, action: str) -> None:
    task = KINDS[kind](clinic, doctor)
    doctor.get("/")  # the worklist knows the patient
    page = doctor.get(f"/results/{task}")
    named = {name: re.search(rf'name="{name}" value="([^"]+)"', page) for name in FIELDS}
    form = {name: found[1] for name, found in named.items() if found} | NO_CHOICE
    ticked = re.findall(r'name="unsigned" value="([^"]+)"', page)
    before = len(sent)
    answer = doctor.post(
        f"/results/{task}/decision",
        action=action,
        reason="filed twice",
        reviewed="yes",
        unsigned=ticked,
        **form,
    )
    assert answer.status_code == 303, answer.text
    assert len(sent) - before <= DECISION


FIELDS = ("stamp", "orders")


def test_a_form_that_is_refused(doctor: Visitor, clinic: Clinic, sent: Sent) -> None:
    task = KINDS["plan"](clinic, doctor)
    doctor.get(f"/results/{task}")
    stamp = re.search(r'name="stamp" value="([0-9a-f]+)"', doctor.get(f"/results/{task}"))
    assert stamp
    before = len(sent)
    form = {"stamp": stamp[1], "action": "amend", "text": "Otherwise."} | fates()
    assert doctor.post(f"/results/{task}/decision", **form).status_code == 400
    assert len(sent) - before <= MOST


def plain(page: str) -> str:
    """The page without what differs from session to session."""
    return re.sub(r'name="csrf" value="[^"]+"', "", page)


def visitor_at(ehr: Ehr, clinic: Clinic, folder: Path) -> Visitor:
    """Somebody at pages of her own."""
    settings = load_settings(fhir_url=ehr.base, state_dir=folder, **clinic.login)
    visitor = Visitor(create_review_app(settings, ehr).test_client())
    assert visitor.log_in().status_code == 303
    return visitor


@pytest.mark.parametrize("kind", KINDS)
def test_one_by_one_the_page_is_the_same(
    doctor: Visitor, clinic: Clinic, tmp_path: Path, kind: str
) -> None:
    path = f"/results/{KINDS[kind](clinic, doctor)}"
    doctor.get(path)  # and what a decision flashed is gone
    other = visitor_at(clinic.ehr.able(UNPROVEN), clinic, tmp_path / "other")
    assert plain(other.get(path)) == plain(doctor.get(path))


REFUSING = {
    "no batches": replace(HAPI, batches=False),
    "each entry is refused": replace(HAPI, refuses_in_batches=403),
    "entries in another order": replace(HAPI, answers_backwards=True),
}


@pytest.mark.parametrize("habits", REFUSING.values(), ids=REFUSING)
@pytest.mark.parametrize("kind", ["film", "genes", "exchanged", "survivor"])
def test_where_batches_are_refused_the_page_is_the_same(
    tmp_path: Path, habits: Habits, kind: str
) -> None:
    with FakeEhr(habits) as fake, open_ehr(load_settings(fhir_url=fake.base)) as client:
        clinic = open_clinic(client)
        alone = visitor_at(client, clinic, tmp_path / "alone")
        path = f"/results/{KINDS[kind](clinic, alone)}"
        together = visitor_at(client.able(Abilities(batches=True)), clinic, tmp_path / "together")
        assert plain(together.get(path)) == plain(alone.get(path))


def change(clinic: Clinic, reference: str, **elements: Any) -> None:
    known = clinic.ehr.read(reference)
    assert known
    clinic.ehr.update(known | elements, known["meta"]["versionId"])


def test_each_page_shows_what_stands_now(doctor: Visitor, clinic: Clinic) -> None:
    task = KINDS["exchanged"](clinic, doctor)
    path, first = f"/results/{task}", doctor.get(f"/results/{task}")
    change(clinic, clinic.patient, gender="male")
    allergy = {"resourceType": "AllergyIntolerance", "code": {"text": "ticagrelor"}}
    clinic.ehr.create(allergy | {"patient": codes.reference(clinic.patient)})
    change(clinic, f"CarePlan/{clinic.outputs(task)['report']['id']}", title="Another title")
    late = order(clinic, PLAVIX)
    for shown in ("<dd>male</dd>", '<span class="allergy">ticagrelor', "Another title", late):
        assert shown not in first
        assert shown in doctor.get(path)


def test_a_decision_is_on_what_stands_now(doctor: Visitor, clinic: Clinic) -> None:
    task = a_film(clinic)
    page = doctor.get(f"/results/{task}")
    stamp = re.search(r'name="stamp" value="([0-9a-f]+)"', page)
    assert stamp
    change(clinic, clinic.practitioner, active=False)
    form = {"stamp": stamp[1], "action": "sign", "reviewed": "yes"}
    assert doctor.post(f"/results/{task}/decision", **form).status_code == 403
    assert clinic.task(task)["status"] == "requested"


@pytest.mark.parametrize("owner", ["me", "", "colleague"])
def test_a_claim_and_a_hand_over(
    visit: Callable[..., Visitor], clinic: Clinic, sent: Sent, owner: str
) -> None:
    visitor = visit(review_local_user=f"berg:{clinic.practitioner}:radiologist", **ROLES)
    visitor.log_in()
    task = a_film(clinic)
    visitor.get("/")
    name = [{"family": "Ost"}]
    person = {"resourceType": "Practitioner", "active": True, "name": name}
    chosen = clinic.ehr.create(person).reference if owner == "colleague" else owner
    form = {"version": mark_of(clinic.task(task)).version, "owner": chosen}
    before = len(sent)
    assert visitor.post(f"/results/{task}/owner", **form).status_code == 303
    assert len(sent) - before <= DECISION


def test_an_acknowledgement(visit: Callable[..., Visitor], clinic: Clinic, sent: Sent) -> None:
    visitor = visit(
        review_local_user=f"berg:{clinic.practitioner}:radiologist",
        review_acknowledge=LATE,
        **ROLES,
    )
    visitor.log_in()
    task = a_film(clinic)
    visitor.get("/")
    version = mark_of(clinic.task(task)).version
    before = len(sent)
    answer = visitor.post(f"/results/{task}/acknowledgement", version=version)
    assert answer.status_code == 303
    assert len(sent) - before <= DECISION
