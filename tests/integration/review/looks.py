"""Films that are looked at before the AI's answer, for the tests of review."""

from shared.fhir.heads import head_of
from tests.browser.clinic import Clinic, care_plan
from tests.integration.review.support import Visitor


def look(reader: Visitor, task: str) -> None:
    """Open the result and press the button."""
    reader.get(f"/results/{task}")
    assert reader.post(f"/results/{task}/look").status_code == 303


def plan_on(clinic: Clinic, film: str) -> str:
    """A plan that rests on the report of the film."""
    reports = [head_of(clinic.task(film)).outputs["report"]]
    return clinic.result("treatment", clinic.patient, care_plan(reports))


def row(page: str, task: str) -> str:
    """The row of a result on the list."""
    found = next(part for part in page.split("<tr>") if f"/results/{task}" in part)
    return found.split("</tr>")[0]
