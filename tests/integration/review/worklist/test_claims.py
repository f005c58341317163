"""Claiming a result, handing it over, giving it back; and coming back to the same place."""

import re
from collections.abc import Callable

import pytest

from shared.ehr.client import Ehr
from tests.browser.clinic import Clinic, a_film, chest_film, study
from tests.integration.review.support import Visitor, audited, named
from tests.integration.review.worklist.support import (
    beside,
    change,
    forms,
    listed,
    path,
    press,
)


@pytest.fixture
def colleague(ehr: Ehr) -> str:
    named = [{"family": "Sommer", "given": ["Otto"], "prefix": ["Dr."]}]
    return ehr.create({"resourceType": "Practitioner", "name": named}).reference


def owner(clinic: Clinic, task: str) -> str:
    return str(clinic.task(task).get("owner", {}).get("reference", ""))


def test_claimed_given_back_and_taken_over(doctor: Visitor, clinic: Clinic, colleague: str) -> None:
    task = a_film(clinic)
    assert "Nobody" in doctor.get(path(clinic))
    assert press(doctor, doctor.get(path(clinic)), task, "Claim").status_code == 303
    assert owner(clinic, task) == clinic.practitioner
    page = doctor.get(path(clinic))
    assert "Claimed: it is yours." in page and "Dr. Ada Berg" in page
    assert listed(doctor.get(path(clinic, owner="mine"))) == [task]
    assert listed(doctor.get(path(clinic, owner="nobody"))) == []

    assert press(doctor, page, task, "Give back").status_code == 303
    assert owner(clinic, task) == ""
    change(clinic, task, owner={"reference": colleague, "display": "Dr. Otto Sommer"})
    page = doctor.get(path(clinic))
    assert "Dr. Otto Sommer" in page and listed(doctor.get(path(clinic, owner="mine"))) == []
    assert press(doctor, page, task, "Take over").status_code == 303
    assert owner(clinic, task) == clinic.practitioner
    assert clinic.task(task)["status"] == "requested", "whoever may sign may sign it still"


def test_handed_over_to_a_colleague_found_by_name(
    doctor: Visitor, clinic: Clinic, colleague: str
) -> None:
    task = a_film(clinic)
    gone = {"resourceType": "Practitioner", "active": False, "name": [{"family": "Sommerfeld"}]}
    clinic.ehr.create(gone)
    found = doctor.get(f"/results/{task}/owner?colleague=Somm&urgency=urgent")
    assert "Hand over to" in found and "Otto Sommer" in found and "Sommerfeld" not in found
    assert 'name="urgency" value="urgent"' in found
    sent = _hand_over(doctor, found, task, colleague)
    assert sent.status_code == 303 and sent.location == "/?urgency=urgent"
    assert owner(clinic, task) == colleague
    assert "Nobody was told: call her or him." in doctor.get(path(clinic))
    unknown = doctor.get(f"/results/{task}/owner?colleague=Xyz")
    assert "No active colleague has this name." in unknown


def _hand_over(doctor: Visitor, page: str, task: str, to: str) -> object:
    action, fields = next(iter(forms(page, task).values()))
    return doctor.client.post(action, data=fields | {"owner": to})


@pytest.mark.parametrize(
    "to", ["inactive", "Practitioner/nobody", "Patient/1", "https://other.example/Practitioner/1"]
)
def test_who_is_not_at_work_here_is_handed_nothing(
    doctor: Visitor, clinic: Clinic, to: str
) -> None:
    task = a_film(clinic)
    if to == "inactive":
        to = clinic.ehr.create({"resourceType": "Practitioner", "active": False}).reference
    action, fields = forms(doctor.get(path(clinic)), task)["Claim"]
    sent = doctor.client.post(action, data=fields | {"owner": to})
    assert sent.status_code == 400 and "no such colleague at work" in sent.text
    assert owner(clinic, task) == ""


def test_of_two_who_claim_it_at_once_one_is_told(
    doctor: Visitor, clinic: Clinic, colleague: str
) -> None:
    task = a_film(clinic)
    page = doctor.get(path(clinic))
    change(clinic, task, owner={"reference": colleague})
    late = press(doctor, page, task, "Claim")
    assert late.status_code == 409 and "Somebody changed this result meanwhile" in late.text
    assert owner(clinic, task) == colleague


@pytest.mark.parametrize("outcome", ["cancelled", "completed", "failed"])
def test_nobody_claims_what_waits_no_more(doctor: Visitor, clinic: Clinic, outcome: str) -> None:
    task = a_film(clinic)
    page = doctor.get(path(clinic))
    change(clinic, task, status=outcome)
    late = press(doctor, page, task, "Claim")
    assert late.status_code == 409 and "Nothing waits here any more" in late.text
    assert doctor.client.get(f"/results/{task}/owner").status_code == 409
    assert owner(clinic, task) == ""


def test_what_is_gone_is_not_there_and_a_form_needs_its_token(
    doctor: Visitor, clinic: Clinic
) -> None:
    doctor.get("/")
    assert doctor.post("/results/unknown/owner", owner="me", version="1").status_code == 404
    task = a_film(clinic)
    action, fields = forms(doctor.get(path(clinic)), task)["Claim"]
    for wrong in ({"csrf": "x"}, {"version": "x"}, {"version": ""}):
        sent = doctor.client.post(action, data=fields | wrong)
        assert sent.status_code in (400, 409)
    assert owner(clinic, task) == ""


def test_after_a_claim_the_list_is_at_the_same_place(doctor: Visitor, clinic: Clinic) -> None:
    sources = [study(clinic.ehr, clinic.patient) for _ in range(30)]
    made = [clinic.result("imaging", source, chest_film(source)) for source in sources]
    first = doctor.get(path(clinic, urgency="routine", text="opacity", owner=""))
    second = doctor.get(str(beside(first, "next")))
    assert listed(second) == made[25:]
    answer = press(doctor, second, made[27], "Claim")
    back = doctor.get(answer.location)
    assert listed(back) == made[25:] and "26 to 30 of 30" in back
    assert re.search(r'name="text"[^>]* value="opacity"', back)


def test_who_may_not_sign_it_may_not_claim_it(
    visit: Callable[..., Visitor], doctor: Visitor, clinic: Clinic
) -> None:
    task = a_film(clinic)
    action, fields = forms(doctor.get(path(clinic)), task)["Claim"]
    roles = {"review_roles": '{"geneticist": ["GE"]}', "review_readers": '{"nurse": ["RAD"]}'}
    for role in ("geneticist", "nurse"):
        visitor = visit(review_local_user=f"berg:{clinic.practitioner}:{role}", **roles)
        visitor.log_in()
        page = visitor.get(path(clinic))
        if role == "geneticist":
            assert "Not for your role" in page and not forms(page, task)
        sent = visitor.client.post(action, data=fields | {"csrf": visitor.token()})
        assert sent.status_code == 403
    assert owner(clinic, task) == ""


def test_a_claim_is_in_the_audit_trail(doctor: Visitor, clinic: Clinic) -> None:
    task = a_film(clinic)
    press(doctor, doctor.get(path(clinic)), task, "Claim")
    [event] = audited(clinic, "U")
    assert named(event) >= {f"Task/{task}", clinic.patient}
