"""Walk: a clinician at the bedside signs on a tablet, with her fingers."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.clinic import PASSWORD, Clinic, fill
from tests.browser.conftest import Site, log_in
from tests.browser.review.support import SIGN, faults, open_result, said, unfold, wider


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tablet, upright."""
    context = browser.new_context(
        viewport={"width": 820, "height": 1180}, has_touch=True, is_mobile=True
    )
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def test_a_film_is_signed_by_touch(
    page: Page, clinic: Clinic, open_site: Callable[..., Site]
) -> None:
    tasks = fill(clinic)
    site = open_site()
    page.goto(f"{site.url}/login")
    page.get_by_label("Name").fill("berg")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").tap()
    page.get_by_label("Patient", exact=True).fill(clinic.patient.split("/")[1])
    page.get_by_role("button", name="Show").tap()
    expect(page.get_by_role("link", name="Clear")).to_be_visible()
    expect(page.locator("a.go")).to_have_count(4)
    assert wider(page) == 0 and faults(page) == []
    page.get_by_role("link", name="Imaging report", exact=True).tap()

    # whose result it is stands first, and beside the form that a tap leads to
    expect(page.locator(".banner")).to_be_in_viewport()
    page.get_by_role("link", name="To your decision ↓", exact=True).tap()
    expect(page.locator(".whose")).to_be_in_viewport()
    expect(page.locator(".whose")).to_contain_text("Erika Mustermann")
    button = page.locator(SIGN).get_by_role("button", name="Sign as it stands")
    expect(button).to_be_in_viewport()
    assert wider(page) == 0 and faults(page) == []

    page.locator(SIGN).get_by_text("I have reviewed this result").tap()
    button.tap()
    expect(said(page)).to_have_text("Signed. The result is final.")
    assert clinic.outputs(tasks["imaging"])["report"]["status"] == "final"


def test_no_page_scrolls_sideways(
    page: Page, clinic: Clinic, open_site: Callable[..., Site]
) -> None:
    tasks = fill(clinic)
    site = open_site()
    page.goto(f"{site.url}/login")
    seen = {"login": wider(page)}
    log_in(page, site)
    expect(page.locator("a.go").nth(3)).to_be_visible()
    seen["list"] = wider(page)
    for service, task in tasks.items():
        open_result(page, site, task)
        expect(page.locator("#decision form")).to_have_count(3)
        unfold(page)
        seen[service] = wider(page)
    page.goto(f"{site.url}/results/{tasks['imaging']}/owner")
    seen["hand over"] = wider(page)
    page.goto(f"{site.url}/results/nothing")
    seen["problem"] = wider(page)
    assert seen == dict.fromkeys(seen, 0)
