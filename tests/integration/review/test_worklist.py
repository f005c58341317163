"""Review: worklist."""

import re
from html import unescape

import pytest

from shared import instants
from shared.answers import Answer
from shared.fhir import codes, heads
from shared.fhir.heads import head_of
from tests.browser.clinic import (
    Clinic,
    a_film,
    care_plan,
    chest_film,
    fill,
    open_clinic,
    study,
)
from tests.integration.review.support import NO_CHOICE, Visitor


def test_pages_hold_nothing_of_another_patient(doctor: Visitor, clinic: Clinic) -> None:
    other = open_clinic(clinic.ehr, "Otto", "Fremdling")
    fill(other)
    source = study(clinic.ehr, clinic.patient)
    task = clinic.result("imaging", source, chest_film(source, "Clear lungs."))
    strange = next(
        r
        for r in clinic.ehr.search(
            "DiagnosticReport", {"patient": other.patient}, subject=other.patient
        )
    )
    head = clinic.task(task)
    for item in head["output"]:  # the head points into somebody else's record
        if codes.has_code(item["type"], codes.TASK_PART, "pneumonia"):
            item["valueReference"] = codes.reference(f"DiagnosticReport/{strange['id']}")
    clinic.ehr.update(head, head["meta"]["versionId"])
    page = doctor.get(f"/results/{task}")
    assert "belong to another patient" in page and "Sign as it stands" not in page
    page = page.replace(f"DiagnosticReport/{strange['id']}", "")
    for word in ("Otto", "Fremdling", strange["conclusion"]):
        assert word not in page, word
    assert not re.search(rf"/{strange['id']}\b", page)
    assert doctor.decide(task, "sign", reviewed="yes").status_code == 409
    assert clinic.task(task)["status"] == "requested"


def test_a_result_drawn_from_another_patient_s_film_is_not_signed(
    doctor: Visitor, clinic: Clinic
) -> None:
    other = open_clinic(clinic.ehr, "Otto", "Fremdling")
    source = study(clinic.ehr, other.patient)
    task = clinic.result("imaging", source, chest_film(source))
    page = doctor.get(f"/results/{task}")
    assert (
        "belong to another patient" in page
        and "can't be decided on" in page
        and "Sign as it stands" not in page
    )
    assert doctor.decide(task, "sign", reviewed="yes").status_code == 409
    assert clinic.task(task)["status"] == "requested"


def test_the_worklist_filters_by_patient_service_and_outcome(
    doctor: Visitor, clinic: Clinic
) -> None:
    tasks = fill(clinic)
    patient = clinic.patient.split("/")[1]
    rows = r'class="go" href="/results/([^"]+)"'
    assert set(re.findall(rows, doctor.get(f"/?patient={patient}"))) == set(tasks.values())
    assert re.findall(rows, doctor.get(f"/?patient={patient}&service=notes")) == [tasks["notes"]]
    doctor.decide(tasks["notes"], "sign", reviewed="yes")
    assert re.findall(rows, doctor.get(f"/?patient={patient}&outcome=completed")) == [
        tasks["notes"]
    ]
    assert re.findall(rows, doctor.get("/?patient=Nobody")) == []
    assert doctor.client.get("/?outcome=everything").status_code == 400
    assert doctor.client.get("/?after=nowhere").status_code == 400


def test_oldest_first_and_every_page_can_be_reached(doctor: Visitor, clinic: Clinic) -> None:
    made = [
        clinic.result("imaging", source, chest_film(source))
        for source in (study(clinic.ehr, clinic.patient) for _ in range(52))
    ]
    path: str | None = f"/?patient={clinic.patient.split('/')[1]}"
    pages: list[list[str]] = []
    while path:
        page = doctor.get(path)
        pages.append(re.findall(r'class="go" href="/results/([^"]+)"', page))
        found = re.search(r'href="([^"]+)" rel="next"', page)
        path = unescape(found[1]) if found else None
    assert [len(p) for p in pages] == [25, 25, 2] and [
        task for some in pages for task in some
    ] == made
    back = re.search(r'href="([^"]+)" rel="prev"', page)
    assert back and "51 to 52 of 52" in page
    listed = doctor.get(unescape(back[1]))
    assert re.findall(r'class="go" href="/results/([^"]+)"', listed) == pages[1]


def test_the_gravest_comes_first_and_says_why(doctor: Visitor, clinic: Clinic) -> None:
    plan = clinic.result("treatment", clinic.patient, care_plan([]))
    film = a_film(clinic)
    patient = clinic.patient.split("/")[1]
    page = doctor.get(f"/?patient={patient}")
    assert re.findall(r'class="go" href="/results/([^"]+)"', page) == [plan, film]
    assert (
        "1 high alert<" in page
        and "Replace clopidogrel by prasugrel." in page
        and "in keeping with pneumonia" in page
    )
    assert doctor.decide(plan, "sign", reviewed="yes", **NO_CHOICE).status_code == 303
    assert "high alert" not in doctor.get(f"/?patient={patient}")


def test_an_answers_uuid_is_an_address(doctor: Visitor, clinic: Clinic) -> None:
    task = a_film(clinic)
    [answer] = [i["value"] for i in clinic.task(task)["identifier"] if i["system"] == codes.ANSWER]
    assert doctor.client.get(f"/results/{answer}").location == f"/results/{task}"


@pytest.mark.parametrize(
    "path",
    [
        "/results/nothing",
        "/results/7?x=1",
        "/models/nothing",
        "/results/nothing/media/x",
        "/results/nothing/film",
    ],
)
def test_what_is_not_there_is_not_there(doctor: Visitor, path: str) -> None:
    assert "Not found" in doctor.get(path, 404) or "careloop" in doctor.get(path, 404)


def test_a_task_that_is_not_ours_is_no_result(doctor: Visitor, clinic: Clinic) -> None:
    strange = clinic.ehr.create(
        {
            "resourceType": "Task",
            "status": "requested",
            "intent": "order",
            "description": "Call the ward",
            "for": codes.reference(clinic.patient),
        }
    )
    doctor.get(f"/results/{strange.reference.split('/')[1]}", 404)
    assert "Call the ward" not in doctor.get("/")


def test_what_was_not_analysed_says_why_even_without_a_patient(
    doctor: Visitor, clinic: Clinic
) -> None:
    answer, now = Answer("imaging", "ImagingStudy/of-a-group"), instants.now()
    device = clinic.ehr.create({"resourceType": "Device", "status": "active"}).reference
    group = clinic.ehr.create({"resourceType": "Group", "type": "person", "actual": True}).reference
    draft = heads.first_draft(answer, 1, subject=None, device=device, now=now)
    written = clinic.ehr.create(draft, heads.if_none_exist(answer, 1))
    head = head_of(
        draft | {"id": written.reference.split("/")[1], "meta": {"versionId": written.version}}
    )
    focus = heads.focus_on(answer, exists=False)
    refused = heads.without_result(
        head,
        "rejected",
        subject=None,
        basis="x",
        reason="The subject is not a Patient.",
        focus=focus,
        outputs={},
        now=now,
    )
    clinic.ehr.update(refused | {"for": codes.reference(group)}, written.version)
    listed = doctor.get("/?outcome=rejected")
    assert (
        "The subject is not a Patient." in listed
        and f"/results/{head.reference.split('/')[1]}" in listed
    )
    page = doctor.get(f"/results/{head.reference.split('/')[1]}")
    assert "The subject is not a Patient." in page and "Nothing to decide" in page
    assert answer.input in page, "what was not analysed has a name"
