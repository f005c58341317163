"""Review: nobody acknowledges an answer that she has not been shown."""

from collections.abc import Callable

import pytest

from tests.browser.clinic import Clinic
from tests.integration.review.looks import look, plan_on, row
from tests.integration.review.support import Visitor, a_coded_film
from tests.integration.review.urgent import acknowledge, acknowledged
from tests.integration.review.worklist.support import change, forms, path, press


@pytest.fixture
def reader(visit: Callable[..., Visitor]) -> Visitor:
    """Somebody who reads films first."""
    visitor = visit(review_film_first="*")
    visitor.log_in()
    visitor.get("/")
    return visitor


@pytest.fixture
def film(clinic: Clinic) -> str:
    """An urgent report on a film that nobody has."""
    return a_coded_film(clinic)


def known(clinic: Clinic, task: str) -> str:
    return str(clinic.task(task)["meta"]["versionId"])


def test_the_list_does_not_say_that_somebody_acknowledged_it(
    reader: Visitor, doctor: Visitor, clinic: Clinic, film: str
) -> None:
    plan = plan_on(clinic, film)
    for task in (film, plan):
        change(clinic, task, priority="urgent")
        assert acknowledge(doctor, task).status_code == 303
        assert "Acknowledged by" in row(doctor.get(path(clinic)), task)
        assert "Acknowledged by" not in row(reader.get(path(clinic)), task)
    look(reader, film)
    for task in (film, plan):
        assert "Acknowledged by" in row(reader.get(path(clinic)), task)


def test_a_film_is_not_acknowledged_before_the_look(
    reader: Visitor, clinic: Clinic, film: str
) -> None:
    early = acknowledge(reader, film, known(clinic, film))
    assert early.status_code == 409 and "Look at the film first" in early.text
    assert not acknowledged(clinic, film)
    look(reader, film)
    assert acknowledge(reader, film).status_code == 303
    assert acknowledged(clinic, film) == clinic.practitioner


def test_who_acknowledged_it_is_not_told_before_the_look(
    reader: Visitor, doctor: Visitor, clinic: Clinic, film: str
) -> None:
    assert acknowledge(doctor, film).status_code == 303
    early = acknowledge(reader, film, known(clinic, film))
    assert early.status_code == 409 and "acknowledged it before" not in early.text


def test_a_plan_that_repeats_it_is_not_acknowledged_either(
    reader: Visitor, clinic: Clinic, film: str
) -> None:
    plan = plan_on(clinic, film)
    change(clinic, plan, priority="urgent")
    assert acknowledge(reader, plan, known(clinic, plan)).status_code == 409
    assert not acknowledged(clinic, plan)
    look(reader, film)
    assert acknowledge(reader, plan).status_code == 303


def test_a_plan_that_rests_on_no_film_of_hers_is_acknowledged(
    reader: Visitor, clinic: Clinic, film: str
) -> None:
    other = plan_on(clinic, film)
    report = clinic.outputs(film)["report"]
    clinic.ehr.update(report | {"status": "final"}, report["meta"]["versionId"])
    change(clinic, other, priority="urgent")
    assert acknowledge(reader, other).status_code == 303, "its page was shown"


def test_to_claim_it_before_the_look_acknowledges_nothing(
    reader: Visitor, clinic: Clinic, film: str
) -> None:
    plan = plan_on(clinic, film)
    for task in (film, plan):
        change(clinic, task, priority="urgent")
        assert press(reader, reader.get(path(clinic)), task, "Claim").status_code == 303
        assert clinic.task(task)["owner"]["reference"] == clinic.practitioner
        assert not acknowledged(clinic, task)
    look(reader, film)
    for task in (film, plan):
        assert press(reader, reader.get(path(clinic)), task, "Give back").status_code == 303
        assert "Claim and acknowledge" in forms(page := reader.get(path(clinic)), task)
        assert press(reader, page, task, "Claim and acknowledge").status_code == 303
        assert acknowledged(clinic, task) == clinic.practitioner
