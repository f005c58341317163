"""Review: the words of a plan that a clinician left as they are contradict no choice."""

from dataclasses import replace
from typing import Any

import pytest

from shared.fhir import codes
from shared.fhir.drafts import Draft, Pen
from tests.browser.clinic import Clinic, care_plan
from tests.integration.review.support import NO_CHOICE, Visitor, fates, meant

TITLE = "Prasugrel: bleeding risk (75 years or older)"
DRAFTED = (
    "Compared: 1 of 2 active orders. "
    "Not checked: ticagrelor, ordered by a signed plan of careloop. "
    f"1 gene-guided proposal, 1 alert (1 high-severity), no follow-ups. {TITLE}."
)


def plan(pen: Pen) -> list[Draft]:
    *others, report = care_plan([])(pen)
    code = codes.concept(codes.V3_ACT_CODE, "DRG", text=TITLE)
    issue = pen.draft("DetectedIssue", "title", severity="moderate", code=code)
    described = replace(report, resource=report.resource | {"description": DRAFTED})
    return [*others, issue, described]


@pytest.mark.parametrize("option", ["none", "choice/0/0", "choice/0/1"])
def test_a_description_that_is_left_as_it_is_is_asked_nothing(
    doctor: Visitor, clinic: Clinic, option: str
) -> None:
    task = clinic.result("treatment", clinic.patient, plan)
    form: dict[str, Any] = {"reviewed": "yes", "text": DRAFTED, "reason": "Known to her."}
    form |= NO_CHOICE | {"choice-choice/0": option} | fates(leave=["title"])
    answer = doctor.decide(task, "amend", **form)
    assert answer.status_code == 303, answer.text
    assert "contradicts" not in str(clinic.task(task)["note"])


@pytest.mark.parametrize(
    ("own", "option"),
    [
        ("Prasugrel from today.", "choice/0/1"),
        ("No ticagrelor.", "choice/0/1"),
        ("Ticagrelor 90 mg.", "none"),
    ],
)
def test_a_sentence_of_the_clinician_beside_it_is_asked_about(
    doctor: Visitor, clinic: Clinic, own: str, option: str
) -> None:
    task = clinic.result("treatment", clinic.patient, plan)
    form: dict[str, Any] = {"reviewed": "yes", "text": f"{DRAFTED} {own}"}
    form |= (
        NO_CHOICE | {"choice-choice/0": option} | fates(confirm=["goal", "interaction", "title"])
    )
    asked = doctor.decide(task, "amend", **form)
    assert asked.status_code == 400 and own.rstrip(".") in asked.text
    [token] = meant(asked.text)
    assert doctor.decide(task, "amend", meant=[token], **form).status_code == 303
