"""A page that nobody uses is locked, and what was typed on it survives."""

import time
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.clinic import a_film
from tests.browser.conftest import Site, log_in
from tests.browser.review.support import open_result

AT_ONCE_MS = 3_000
"""Far less than the 15 seconds after which a tab asks by itself."""
REASON = "A hand, not a chest"


def begin_to_reject(page: Page, site: Site) -> str:
    """Open a result and type why it is rejected; the result's task."""
    task = a_film(site.clinic)
    log_in(page, site)
    open_result(page, site, task)
    page.get_by_text("Reject…").click()
    page.locator("textarea[name=reason]").last.fill(REASON)
    return task


def test_a_page_that_nobody_uses_hides_the_patient_and_keeps_what_was_typed(
    page: Page, context: BrowserContext, open_site: Callable[..., Site]
) -> None:
    site = open_site(review_idle_sec=5)
    task = begin_to_reject(page, site)
    patient = page.get_by_text("Mustermann").first
    expect(patient).to_be_visible()
    expect(page.get_by_role("alertdialog")).to_be_visible()
    expect(patient).to_be_hidden()
    expect(page.get_by_role("button", name="Reject", exact=True)).to_be_hidden()

    with context.expect_page() as opened:
        page.get_by_role("link", name="Log in again").click()
    opened.value.wait_for_load_state()
    opened.value.get_by_label("Name").fill("berg")
    opened.value.get_by_label("Password").fill("correct horse")
    opened.value.get_by_role("button", name="Log in").click()
    expect(opened.value.get_by_role("heading", name="Worklist")).to_be_visible()
    page.bring_to_front()

    expect(patient).to_be_visible()
    expect(page.locator("textarea[name=reason]").last).to_have_value(REASON)
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Rejected")
    assert site.clinic.task(task)["businessStatus"]["coding"][0]["code"] == "rejected"


def test_somebody_who_types_is_not_locked_out(page: Page, open_site: Callable[..., Site]) -> None:
    site = open_site(review_idle_sec=3)
    begin_to_reject(page, site)
    until = time.monotonic() + 6
    while time.monotonic() < until:
        page.keyboard.press("x")
        page.wait_for_timeout(300)
    expect(page.get_by_text("Mustermann").first).to_be_visible()
    page.goto(site.url)
    expect(page.get_by_role("heading", name="Worklist")).to_be_visible()


def test_a_logout_in_one_tab_locks_the_others(
    page: Page, context: BrowserContext, site: Site
) -> None:
    task = a_film(site.clinic)
    log_in(page, site)
    open_result(page, site, task)
    tabs = [page, *(context.new_page() for _ in range(2))]
    open_result(tabs[1], site, a_film(site.clinic))
    tabs[2].goto(site.url)
    other = context.new_page()
    other.goto(site.url)
    for tab in tabs:
        expect(tab.get_by_text("Mustermann").first).to_be_visible()
    other.get_by_role("button", name="Log out").click()
    for tab in tabs:
        expect(tab.get_by_role("alertdialog")).to_be_visible(timeout=AT_ONCE_MS)
        expect(tab.get_by_text("Mustermann").first).to_be_hidden()


def test_a_tab_asks_at_once_when_another_one_is_without_a_session(
    page: Page, context: BrowserContext, site: Site
) -> None:
    log_in(page, site)
    open_result(page, site, a_film(site.clinic))
    context.clear_cookies()
    context.new_page().goto(site.url)
    expect(page.get_by_role("alertdialog")).to_be_visible(timeout=AT_ONCE_MS)


def test_a_logout_that_does_not_come_about_hides_nothing_for_long(
    page: Page, context: BrowserContext, open_site: Callable[..., Site]
) -> None:
    site = open_site(review_idle_sec=12)
    log_in(page, site)
    open_result(page, site, a_film(site.clinic))
    other = context.new_page()
    other.goto(site.url)
    other.route("**/logout", lambda route: route.abort())
    other.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("alertdialog")).to_be_visible(timeout=AT_ONCE_MS)
    expect(page.get_by_role("alertdialog")).to_be_hidden()
    expect(page.get_by_text("Mustermann").first).to_be_visible()
