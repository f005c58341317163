"""Review: a plan that rests on unsigned results asks for each of them by name."""

import re
from typing import Any

import pytest

from shared.fhir import codes
from tests.browser.clinic import Clinic, a_film, care_plan, genome, note_findings, study
from tests.integration.review.support import NO_CHOICE, Visitor, fates

SIGNED = {"reviewed": "yes"} | NO_CHOICE


def reports(clinic: Clinic) -> dict[str, str]:
    """Three unsigned reports: the Task of each by its reference."""
    source = study(clinic.ehr, clinic.patient)
    tasks = [
        a_film(clinic),
        clinic.result("genomics", source, genome(source)),
        clinic.result("notes", source, note_findings(source)),
    ]
    return {f"DiagnosticReport/{clinic.outputs(task)['report']['id']}": task for task in tasks}


def test_each_unsigned_report_is_named_and_needs_its_own_tick(
    doctor: Visitor, clinic: Clinic
) -> None:
    waiting = reports(clinic)
    task = clinic.result("treatment", clinic.patient, care_plan(list(waiting)))
    panel = doctor.get(f"/results/{task}").split('id="decision"')[1]
    assert set(re.findall(r'name="unsigned" value="([^"]+)"', panel)) == set(waiting)
    assert all(f'href="/results/{one}"' in panel for one in waiting.values()), "one click away"
    assert not re.search(r'name="unsigned"[^>]* checked', panel)

    *some, last = waiting
    for ticked in ([], some):
        refused = doctor.decide(task, "sign", unsigned=ticked, **SIGNED)
        assert refused.status_code == 400 and "that nobody has signed: " in refused.text
    assert (
        "Discharge summary: One problem" in refused.text
        and "XR Chest" not in refused.text.split('role="alert"')[1].split("</p>")[0]
    )
    assert clinic.outputs(task)["report"]["status"] == "draft"

    assert doctor.decide(task, "sign", unsigned=[*some, last], **SIGNED).status_code == 303
    assert "Based on results that nobody had signed: " in clinic.task(task)["note"][0]["text"]


@pytest.mark.parametrize("action", ["sign", "amend"])
@pytest.mark.parametrize("status", ["final", "cancelled", "amended"])
def test_nothing_is_saved_when_an_input_was_decided_on_meanwhile(
    doctor: Visitor, clinic: Clinic, status: str, action: str
) -> None:
    waiting = reports(clinic)
    task = clinic.result("treatment", clinic.patient, care_plan(list(waiting)))
    page = doctor.get(f"/results/{task}")
    stamp = re.search(r'name="stamp" value="([0-9a-f]+)"', page)
    assert stamp
    reference = next(iter(waiting))
    report = clinic.ehr.read(reference)
    assert report
    clinic.ehr.update(report | {"status": status}, report["meta"]["versionId"])
    form: dict[str, Any] = SIGNED | {"stamp": stamp[1], "unsigned": list(waiting)}
    form |= {"action": action, "text": "Prasugrel."} | fates(confirm=["goal", "interaction"])
    late = doctor.post(f"/results/{task}/decision", **form)
    assert late.status_code == 409 and clinic.outputs(task)["report"]["status"] == "draft"


def test_an_input_that_was_signed_first_is_not_asked_for(doctor: Visitor, clinic: Clinic) -> None:
    waiting = reports(clinic)
    task = clinic.result("treatment", clinic.patient, care_plan(list(waiting)))
    for one in waiting.values():
        assert doctor.decide(one, "sign", reviewed="yes").status_code == 303
    assert 'name="unsigned"' not in doctor.get(f"/results/{task}")
    assert doctor.decide(task, "sign", **SIGNED).status_code == 303
    assert "unsigned" not in str(clinic.task(task).get("note"))


@pytest.mark.parametrize("key", ["problem-1", "drug-32968"])
def test_a_finding_stands_for_its_report(doctor: Visitor, clinic: Clinic, key: str) -> None:
    waiting = reports(clinic)
    reference, notes = list(waiting.items())[-1]
    part = clinic.outputs(notes)[key]
    drawn_from = f"{part['resourceType']}/{part['id']}"
    task = clinic.result("treatment", clinic.patient, care_plan([drawn_from]))
    refused = doctor.decide(task, "sign", **SIGNED)
    assert refused.status_code == 400 and f'href="/results/{notes}"' in refused.text
    assert doctor.decide(task, "sign", unsigned=[reference], **SIGNED).status_code == 303


def test_a_preliminary_result_of_the_hospital_is_asked_for_too(
    doctor: Visitor, clinic: Clinic
) -> None:
    written = clinic.ehr.create(
        {
            "resourceType": "Observation",
            "status": "preliminary",
            "code": codes.concept(codes.LOINC, "2160-0", "Creatinine"),
            "subject": codes.reference(clinic.patient),
        }
    ).reference
    task = clinic.result("treatment", clinic.patient, care_plan([written]))
    refused = doctor.decide(task, "sign", **SIGNED)
    assert refused.status_code == 400 and "signed: Creatinine." in refused.text
    assert doctor.decide(task, "sign", unsigned=[written], **SIGNED).status_code == 303


def test_a_rejection_asks_for_none(doctor: Visitor, clinic: Clinic) -> None:
    task = clinic.result("treatment", clinic.patient, care_plan(list(reports(clinic))))
    assert doctor.decide(task, "reject", reason="Obsolete").status_code == 303
