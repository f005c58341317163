"""Review: the signed report as a PDF."""

import io
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pypdf import PdfReader

from shared.fhir import codes
from shared.fhir.heads import head_of
from shared.json import Json
from tests.browser import clinic as clinics
from tests.browser.clinic import Clinic, a_film, chest_film, fill, genome, note_findings, study
from tests.integration.review.support import NO_CHOICE, Visitor, audited, fates, named
from tests.merging import merge

CARD = "# Chest films\n\nFor tests.\n\n## Limits\n- Adults only.\n- *Not* validated elsewhere.\n"


def printed(visitor: Visitor, task: str) -> list[str]:
    """The text of each page."""
    answer = visitor.client.get(f"/results/{task}/report.pdf")
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "application/pdf"
    pages = PdfReader(io.BytesIO(answer.data)).pages
    return [" ".join(page.extract_text().split()) for page in pages]


def signed(visitor: Visitor, task: str, **fields: Any) -> str:
    assert visitor.decide(task, "sign", reviewed="yes", **fields).status_code == 303
    return task


def change(clinic: Clinic, resource: Json, **elements: Any) -> None:
    clinic.ehr.update(resource | elements, resource["meta"]["versionId"])


def test_a_signed_film_says_all_that_a_reader_needs(
    visit: Callable[..., Visitor], clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = replace(clinics.CARDS["imaging"], card=CARD, digest="sha256:" + "7" * 64)
    monkeypatch.setitem(clinics.CARDS, "imaging", card)
    doctor = visit(timezone="Europe/Berlin")
    doctor.log_in()
    task = signed(doctor, a_film(clinic))
    page = doctor.get(f"/results/{task}")
    assert f'href="/results/{task}/report.pdf">Print the signed report (PDF)<' in page

    [paper] = printed(doctor, task)
    report = clinic.outputs(task)["report"]
    patient = clinic.ehr.read(clinic.patient)
    assert patient
    for words in (
        "Erika Mustermann",
        "Born 2 Mar 1940 (",
        "Sex female",
        f"MRN {patient['identifier'][0]['value']}",
        f"Record {clinic.patient}",
        "Conclusion Opacity in the left lower zone, in keeping with pneumonia.",
        "Pneumonia (confirmed): Site: Lung structure",
        "Signed by Dr. Ada Berg, ",
        "By: Dr. Ada Berg",
        "careloop chest-pneumonia: version 1.0.0",
        "sha256:7777",
        "Its limits • Adults only. • Not validated elsewhere.",
        f"DiagnosticReport/{report['id']}, version {report['meta']['versionId']}, status final",
        f"Task/{task}, revision 1",
        "Page 1 of 1",
        "Not printed, see the page of the result: 1 picture.",
    ):
        assert words in paper, words
    assert re.search(r"The time of the film is not recorded; analysed \d+ \w+ \d{4}, ", paper)
    assert re.search(r"When: \d+ \w+ \d{4}, \d\d:\d\d CES?T", paper)
    assert re.search(r"Printed on \d+ \w+ \d{4}, \d\d:\d\d CES?T by Dr. Ada Berg", paper)
    assert "WITHDRAWN" not in paper and "can't be printed" not in paper


def test_its_name_and_properties_hold_no_patient(doctor: Visitor, clinic: Clinic) -> None:
    answer = doctor.client.get(f"/results/{signed(doctor, a_film(clinic))}/report.pdf")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="careloop-report.pdf"'
    assert answer.headers["Cache-Control"] == "no-store"
    told = PdfReader(io.BytesIO(answer.data)).metadata
    assert told and told.title and "Mustermann" not in str(dict(told))


def test_when_the_film_was_taken_stands_beside_when_it_was_read(
    doctor: Visitor, clinic: Clinic
) -> None:
    source = study(clinic.ehr, clinic.patient)
    film = clinic.ehr.read(source)
    assert film
    change(clinic, film, started="2004-08-26T10:00:00+02:00")
    [paper] = printed(doctor, signed(doctor, clinic.result("imaging", source, chest_film(source))))
    assert "Film of 26 Aug 2004; analysed " in paper and source in paper


def test_an_amended_one_shows_the_ai_s_words_and_the_difference(
    doctor: Visitor, clinic: Clinic
) -> None:
    task = a_film(clinic)
    form = {"reviewed": "yes", "text": "Opacity in the left lower zone: a mass."}
    decided = doctor.decide(task, "amend", **form, **fates(refute=["pneumonia"]))
    assert decided.status_code == 303
    paper = " ".join(printed(doctor, task))
    assert "Amended and signed by Dr. Ada Berg" in paper
    assert "Conclusion Opacity in the left lower zone: a mass. " in paper
    assert "Pneumonia (REFUTED by the clinician)" in paper
    assert "What the AI said Opacity in the left lower zone, in keeping with pneumonia." in paper
    assert "[taken out: zone, in keeping with pneumonia." in paper
    assert "[added: zone: a mass.]" in paper
    assert "Refuted: Pneumonia." in paper and "status amended" in paper


def test_what_was_left_out_is_told_from_what_was_refuted(doctor: Visitor, clinic: Clinic) -> None:
    source = study(clinic.ehr, clinic.patient)
    task = clinic.result("notes", source, note_findings(source))
    form = {"reviewed": "yes", "text": "Nothing to add."} | fates(
        confirm=["allergy"], refute=["problem-1"], leave=["drug-32968"]
    )
    assert doctor.decide(task, "amend", **form).status_code == 303
    paper = " ".join(printed(doctor, task))
    assert "Hypertensive disorder (REFUTED by the clinician)" in paper
    assert "clopidogrel (left out: neither confirmed nor refuted)" in paper
    assert "(kept)" in paper


def test_every_service_s_result_is_printed_with_its_parts(doctor: Visitor, clinic: Clinic) -> None:
    tasks = fill(clinic)
    words = {
        "genomics": ["• CYP2C19 *1/*2 (confirmed)", "Intermediate metabolizer", "clopidogrel"],
        "notes": [
            "Hypertensive disorder (confirmed)",
            'the note says "BP has been high for years"',
        ],
        "treatment": ["Plan", ", high severity (kept)", "Replace clopidogrel by prasugrel."],
        "imaging": ["Pneumonia (confirmed)"],
    }
    for service in ("imaging", "genomics", "notes", "treatment"):
        more = NO_CHOICE if service == "treatment" else {}
        paper = " ".join(printed(doctor, signed(doctor, tasks[service], **more)))
        for expected in words[service]:
            assert expected in paper, (service, expected)
        assert "In the record" in paper and "Erika Mustermann, born 2 Mar 1940" in paper


def test_no_part_of_a_result_is_missing_on_paper(doctor: Visitor, clinic: Clinic) -> None:
    source = study(clinic.ehr, clinic.patient)
    task = signed(doctor, clinic.result("genomics", source, genome(source)))
    paper = " ".join(printed(doctor, task))
    assert paper.count("(confirmed)") == sum(
        r["resourceType"] == "Observation" for r in clinic.outputs(task).values()
    )


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
def test_what_was_withdrawn_after_the_signature_says_so(
    doctor: Visitor, clinic: Clinic, status: str
) -> None:
    task = signed(doctor, a_film(clinic))
    change(clinic, clinic.outputs(task)["report"], status=status)
    [paper] = printed(doctor, task)
    assert "WITHDRAWN: do not act on this report." in paper and paper.count("WITHDRAWN") >= 2
    assert f"its status in the record is {status}" in paper


def test_a_newer_revision_is_told(doctor: Visitor, clinic: Clinic) -> None:
    task = signed(doctor, a_film(clinic))
    before = clinic.task(task)
    newer = {k: v for k, v in before.items() if k not in ("id", "meta", "businessStatus")}
    newer["status"] = "requested"
    newer["identifier"] = [
        i | ({"value": i["value"][:-1] + "2"} if i["system"] == codes.REVISION else {})
        for i in before["identifier"]
    ]
    clinic.ehr.create(newer)
    [paper] = printed(doctor, task)
    assert "There is a newer revision of this result, number 2: it waits for a signature." in paper


@pytest.mark.parametrize("name", ["Ελένη Παπαδοπούλου", "Łucja Żółć", "Наталья Щербакова"])
def test_a_patient_s_name_is_printed_in_her_own_letters(
    doctor: Visitor, clinic: Clinic, name: str
) -> None:
    task = signed(doctor, a_film(clinic))
    patient = clinic.ehr.read(clinic.patient)
    assert patient
    change(clinic, patient, name=[{"use": "official", "text": name}])
    [paper] = printed(doctor, task)
    assert f"Name {name}" in paper and f"{name}, born 2 Mar 1940" in paper


def test_a_name_that_can_t_be_printed_is_not_lost_silently(doctor: Visitor, clinic: Clinic) -> None:
    task = signed(doctor, a_film(clinic))
    patient = clinic.ehr.read(clinic.patient)
    assert patient
    change(clinic, patient, name=[{"use": "official", "text": "山田 太郎"}])
    [paper] = printed(doctor, task)
    assert "Some letters can't be printed here" in paper and "the patient (Name)" in paper


def test_a_merged_patient_s_report_names_the_other_record(doctor: Visitor, clinic: Clinic) -> None:
    task = signed(doctor, a_film(clinic))
    survivor = clinics.open_clinic(clinic.ehr).patient
    merge(clinic.ehr, clinic.patient, survivor)
    assert survivor in " ".join(printed(doctor, task))


# --- where there is none


def refused(visitor: Visitor, task: str) -> str:
    page = visitor.get(f"/results/{task}/report.pdf", 409)
    assert "%PDF" not in page
    return page


def test_a_draft_is_not_printed(doctor: Visitor, clinic: Clinic) -> None:
    task = a_film(clinic)
    assert "Nobody has signed this result yet" in refused(doctor, task)
    assert "report.pdf" not in doctor.get(f"/results/{task}")


def test_a_rejected_one_is_not_printed(doctor: Visitor, clinic: Clinic) -> None:
    task = a_film(clinic)
    doctor.decide(task, "reject", reason="Wrong film.")
    assert "was rejected" in refused(doctor, task)
    assert "report.pdf" not in doctor.get(f"/results/{task}")


def test_one_with_a_part_of_another_patient_is_not_printed(doctor: Visitor, clinic: Clinic) -> None:
    task = signed(doctor, a_film(clinic))
    other = clinics.open_clinic(clinic.ehr, "Otto", "Fremdling")
    finding = clinic.outputs(task)["pneumonia"]
    change(clinic, finding, subject=codes.reference(other.patient))
    assert "another patient" in refused(doctor, task)


def test_there_is_none_of_what_is_not_there(doctor: Visitor) -> None:
    doctor.get("/results/nothing/report.pdf", 404)


# --- who may, and the audit trail


def test_a_role_that_may_not_read_gets_none(
    visit: Callable[..., Visitor], doctor: Visitor, clinic: Clinic
) -> None:
    task = signed(doctor, a_film(clinic))
    roles = '{"radiologist": ["RAD"], "geneticist": ["GE"]}'
    stranger = visit(review_local_user=f"berg:{clinic.practitioner}:geneticist", review_roles=roles)
    stranger.log_in()
    answer = stranger.client.get(f"/results/{task}/report.pdf")
    assert answer.status_code == 403 and b"%PDF" not in answer.data
    nobody = visit()
    assert nobody.client.get(f"/results/{task}/report.pdf").status_code == 302


def test_it_is_recorded_before_it_is_made(doctor: Visitor, clinic: Clinic) -> None:
    task = signed(doctor, a_film(clinic))
    before = len(audited(clinic, "R"))
    printed(doctor, task)
    events = audited(clinic, "R")
    assert len(events) == before + 1
    wanted = {f"Task/{task}", clinic.patient, *head_of(clinic.task(task)).outputs.values()}
    assert any(wanted <= named(event) for event in events)
