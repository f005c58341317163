"""No page has a fault that axe calls moderate or worse."""

from collections.abc import Callable

from playwright.sync_api import Page

from services.review.worklist.listing import OUTCOMES
from tests.browser.clinic import fill
from tests.browser.conftest import Site, log_in
from tests.browser.review.axe import faults
from tests.browser.review.support import open_result


def test_pages_pass_the_moderate_rules(page: Page, site: Site) -> None:
    tasks = fill(site.clinic)
    seen = {}
    page.goto(f"{site.url}/login")
    seen["login"] = faults(page)
    log_in(page, site)
    for outcome in OUTCOMES:
        page.goto(f"{site.url}/?outcome={outcome}")
        seen[outcome] = faults(page)
    for name, task in tasks.items():
        open_result(page, site, task)
        seen[f"{name}, folded"] = faults(page)
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        seen[name] = faults(page)
    page.goto(f"{site.url}/results/{tasks['imaging']}/owner?colleague=Berg")
    seen["hand over"] = faults(page)
    page.get_by_role("button", name="Keyboard shortcuts").click()
    seen["shortcuts"] = faults(page)
    open_result(page, site, tasks["imaging"])
    page.locator("a[href*='/models/']").first.click()
    seen["model"] = faults(page)
    page.goto(f"{site.url}/results/nothing")
    seen["problem"] = faults(page)
    assert {name: found for name, found in seen.items() if found} == {}


def test_a_refusal_and_an_emergency_pass_them_too(
    page: Page, open_site: Callable[..., Site]
) -> None:
    site = open_site()
    tasks = fill(site.clinic)
    site = open_site(
        review_local_user=f"berg:{site.clinic.practitioner}:geneticist",
        review_roles='{"geneticist": ["GE"]}',
    )
    log_in(page, site)
    open_result(page, site, tasks["imaging"])
    assert faults(page) == []
    page.get_by_label("Why you need it now").fill("Unconscious in the emergency room")
    page.get_by_role("button", name="Open this patient's record").click()
    assert faults(page) == []
