"""Review: a role reads its categories alone; in an emergency one patient's record, for a while."""

import time
from collections.abc import Callable

import pytest

from shared.fhir import codes
from shared.privacy.audit import BREAK_THE_GLASS
from tests.browser.clinic import Clinic, a_film, fill, open_clinic
from tests.integration.review.support import Visitor, audited, named
from tests.merging import merge

ROLES = {
    "review_roles": '{"radiologist": ["RAD"], "geneticist": ["GE"], "physician": ["CarePlan"]}',
    "review_readers": '{"physician": ["RAD"], "nurse": ["OTH"], "chief": ["*"]}',
}
READS = {
    "radiologist": {"imaging"},
    "geneticist": {"genomics"},
    "physician": {"imaging", "treatment"},
    "nurse": {"notes"},
    "chief": {"imaging", "genomics", "notes", "treatment"},
}
CONTENT = {
    "imaging": "in keeping with pneumonia",
    "genomics": "clopidogrel may protect less",
    "notes": "Atrial fibrillation",
    "treatment": "Replace clopidogrel by prasugrel.",
}
WHY = "Unconscious in the emergency room"


@pytest.fixture
def enter(visit: Callable[..., Visitor], clinic: Clinic) -> Callable[..., Visitor]:
    """Somebody with this role, logged in."""

    def entered(role: str, **settings: object) -> Visitor:
        visitor = visit(review_local_user=f"berg:{clinic.practitioner}:{role}", **ROLES | settings)
        assert visitor.log_in().status_code == 303
        return visitor

    return entered


@pytest.mark.parametrize("role", READS)
def test_a_role_opens_the_results_of_its_categories_alone(
    enter: Callable[..., Visitor], clinic: Clinic, role: str
) -> None:
    tasks, visitor = fill(clinic), enter(role)
    for service, task in tasks.items():
        page = visitor.get(f"/results/{task}", 200 if service in READS[role] else 403)
        if service not in READS[role]:
            assert "Your role does not read" in page and "Emergency access" in page
            assert "Mustermann" not in page and CONTENT[service] not in page


@pytest.mark.parametrize("role", ["geneticist", "nurse"])
def test_neither_picture_nor_film_nor_form_is_a_way_around_it(
    enter: Callable[..., Visitor], clinic: Clinic, role: str
) -> None:
    task, visitor = a_film(clinic), enter(role)
    for part in ("/media/heat-map", "/film", "/owner", "/owner?colleague=Berg"):
        assert "Your role does not read" in visitor.get(f"/results/{task}{part}", 403)
    for form in ("decision", "close"):
        sent = visitor.post(f"/results/{task}/{form}", action="sign", reviewed="yes", stamp="x")
        assert sent.status_code == 403 and CONTENT["imaging"] not in sent.text
    assert clinic.task(task)["status"] == "requested"


@pytest.mark.parametrize("role", ["radiologist", "physician", "nurse", "chief"])
def test_the_worklist_keeps_the_row_and_takes_out_the_content(
    enter: Callable[..., Visitor], clinic: Clinic, role: str
) -> None:
    tasks, visitor = fill(clinic), enter(role)
    page = visitor.get(f"/?patient={clinic.patient.split('/')[1]}")
    withheld = set(tasks) - READS[role]
    assert page.count("Not for your role") == len(withheld)
    for service, task in tasks.items():
        assert f"/results/{task}" in page
        if service != "notes":  # its conclusion is long, and cut
            assert (CONTENT[service] in page) is (service not in withheld), service


def test_the_reason_of_a_rejection_is_content_too(
    visit: Callable[..., Visitor], enter: Callable[..., Visitor], clinic: Clinic
) -> None:
    task, chief = a_film(clinic), visit()
    chief.log_in()
    chief.decide(task, "reject", reason="Masses, not pneumonia")
    path = f"/?patient={clinic.patient.split('/')[1]}&outcome=completed"
    assert "Masses, not pneumonia" in enter("radiologist").get(path)
    page = enter("nurse").get(path)
    assert "Masses" not in page and "Not for your role" in page and f"/results/{task}" in page


@pytest.mark.parametrize(("role", "status"), [("radiologist", 200), ("chief", 200), ("nurse", 403)])
def test_what_has_no_report_is_read_by_the_categories_of_its_service(
    enter: Callable[..., Visitor], clinic: Clinic, role: str, status: int
) -> None:
    task = a_film(clinic)
    head = clinic.task(task)
    for element in ("output", "focus", "businessStatus"):
        head.pop(element, None)
    head |= {"status": "rejected", "statusReason": {"text": "The film is of a hand."}}
    clinic.ehr.update(head, head["meta"]["versionId"])
    page = enter(role).get(f"/results/{task}", status)
    assert ("The film is of a hand." in page) is (status == 200)
    listed = enter(role).get(f"/?patient={clinic.patient.split('/')[1]}&outcome=rejected")
    assert ("The film is of a hand." in listed) is (status == 200)


def test_a_report_without_a_category_is_read_by_who_reads_everything(
    enter: Callable[..., Visitor], clinic: Clinic
) -> None:
    task = a_film(clinic)
    report = clinic.outputs(task)["report"]
    report.pop("category")
    clinic.ehr.update(report, report["meta"]["versionId"])
    assert "(not known)" in enter("radiologist").get(f"/results/{task}", 403)
    enter("chief").get(f"/results/{task}")


def test_an_emergency_opens_one_patient_with_a_reason_for_a_while(
    enter: Callable[..., Visitor], clinic: Clinic
) -> None:
    tasks, other = fill(clinic), open_clinic(clinic.ehr, "Otto", "Fremdling")
    strange, nurse = a_film(other), enter("nurse")
    nurse.get(f"/results/{tasks['imaging']}", 403)
    opened = nurse.post(f"/results/{tasks['imaging']}/emergency", reason=WHY)
    assert opened.status_code == 303
    page, patient = nurse.get(f"/results/{tasks['imaging']}"), clinic.patient.split("/")[1]
    assert CONTENT["imaging"] in page and "Emergency access to" in page and patient in page
    for path in ("/", "/?outcome=failed", f"/results/{tasks['notes']}"):
        assert "Emergency access to" in (shown := nurse.get(path)) and patient in shown
    for path in ("/nowhere/at/all", "/results/nothing"):
        assert "Emergency access to" in nurse.client.get(path, headers={"Accept": "text/html"}).text
    nurse.get(f"/results/{tasks['genomics']}")
    nurse.get(f"/results/{strange}", 403)
    signed = nurse.decide(tasks["imaging"], "sign", reviewed="yes")
    assert signed.status_code == 403 and clinic.task(tasks["imaging"])["status"] == "requested"


def test_an_emergency_ends(enter: Callable[..., Visitor], clinic: Clinic) -> None:
    film, nurse = a_film(clinic), enter("nurse", review_emergency_sec=0.5)
    nurse.get(f"/results/{film}", 403)
    assert nurse.post(f"/results/{film}/emergency", reason=WHY).status_code == 303
    time.sleep(0.6)
    nurse.get(f"/results/{film}", 403)
    assert "Emergency access to" not in nurse.get("/")


def test_an_emergency_is_in_the_audit_trail_with_its_reason_and_every_look(
    enter: Callable[..., Visitor], clinic: Clinic
) -> None:
    task, nurse = a_film(clinic), enter("nurse")
    nurse.get("/")
    nurse.post(f"/results/{task}/emergency", reason=WHY)
    nurse.get(f"/results/{task}")
    nurse.client.get(f"/results/{task}/media/heat-map")
    alerts = [e for e in audited(clinic) if codes.has_code(e["type"], codes.DCM, "110113")]
    [alert] = alerts
    assert codes.has_code(alert["subtype"], codes.DCM, "110127")
    assert WHY in str(alert["entity"]) and named(alert) == {clinic.patient}
    assert alert["purposeOfEvent"][0]["coding"] == BREAK_THE_GLASS["coding"]
    looks = audited(clinic, "R")
    assert len(looks) == 2
    for event in (alert, *looks):
        person = event["agent"][0]
        assert codes.has_code(person["purposeOfUse"], codes.V3_ACT_REASON, "BTG")
        assert person["who"]["reference"].endswith(clinic.practitioner)


@pytest.mark.parametrize("part", ["", "/media/heat-map", "/film", "/owner"])
def test_a_refused_look_is_in_the_audit_trail(
    enter: Callable[..., Visitor], clinic: Clinic, part: str
) -> None:
    task, nurse = a_film(clinic), enter("nurse")
    nurse.get(f"/results/{task}{part}", 403)
    [event] = audited(clinic, "R")
    assert event["outcome"] == "4" and named(event) == {f"Task/{task}", clinic.patient}


def test_an_ordinary_look_is_no_emergency(enter: Callable[..., Visitor], clinic: Clinic) -> None:
    tasks, nurse = fill(clinic), enter("nurse")
    nurse.get("/")
    nurse.post(f"/results/{tasks['imaging']}/emergency", reason=WHY)
    nurse.get(f"/results/{tasks['notes']}")
    [look] = audited(clinic, "R")
    assert "purposeOfUse" not in look["agent"][0]


@pytest.mark.parametrize(
    "reason", ["", "asap", "........................", "x\u200b" * 20, "a" * 3_000]
)
def test_without_a_reason_nothing_opens(
    enter: Callable[..., Visitor], clinic: Clinic, reason: str
) -> None:
    task, nurse = a_film(clinic), enter("nurse")
    nurse.get("/")
    refused = nurse.post(f"/results/{task}/emergency", reason=reason)
    assert refused.status_code == 400 and "Mustermann" not in refused.text
    nurse.get(f"/results/{task}", 403)
    assert not [e for e in audited(clinic) if "purposeOfEvent" in e]


def test_an_emergency_needs_its_token_and_can_be_ended_and_switched_off(
    enter: Callable[..., Visitor], clinic: Clinic
) -> None:
    task, nurse = a_film(clinic), enter("nurse")
    nurse.get("/")
    path = f"/results/{task}/emergency"
    assert nurse.post(path, token="wrong", reason=WHY).status_code == 400
    assert nurse.post(path, reason=WHY).status_code == 303
    nurse.get(f"/results/{task}")
    assert nurse.post("/emergency/end").status_code == 303
    nurse.get(f"/results/{task}", 403)
    careful = enter("nurse", review_emergency_sec=0)
    assert "Why you need it now" not in careful.get(f"/results/{task}", 403)
    assert careful.post(path, reason=WHY).status_code == 403
    careful.get(f"/results/{task}", 403)


def test_an_emergency_ends_with_the_session(enter: Callable[..., Visitor], clinic: Clinic) -> None:
    task, nurse = a_film(clinic), enter("nurse")
    nurse.get("/")
    nurse.post(f"/results/{task}/emergency", reason=WHY)
    nurse.post("/logout")
    nurse.log_in()
    nurse.get(f"/results/{task}", 403)


def test_an_emergency_opens_all_records_of_the_patient(
    enter: Callable[..., Visitor], clinic: Clinic
) -> None:
    other = open_clinic(clinic.ehr, "Erika", "Musterfrau")
    task, former = a_film(clinic), a_film(other)
    merge(clinic.ehr, other.patient, clinic.patient)
    nurse = enter("nurse")
    nurse.get("/")
    nurse.post(f"/results/{task}/emergency", reason=WHY)
    nurse.get(f"/results/{former}")
    assert nurse.client.get(f"/results/{former}/media/heat-map").status_code == 200
