"""Review: an amendment that confirms every part and changes no word is a signature."""

import re

import pytest

from shared.fhir import codes
from shared.fhir.heads import head_of
from tests.browser.clinic import Clinic, a_film, care_plan, genome, note_findings, study
from tests.integration.review.support import (
    REHABILITATION,
    Visitor,
    a_plan_on_a_report,
    accepted,
    fates,
)

TICAGRELOR = {"choice-choice/0": "choice/0/1"} | REHABILITATION
TOLD = "You changed nothing and confirmed every part: it is signed as it stands."


def made(clinic: Clinic, kind: str) -> tuple[str, dict[str, str]]:
    """A result, with the answers that confirm all of it."""
    source = study(clinic.ehr, clinic.patient)
    if kind == "film":
        return a_film(clinic), fates(confirm=["pneumonia"])
    if kind == "genes":
        task = clinic.result("genomics", source, genome(source))
        return task, fates(confirm=["genotype-cyp2c19", "clopidogrel"])
    if kind == "note":
        task = clinic.result("notes", source, note_findings(source))
        return task, fates(confirm=["problem-1", "drug-32968", "allergy"])
    task = clinic.result("treatment", clinic.patient, care_plan([]))
    return task, fates(confirm=["goal", "interaction"]) | TICAGRELOR


def text_of(clinic: Clinic, task: str) -> str:
    report = clinic.outputs(task)["report"]
    return str(report.get("conclusion") or report["description"])


@pytest.mark.parametrize("kind", ["film", "genes", "note", "plan"])
def test_what_is_confirmed_part_by_part_is_signed_with_its_choices(
    doctor: Visitor, clinic: Clinic, kind: str
) -> None:
    task, answers = made(clinic, kind)
    text = text_of(clinic, task).replace("\n", "\r\n")
    answer = doctor.decide(
        task, "amend", reviewed="yes", text=f" {text} ", reason="Agreed at the round.", **answers
    )
    assert answer.status_code == 303, answer.text
    head = head_of(clinic.task(task))
    assert codes.first_code(head.task["businessStatus"], codes.DECISION) == "signed"
    assert head.task["statusReason"]["text"] == "Agreed at the round."
    written = clinic.outputs(task)
    assert written["report"]["status"] in ("final", "active")
    assert text_of(clinic, task).split() == text.split()
    if kind == "plan":
        assert [
            written[key]["status"] for key in ("ticagrelor", "prasugrel", "rehabilitation")
        ] == [
            "active",
            "cancelled",
            "active",
        ]
    page = doctor.get(f"/results/{task}")
    assert TOLD in page and "What the AI said" not in page


@pytest.mark.parametrize("left", ["goal", "interaction"])
def test_where_a_part_has_no_answer_the_choices_are_kept_in_both_forms(
    doctor: Visitor, clinic: Clinic, left: str
) -> None:
    task, report = a_plan_on_a_report(clinic)
    unsigned = f"DiagnosticReport/{report['id']}"
    confirmed = fates(confirm=sorted({"goal", "interaction"} - {left}))
    form = {"reviewed": "yes", "text": text_of(clinic, task), "unsigned": unsigned}
    answer = doctor.decide(task, "amend", **form, **TICAGRELOR, **confirmed)
    assert answer.status_code == 400 and "You have changed nothing." in answer.text
    assert clinic.task(task)["status"] == "requested"
    for action in ("sign", "amend"):
        for key in ("choice/0/1", "rehabilitation/0", "unsigned-1"):
            assert re.search(rf'id="{action}-{key}"[^>]* checked', answer.text), (action, key)
    assert not re.search(r'id="reviewed-sign"[^>]* checked', answer.text), "each has its own"


def test_a_choice_without_an_answer_is_asked_for(doctor: Visitor, clinic: Clinic) -> None:
    task, _ = made(clinic, "plan")
    form = {"reviewed": "yes", "text": text_of(clinic, task)} | accepted("rehabilitation")
    form |= fates(confirm=["goal", "interaction"])
    answer = doctor.decide(task, "amend", **form)
    assert answer.status_code == 400 and "Choose at most one of the alternatives" in answer.text
    assert doctor.decide(task, "amend", **(form | TICAGRELOR)).status_code == 303


@pytest.mark.parametrize("change", ["text", "part"])
def test_what_is_changed_is_amended(doctor: Visitor, clinic: Clinic, change: str) -> None:
    task, answers = made(clinic, "note")
    text = text_of(clinic, task) + (" Seen today." if change == "text" else "")
    answers |= fates(leave=["allergy"]) if change == "part" else {}
    answer = doctor.decide(task, "amend", reviewed="yes", text=text, **answers)
    assert answer.status_code == 303, answer.text
    assert clinic.outputs(task)["report"]["status"] == "amended"
    assert TOLD not in doctor.get(f"/results/{task}")
