"""Review: an emergency access reads, and writes nothing at all."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from services.review.access.signing import IN_EMERGENCY
from services.review.disclosure import trail
from shared.fhir import codes
from tests.browser.clinic import Clinic, a_film, open_clinic
from tests.integration.review.looks import row
from tests.integration.review.support import Visitor, audited
from tests.merging import merge

WHY = "Unconscious in the emergency room"
FORMS = (
    ("decision", "sign"),
    ("decision", "amend"),
    ("decision", "reject"),
    ("close", ""),
    ("owner", ""),
    ("acknowledgement", ""),
)


@pytest.fixture
def strange(clinic: Clinic) -> Clinic:
    """Another patient, with whom the login has nothing to do."""
    return open_clinic(clinic.ehr, "Otto", "Fremdling")


@pytest.fixture
def limited(doctor: Visitor, clinic: Clinic) -> Visitor:
    """Somebody who may sign everything of one patient, as the issuer says."""
    with doctor.client.session_transaction() as session:
        session["user"] = session["user"] | {"patient": clinic.patient}
    return doctor


@pytest.fixture
def nurse(visit: Callable[..., Visitor], clinic: Clinic) -> Visitor:
    """Somebody whose role reads no films."""
    visitor = visit(
        review_local_user=f"berg:{clinic.practitioner}:nurse",
        review_roles='{"radiologist": ["RAD"]}',
        review_readers='{"nurse": ["OTH"]}',
    )
    visitor.log_in()
    return visitor


def open_in_emergency(visitor: Visitor, task: str) -> str:
    """Begin an emergency access; return the page that it opens."""
    visitor.get(f"/results/{task}", 403)
    assert visitor.post(f"/results/{task}/emergency", reason=WHY).status_code == 303
    return visitor.get(f"/results/{task}")


def forms_of(visit: Callable[..., Visitor], task: str) -> dict[str, str]:
    """The hidden fields that somebody sees who may sign it."""
    chief = visit()
    chief.log_in()
    page = chief.get(f"/results/{task}")
    stamp = re.search(r'name="stamp" value="([0-9a-f]+)"', page)
    return {"stamp": stamp[1] if stamp else ""}


@pytest.mark.parametrize(("form", "action"), FORMS)
def test_who_signs_for_one_patient_writes_nothing_of_another(
    limited: Visitor, visit: Callable[..., Visitor], strange: Clinic, form: str, action: str
) -> None:
    task = a_film(strange)
    fields = forms_of(visit, task)
    open_in_emergency(limited, task)
    head, outputs = strange.task(task), strange.outputs(task)
    sent = limited.post(
        f"/results/{task}/{form}",
        **fields,
        action=action,
        reviewed="yes",
        reason="Not hers.",
        text="Nothing.",
        owner="me",
        version=head["meta"]["versionId"],
    )
    assert sent.status_code == 403 and IN_EMERGENCY in sent.text
    assert strange.task(task) == head and strange.outputs(task) == outputs


def test_what_was_decided_elsewhere_is_not_closed(
    limited: Visitor, visit: Callable[..., Visitor], strange: Clinic
) -> None:
    task = a_film(strange)
    report = strange.outputs(task)["report"]
    strange.ehr.update(report | {"status": "final"}, report["meta"]["versionId"])
    fields = forms_of(visit, task)
    page = open_in_emergency(limited, task)
    assert "Decided elsewhere" in page and "Take it off the worklist" not in page
    head = strange.task(task)
    assert limited.post(f"/results/{task}/close", **fields).status_code == 403
    assert strange.task(task) == head


@pytest.mark.parametrize(
    ("char", "words"),
    [
        ("\u200b", "zero width space (U+200B)"),
        ("\u202e", "right-to-left override (U+202E)"),
        ("\u3164", "hangul filler (U+3164)"),
        ("\x07", "control character (U+0007)"),
    ],
)
def test_a_reason_names_and_places_what_nobody_can_see(
    limited: Visitor, strange: Clinic, char: str, words: str
) -> None:
    task = a_film(strange)
    refused = limited.post(f"/results/{task}/emergency", reason=f"Unconscious{char} here")
    assert refused.status_code == 400 and words in refused.text
    assert "after “Unconscious”" in refused.text and ">Unconscious here</textarea>" in refused.text
    limited.get(f"/results/{task}", 403)


def test_the_page_says_so_and_offers_no_form(limited: Visitor, strange: Clinic) -> None:
    page = open_in_emergency(limited, a_film(strange))
    assert IN_EMERGENCY in page and "Sign as it stands" not in page


def test_her_own_patient_she_signs_all_the_same(
    limited: Visitor, clinic: Clinic, strange: Clinic
) -> None:
    task = a_film(clinic)
    open_in_emergency(limited, a_film(strange))
    assert IN_EMERGENCY not in limited.get(f"/results/{task}")
    assert limited.decide(task, "sign", reviewed="yes").status_code == 303
    assert clinic.task(task)["status"] == "completed"


def test_a_page_that_is_slower_than_the_grant_does_not_take_it_back(
    limited: Visitor, strange: Clinic
) -> None:
    task, slow = a_film(strange), limited.copy()
    with slow.client.session_transaction() as session:
        session["note"] = "a page that began before"
        open_in_emergency(limited, task)
    limited.get(f"/results/{task}")


def test_a_page_that_is_slower_than_the_end_does_not_take_it_back(
    limited: Visitor, strange: Clinic
) -> None:
    task, slow = a_film(strange), limited.copy()
    open_in_emergency(limited, task)
    with slow.client.session_transaction() as session:
        session["note"] = "a page that began before"
        limited.post("/emergency/end")
    limited.get(f"/results/{task}", 403)


def test_a_page_that_is_slower_than_the_expiry_does_not_prolong_it(
    visit: Callable[..., Visitor], clinic: Clinic, strange: Clinic
) -> None:
    limited, task = visit(review_emergency_sec=4.0), a_film(strange)
    limited.log_in()
    with limited.client.session_transaction() as session:
        session["user"] = session["user"] | {"patient": clinic.patient}
    slow = limited.copy()
    open_in_emergency(limited, task)
    with slow.client.session_transaction() as session:
        session["note"] = "a page that began before"
        time.sleep(4.1)
        limited.get(f"/results/{task}", 403)
    limited.get(f"/results/{task}", 403)


@pytest.mark.parametrize("then", ["/emergency/end", "/logout"])
def test_a_grant_that_is_slower_than_its_end_does_not_begin(
    limited: Visitor, strange: Clinic, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    task, fast, record = a_film(strange), limited.copy(), trail.begin_emergency

    def slowly(*given: Any) -> None:
        monkeypatch.setattr(trail, "begin_emergency", record)
        open_in_emergency(fast, task)
        assert fast.post(then).status_code == 303
        record(*given)

    limited.get(f"/results/{task}", 403)
    monkeypatch.setattr(trail, "begin_emergency", slowly)
    limited.post(f"/results/{task}/emergency", reason=WHY)
    limited.get(f"/results/{task}", 302 if then == "/logout" else 403)


def test_after_an_end_one_may_begin_again(limited: Visitor, strange: Clinic) -> None:
    task = a_film(strange)
    for _ in range(2):
        open_in_emergency(limited, task)
        limited.post("/emergency/end")
    limited.get(f"/results/{task}", 403)


def purposes(clinic: Clinic) -> list[bool]:
    """Of each list in the audit trail, oldest first: whether it was shown in an emergency."""
    lists = [
        event
        for event in audited(clinic, "E")
        if codes.has_code(event["subtype"], codes.RESTFUL_INTERACTION, "search")
    ]
    lists.sort(key=lambda event: str(event["recorded"]))
    return ["purposeOfUse" in event["agent"][0] for event in lists]


def test_the_list_of_another_patient_is_recorded_as_one_in_an_emergency(
    limited: Visitor, clinic: Clinic, strange: Clinic
) -> None:
    mine, task = a_film(clinic), a_film(strange)
    limited.get("/")
    open_in_emergency(limited, task)
    page = limited.get("/")
    assert f"/results/{task}" in page and f"/results/{mine}" in page
    limited.get(f"/?patient={clinic.patient}")
    limited.post("/emergency/end")
    assert f"/results/{task}" not in limited.get("/")
    assert purposes(clinic) == [False, True, False, False]


def test_a_list_that_shows_what_the_role_does_not_read_is_recorded_so_once(
    nurse: Visitor, clinic: Clinic
) -> None:
    task, page = a_film(clinic), f"/?patient={clinic.patient}"
    nurse.get(page)
    open_in_emergency(nurse, task)
    for _ in range(3):  # a tab that was open before
        shown = nurse.client.get(page, headers={"Sec-Fetch-Mode": "cors"})
        assert "Opacity" in shown.text
    assert purposes(clinic) == [False, True]


@pytest.mark.parametrize("opened", [0, 1, 2])
def test_the_list_shows_all_records_of_the_patient(
    nurse: Visitor, clinic: Clinic, opened: int
) -> None:
    former, older = (open_clinic(clinic.ehr, "Erika", f"Ehemals{n}") for n in range(2))
    tasks = [a_film(each) for each in (clinic, former, older)]
    merge(clinic.ehr, older.patient, former.patient)
    merge(clinic.ehr, former.patient, clinic.patient)
    nurse.get("/")
    open_in_emergency(nurse, tasks[opened])
    page = nurse.get(f"/?patient={clinic.patient.split('/')[1]}")
    assert all("Opacity" in row(page, task) for task in tasks)
