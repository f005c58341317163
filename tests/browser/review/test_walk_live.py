"""Walk: an open list tells what changes, and who has claimed a result."""

import pytest
from playwright.sync_api import Page, expect

from shared.fhir.heads import head_of, owned
from shared.instants import now
from tests.browser.clinic import Clinic, a_film
from tests.browser.conftest import Site, log_in
from tests.browser.review.support import faults, local, open_result, said, sign


@pytest.fixture
def mine(page: Page, site: Site) -> Page:
    """The list of one patient, open."""
    log_in(page, site)
    return open_list(page, site)


def open_list(page: Page, site: Site, **asked: str) -> Page:
    """Open the list of the patient; the page bears a mark that a reload would remove."""
    given = {"patient": site.clinic.patient.split("/")[1]} | asked
    page.goto(f"{site.url}/?{'&'.join(f'{k}={v}' for k, v in given.items())}")
    page.evaluate("window.isTheSame = true")
    return page


def assert_not_reloaded(page: Page) -> None:
    assert page.evaluate("window.isTheSame") is True


def owner(clinic: Clinic, task: str) -> str:
    """Who has claimed it, by the record."""
    return local(clinic.task(task).get("owner", {}).get("reference", ""))


def test_what_comes_and_what_is_decided_shows_in_the_open_tab(mine: Page, site: Site) -> None:
    expect(mine.get_by_text("Nothing here matches the filter.")).to_be_visible()
    task = a_film(site.clinic)
    row = mine.get_by_role("row").filter(has_text="Imaging report")
    expect(row).to_have_count(1)
    expect(mine.get_by_role("link", name="Waiting for review 1")).to_be_visible()

    other = mine.context.new_page()
    open_result(other, site, task)
    sign(other)
    expect(said(other)).to_contain_text("Signed")
    mine.bring_to_front()
    expect(row).to_have_count(0)
    expect(mine.get_by_role("link", name="Decided 1")).to_be_visible()
    assert_not_reloaded(mine)


def test_a_result_is_claimed_and_given_back_by_a_button(mine: Page, site: Site) -> None:
    clinic = site.clinic
    task = a_film(clinic)
    other = open_list(mine.context.new_page(), site, owner="mine")
    expect(other.get_by_role("link", name="Imaging report", exact=True)).to_have_count(0)

    # a claim shows in the other tab by itself
    row = mine.get_by_role("row").filter(has_text="Imaging report")
    row.get_by_role("button", name="Claim").click()
    expect(said(mine)).to_have_text("Claimed: it is yours.")
    expect(row).to_contain_text("Dr. Ada Berg")
    assert owner(clinic, task) == clinic.practitioner
    other.bring_to_front()
    expect(other.get_by_role("link", name="Imaging report", exact=True)).to_be_visible()

    # given back there, it is nobody's here
    other.get_by_role("button", name="Give back").click()
    expect(said(other)).to_contain_text("nobody has claimed it now")
    assert owner(clinic, task) == ""
    mine.bring_to_front()
    expect(row.get_by_role("button", name="Claim")).to_be_visible()


def test_a_result_is_handed_over_to_a_colleague(mine: Page, site: Site) -> None:
    clinic = site.clinic
    task = a_film(clinic)
    named = [{"family": "Adler", "given": ["Zoe"], "prefix": ["Dr."]}]
    colleague = clinic.ehr.create({"resourceType": "Practitioner", "name": named}).reference
    row = mine.get_by_role("row").filter(has_text="Imaging report")
    row.get_by_role("link", name="Hand over").click()
    expect(mine.get_by_text("Nobody has claimed it.")).to_be_visible()
    mine.get_by_label("Name of the colleague").fill("adler")
    mine.get_by_role("button", name="Search").click()
    found = mine.get_by_role("button", name="Hand over to Dr. Zoe Adler")
    expect(found).to_be_visible()
    assert faults(mine) == []
    found.click()
    expect(said(mine)).to_have_text(
        "Handed over to Dr. Zoe Adler. Nobody was told: call her or him."
    )
    expect(row).to_contain_text("Dr. Zoe Adler")
    assert owner(clinic, task) == colleague

    # whoever may sign it still may
    row.get_by_role("link", name="Imaging report", exact=True).click()
    sign(mine)
    expect(said(mine)).to_contain_text("Signed")
    assert owner(clinic, task) == clinic.practitioner


def test_a_claim_on_what_changed_meanwhile_saves_nothing(mine: Page, site: Site) -> None:
    clinic = site.clinic
    task = a_film(clinic)
    button = mine.get_by_role("row").filter(has_text="Imaging report").get_by_role("button")
    expect(button).to_have_text("Claim")
    # from here on nobody tells the tab of changes
    mine.route("**/changes", lambda route: route.abort())
    mine.reload()
    colleague = clinic.ehr.create({"resourceType": "Practitioner"}).reference
    head = head_of(clinic.task(task))
    clinic.ehr.update(owned(head, (colleague, "Dr. Other"), now()), head.version)

    button.click()
    expect(mine.get_by_text("Somebody changed this result meanwhile")).to_be_visible()
    assert owner(clinic, task) == colleague
    assert faults(mine) == []
    mine.get_by_role("link", name="Back to the worklist").click()
    expect(mine.get_by_role("heading", name="Worklist")).to_be_visible()
