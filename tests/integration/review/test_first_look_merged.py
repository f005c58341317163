"""Review: a film under one record of a patient hides the plans under all of them."""

from collections.abc import Callable

import pytest

from tests.browser.clinic import Clinic, a_film, care_plan, open_clinic
from tests.integration.review.looks import look, row
from tests.integration.review.support import Visitor
from tests.integration.review.worklist.support import path
from tests.merging import merge

PLAN = "Replace clopidogrel by prasugrel."


@pytest.mark.parametrize(("read", "planned"), [(0, 1), (1, 0), (0, 2), (2, 0), (1, 2)])
def test_a_plan_waits_for_a_film_under_another_record(
    visit: Callable[..., Visitor], clinic: Clinic, read: int, planned: int
) -> None:
    reader = visit(review_film_first="*")
    reader.log_in()
    former, older = (open_clinic(clinic.ehr, "Erika", f"Ehemals{n}") for n in range(2))
    records = (clinic, former, older)
    film, where = a_film(records[read]), records[planned]
    plan = where.result("treatment", where.patient, care_plan([]))
    merge(clinic.ehr, older.patient, former.patient)
    merge(clinic.ehr, former.patient, clinic.patient)
    hidden = row(reader.get(path(clinic)), plan)
    assert "Look at the film first" in hidden and PLAN not in hidden
    look(reader, film)
    assert PLAN in row(reader.get(path(clinic)), plan)
