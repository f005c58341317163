"""Walk: the patient dies, or her record is merged, while her result is on the screen."""

import pytest
from playwright.sync_api import Page, expect

from shared.fhir.heads import head_of
from tests.browser.clinic import a_film, chest_film, study, write_result
from tests.browser.conftest import Site, log_in
from tests.browser.review.support import SIGN, faults, local, open_result, said, sign
from tests.integration.review.test_banner import say
from tests.merging import merge


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_death_that_is_recorded_meanwhile_is_not_passed_over(
    page: Page, site: Site, theme: str
) -> None:
    clinic = site.clinic
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    task = a_film(clinic)
    log_in(page, site)
    open_result(page, site, task)
    expect(page.locator(".banner")).not_to_contain_text("Deceased")
    say(clinic.ehr, clinic.patient, deceasedDateTime="2020-05-01")

    sign(page)
    expect(page.get_by_role("alert")).to_contain_text("the patient has died")
    expect(page.locator(".banner")).to_contain_text("Deceased on 1 May 2020")
    expect(page.locator(".whose")).to_contain_text("Deceased on 1 May 2020")
    assert faults(page) == []
    assert clinic.outputs(task)["report"]["status"] == "preliminary"

    page.locator(SIGN).get_by_label("I know that the record says: Deceased").check()
    sign(page)
    expect(said(page)).to_have_text("Signed. The result is final.")
    assert clinic.outputs(task)["report"]["status"] == "final"


def test_a_rejection_needs_no_tick_for_a_death(page: Page, site: Site) -> None:
    clinic = site.clinic
    task = a_film(clinic)
    say(clinic.ehr, clinic.patient, deceasedBoolean=True)
    log_in(page, site)
    open_result(page, site, task)
    page.get_by_text("Reject…").click()
    page.get_by_label("Reason", exact=True).fill("Taken after death.")
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(said(page)).to_contain_text("Rejected")
    assert clinic.outputs(task)["report"]["status"] == "cancelled"


def test_a_merged_patient_is_followed_to_the_record_in_use(page: Page, site: Site) -> None:
    clinic = site.clinic
    task = a_film(clinic)
    log_in(page, site)
    open_result(page, site, task)
    named = [{"family": "Musterfrau", "given": ["Erika"]}]
    survivor = clinic.ehr.create({"resourceType": "Patient", "name": named}).reference
    merge(clinic.ehr, clinic.patient, survivor)

    # what she is about to sign stands on a record that is no longer in use
    sign(page)
    expect(page.get_by_role("alert").filter(has_text="Nothing was saved")).to_be_visible()
    warning = page.get_by_role("alert").filter(has_text="This record was replaced by")
    expect(page.get_by_role("button", name="Sign as it stands")).to_have_count(0)
    expect(page.get_by_text("Amend and sign…")).to_have_count(0)
    assert clinic.outputs(task)["report"]["status"] == "preliminary"

    # the draft is made anew under the record in use; the link leads there
    source = study(clinic.ehr, survivor, "1.2.826.0.1.3680043.8.498.2")
    moved = write_result(clinic.ehr, "imaging", source, survivor, chest_film(source))
    warning.get_by_role("link", name="Results under").click()
    row = page.get_by_role("row").filter(has_text="Musterfrau").filter(has_text="Imaging report")
    row.get_by_role("link", name="Imaging report", exact=True).click()
    expect(page).to_have_url(f"{site.url}/results/{moved}")
    expect(page.get_by_text("This record also holds what was recorded under")).to_be_visible()
    sign(page)
    expect(said(page)).to_have_text("Signed. The result is final.")

    report = clinic.ehr.read(head_of(clinic.task(moved)).outputs["report"])
    assert report and report["status"] == "final"
    assert local(report["subject"]["reference"]) == survivor
    assert clinic.outputs(task)["report"]["status"] == "preliminary"
