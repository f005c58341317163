"""Review: the pages of a patient whose records were merged, in a browser."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.clinic import a_film
from tests.browser.conftest import Site, log_in
from tests.browser.review.support import faults, open_result
from tests.merging import merge


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_replaced_record_leads_to_the_one_in_use(page: Page, site: Site, theme: str) -> None:
    clinic = site.clinic
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    task = a_film(clinic)
    survivor = clinic.ehr.create({"resourceType": "Patient", "gender": "female"}).reference
    merge(clinic.ehr, clinic.patient, survivor)

    log_in(page, site)
    open_result(page, site, task)
    warning = page.get_by_role("alert").filter(has_text="This record was replaced by")
    expect(warning).to_be_visible()
    expect(page.get_by_role("button", name="Sign as it stands")).to_have_count(0)
    assert faults(page) == []

    warning.get_by_role("link", name="Results under the record in use").click()
    expect(page.locator("td .quiet").filter(has_text="under a replaced record")).to_be_visible()
    assert faults(page) == []


def test_the_record_in_use_names_the_others(page: Page, site: Site) -> None:
    clinic = site.clinic
    task = a_film(clinic)
    retired = clinic.ehr.create({"resourceType": "Patient"}).reference
    merge(clinic.ehr, retired, clinic.patient)

    log_in(page, site)
    open_result(page, site, task)
    said = (
        "This record also holds what was recorded under another record, now replaced by this one."
    )
    expect(page.get_by_text(said)).to_be_visible()
    expect(page.get_by_role("button", name="Sign as it stands")).to_be_visible()
