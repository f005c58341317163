"""The pages of the list, while results come, change their urgency and vanish between them."""

import pytest

from tests.browser.clinic import Clinic
from tests.integration.review.support import Visitor
from tests.integration.review.worklist.support import beside, change, counts, listed, path, waiting


@pytest.fixture
def made(clinic: Clinic) -> list[str]:
    """Results of one patient, the longest waiting first."""
    return waiting(clinic, 53)


def test_pages_follow_and_precede_each_other(
    doctor: Visitor, clinic: Clinic, made: list[str]
) -> None:
    first = doctor.get(path(clinic))
    second = doctor.get(str(beside(first, "next")))
    third = doctor.get(str(beside(second, "next")))
    pages = [first, second, third]
    assert [listed(page) for page in pages] == [made[:25], made[25:50], made[50:]]
    assert beside(first, "prev") is None and beside(third, "next") is None
    assert listed(doctor.get(str(beside(third, "prev")))) == made[25:50]
    assert listed(doctor.get(str(beside(second, "prev")))) == made[:25]
    for page, said in zip(pages, ("1 to 25", "26 to 50", "51 to 53"), strict=True):
        assert f"{said} of 53" in page and counts(page)["requested"] == 53


def test_what_vanishes_between_two_pages_hides_nothing_and_doubles_nothing(
    doctor: Visitor, clinic: Clinic, made: list[str]
) -> None:
    first = doctor.get(path(clinic))
    for task in (made[0], made[24], made[25], made[30]):  # the next page begins behind the 25th
        change(clinic, task, status="cancelled", statusReason={"text": "Gone."})
    change(clinic, made[40], priority="stat")  # it goes to the front
    second = doctor.get(str(beside(first, "next")))
    rest = [t for t in made[26:] if t not in (made[30], made[40])]
    assert listed(second) == rest[:25] and "24 to 48 of 49" not in second
    assert counts(second)["requested"] == 49 and counts(second)["cancelled"] == 4

    back = doctor.get(str(beside(second, "prev")))
    assert listed(back) == [made[40], *made[1:24]] and beside(back, "prev") is None
    assert "1 to 24 of 49" in back


def test_a_page_of_which_nothing_is_left_says_so_and_leads_back(
    doctor: Visitor, clinic: Clinic, made: list[str]
) -> None:
    second = doctor.get(str(beside(doctor.get(path(clinic)), "next")))
    last = str(beside(second, "next"))
    for task in made[50:]:
        change(clinic, task, status="cancelled", statusReason={"text": "Gone."})
    page = doctor.get(last)
    assert listed(page) == [] and "Nothing is left on this page." in page
    assert "To the first page" in page and counts(page)["requested"] == 50


def test_what_is_decided_is_listed_the_newest_first_on_pages_of_its_own(
    doctor: Visitor, clinic: Clinic, made: list[str]
) -> None:
    for number, task in enumerate(made[:30]):
        changed = f"2026-01-01T00:00:{number:02}.000Z"
        change(clinic, task, status="completed", lastModified=changed)
    first = doctor.get(path(clinic, outcome="completed"))
    second = doctor.get(str(beside(first, "next")))
    assert listed(first) + listed(second) == made[:30][::-1]
    assert listed(doctor.get(str(beside(second, "prev")))) == listed(first)


def test_pages_keep_the_filters(doctor: Visitor, clinic: Clinic, made: list[str]) -> None:
    for task in made[:10]:
        change(clinic, task, priority="routine")
    for task in made[10:]:
        change(clinic, task, priority="urgent")
    first = doctor.get(path(clinic, urgency="urgent", service="imaging", text="imaging"))
    second = doctor.get(str(beside(first, "next")))
    assert listed(first) + listed(second) == made[10:] and "26 to 43 of 43" in second
