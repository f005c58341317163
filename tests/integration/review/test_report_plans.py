"""Review: the PDF of a plan: what goes on, its reasoning, and what a reader must know."""

import re
from collections.abc import Callable

from shared.fhir import codes
from tests.browser import clinic as clinics
from tests.browser.clinic import Clinic
from tests.integration.review.exchanges import CLOPIDOGREL, TICAGRELOR, exchange, order
from tests.integration.review.support import REHABILITATION, Visitor, accepted, fates
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
    assert all("Drafted by AI; decided by Dr. Ada Berg." in page for page in pages)
