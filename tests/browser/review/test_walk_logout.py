"""Walk: somebody copied the cookie of a session before its owner logged out."""

from collections.abc import Mapping

import httpx
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.clinic import a_film
from tests.browser.conftest import Site, log_in
from tests.browser.review.support import open_result

PATHS = (
    "/",
    "/?outcome=completed",
    "/changes",
    "/results/{task}",
    "/results/{task}/owner",
    "/results/{task}/media/heat-map",
)


def opened(site: Site, task: str, cookies: Mapping[str, str]) -> list[str]:
    """The addresses that the cookie opens: the others lead to the login, the stream to nothing."""
    found = []
    for path in PATHS:
        url = site.url + path.format(task=task)
        with httpx.stream("GET", url, cookies=dict(cookies), timeout=60) as answer:
            is_shut = answer.status_code == 401 if path == "/changes" else answer.is_redirect
            if not (is_shut and "/login" in answer.headers.get("location", "/login")):
                assert answer.status_code == 200, path
                found.append(path)
    return found


def test_a_cookie_that_was_copied_before_the_logout_opens_nothing(
    browser: Browser, context: BrowserContext, page: Page, site: Site
) -> None:
    clinic = site.clinic
    task = a_film(clinic)
    log_in(page, site)
    open_result(page, site, task)

    # the copy works as long as the session lives
    kept = context.cookies()
    copied = {cookie["name"]: cookie["value"] for cookie in kept}
    assert opened(site, task, copied) == list(PATHS)
    elsewhere = browser.new_context()
    elsewhere.add_cookies(kept)  # type: ignore[arg-type]
    thief = elsewhere.new_page()
    open_result(thief, site, task)
    patient = thief.get_by_text("Mustermann").first
    expect(patient).to_be_visible()
    fields = thief.locator("#decision form").first.locator("input[type=hidden]").all()
    form = {f.get_attribute("name") or "": f.input_value() for f in fields}

    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()

    # the page that is open elsewhere hides the patient
    thief.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(thief.get_by_role("alertdialog")).to_be_visible()
    expect(patient).to_be_hidden()
    thief.reload()
    expect(thief.get_by_role("heading", name="Log in")).to_be_visible()
    elsewhere.close()

    # nothing opens with the copy, and the form that was on the screen is not taken
    assert opened(site, task, copied) == []
    sent = httpx.post(
        f"{site.url}/results/{task}/decision",
        data=form | {"reviewed": "yes"},
        cookies=copied,
        timeout=60,
    )
    assert sent.status_code == 401 and "nothing was saved" in sent.text

    # the next session of the same person does not wake it
    log_in(page, site)
    expect(page.get_by_role("heading", name="Worklist")).to_be_visible()
    assert opened(site, task, copied) == []
    assert clinic.task(task)["status"] == "requested"
