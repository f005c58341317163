"""Review: the PDF of a plan: what goes on, its reasoning, and what a reader must know."""

import re
from collections.abc import Callable

from shared.fhir import codes
from tests.browser import clinic as clinics
from tests.browser.clinic import Clinic
from tests.integration.review.exchanges import CLOPIDOGREL, TICAGRELOR, exchange, order
from tests.integration.review.support import (
    NO_CHOICE,
    REHABILITATION,
    Visitor,
    accepted,
    declined,
    fates,
)
from tests.integration.review.test_report import change, printed, signed
from tests.integration.review.urgent import acknowledge


def test_an_order_that_goes_on_stands_above_all(
    visit: Callable[..., Visitor], clinic: Clinic
) -> None:
    doctor = visit(review_orders_read_only=True)
    doctor.log_in()
    named = order(clinic, CLOPIDOGREL)
    task = clinic.result("treatment", clinic.patient, exchange(TICAGRELOR, named))
    said = re.search(r'name="orders" value="([0-9a-f]+)"', doctor.get(f"/results/{task}"))
    assert said
    [paper] = printed(doctor, signed(doctor, task, orders=said[1], **accepted("ticagrelor")))
    warning = "STILL ACTIVE: clopidogrel, one a day. Replaced by ticagrelor. Stop this order: "
    assert warning in paper and paper.index(warning) < paper.index("Name Erika")
    assert "Not done yet" not in paper


def test_many_inputs_stand_at_the_end(doctor: Visitor, clinic: Clinic) -> None:
    weight = {"resourceType": "Observation", "status": "final", "code": {"text": "Weight"}}
    about = {"subject": codes.reference(clinic.patient)}
    inputs = [clinic.ehr.create(weight | about).reference for _ in range(8)]
    task = clinic.result("treatment", clinic.patient, clinics.care_plan([]), inputs)
    paper = " ".join(printed(doctor, signed(doctor, task, **NO_CHOICE)))
    assert "8 entries of the record, listed at the end." in paper
    assert paper.index("Signature") < paper.index("All that was analysed") < paper.index(inputs[7])


def test_a_plan_s_reasoning_the_allergies_and_who_saw_it_are_printed(
    doctor: Visitor, clinic: Clinic
) -> None:
    penicillin = {"code": {"text": "penicillin"}, "patient": codes.reference(clinic.patient)}
    clinic.ehr.create({"resourceType": "AllergyIntolerance", "criticality": "high"} | penicillin)
    task = clinic.result("treatment", clinic.patient, clinics.care_plan([]))
    change(clinic, clinic.outputs(task)["report"], note=[{"text": "Renal function is not known."}])
    change(clinic, clinic.task(task), priority="stat")
    assert acknowledge(doctor, task).status_code == 303
    form = {"reviewed": "yes", "text": "Prasugrel.", "reason": "Seen at the ward round."}
    form |= {"choice-choice/0": "choice/0/0"} | REHABILITATION
    form |= fates(confirm=["goal"], leave=["interaction"])
    assert doctor.decide(task, "amend", **form).status_code == 303
    pages = printed(doctor, task)
    paper = " ".join(pages)
    assert "Allergies penicillin (high risk)" in paper
    assert "Reasoning and limits Renal function is not known." in paper
    assert "Reason: Seen at the ward round." in paper
    assert re.search(r"Acknowledged by Dr. Ada Berg, \d+ \w+ \d{4}, ", paper)
    assert "high severity (left out by the clinician)" in paper
    assert "Medication: ticagrelor (not chosen)" in paper
    assert "Medication: prasugrel (ordered)" in paper
    assert all("Drafted by AI; decided by Dr. Ada Berg." in page for page in pages)


def test_each_alert_and_proposal_that_is_not_in_it_says_why(
    doctor: Visitor, clinic: Clinic
) -> None:
    task = clinic.result("treatment", clinic.patient, clinics.care_plan([]))
    signed(doctor, task, **(NO_CHOICE | declined("rehabilitation")))
    paper = " ".join(printed(doctor, task))
    for drug in ("Medication: prasugrel", "Medication: ticagrelor"):
        assert f"{drug} (not chosen)" in paper
    assert "Service: Cardiac rehabilitation (not chosen)" in paper
    assert "left out by the clinician" not in paper and "withdrawn" not in paper


def test_what_another_system_took_back_is_called_withdrawn(doctor: Visitor, clinic: Clinic) -> None:
    task = clinic.result("treatment", clinic.patient, clinics.care_plan([]))
    written = clinic.outputs(task)
    change(clinic, written["interaction"], status="cancelled")
    change(clinic, written["prasugrel"], status="entered-in-error")
    form = {"reviewed": "yes", "text": "As before."} | NO_CHOICE | fates(leave=["goal"])
    assert doctor.decide(task, "amend", **form).status_code == 303
    paper = " ".join(printed(doctor, task))
    assert "high severity (withdrawn)" in paper
    assert "Medication: prasugrel (withdrawn: entered in error)" in paper
    assert "Medication: ticagrelor (not chosen)" in paper
    assert "Goal: No stent thrombosis (left out by the clinician)" in paper
    assert "Service: Cardiac rehabilitation (ordered)" in paper
