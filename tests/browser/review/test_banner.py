"""Review: the patient is in sight wherever one decides, in a browser."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.clinic import a_film
from tests.browser.conftest import Site, log_in
from tests.browser.review.support import open_result
from tests.browser.review.test_merged import faults
from tests.integration.review.test_banner import recorded, say
from tests.unit.review_present.test_allergies import allergy


@pytest.mark.parametrize(("width", "height"), [(1280, 600), (820, 1180)])
def test_whose_result_it_is_stays_in_sight(page: Page, site: Site, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    task = a_film(site.clinic)
    log_in(page, site)
    open_result(page, site, task)
    page.get_by_text("Amend and sign…").click()
    page.get_by_role("button", name="Amend and sign").scroll_into_view_if_needed()
    whose = page.locator(".whose")
    expect(whose).to_be_in_viewport()
    expect(whose).to_contain_text("born 2 Mar 1940")
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    if width > 1000:
        expect(whose).to_be_in_viewport()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_patient_who_has_died_is_flagged_and_the_tick_is_asked_for(
    page: Page, site: Site, theme: str
) -> None:
    clinic = site.clinic
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    task = a_film(clinic)
    say(clinic.ehr, clinic.patient, deceasedDateTime="2020-05-01")
    recorded(clinic.ehr, clinic.patient, allergy("penicillin", criticality="high"))

    log_in(page, site)
    open_result(page, site, task)
    expect(page.locator(".banner")).to_contain_text("Deceased on 1 May 2020")
    expect(page.locator(".banner")).to_contain_text("penicillin (high risk)")
    assert faults(page) == []

    form = page.locator("#decision form").first
    form.get_by_label("I have reviewed this result and its evidence.").check()
    form.get_by_role("button", name="Sign as it stands").click()
    expect(form.get_by_label("I know that the record says")).to_be_focused()
    form.get_by_label("I know that the record says").check()
    form.get_by_role("button", name="Sign as it stands").click()
    expect(page.get_by_text("Signed. The result is final.")).to_be_visible()
