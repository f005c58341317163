"""What is typed outlives the session, for its writer alone, and is not lost without a question."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Dialog, Page, Route, expect

from tests.browser.clinic import PASSWORD, a_film
from tests.browser.conftest import Site, log_in
from tests.browser.review.support import open_result

REASON = "A hand, not a chest"
TEXT = "Masses in both lungs."
KEPT = "Object.keys(sessionStorage).filter(name => name.startsWith('careloop typed')).length"
BACK = "What you typed before is here again"


@pytest.fixture
def dialogs(page: Page) -> list[str]:
    """The questions of the browser; each is answered with leaving."""
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    return asked


def begin(page: Page, site: Site) -> str:
    """Type an amendment and a reason to reject; the result's task."""
    task = a_film(site.clinic)
    log_in(page, site)
    open_result(page, site, task)
    page.get_by_text("Amend and sign…").click()
    page.locator("#text").fill(TEXT)
    page.get_by_role("radio", name="Refute").check()
    page.get_by_text("Reject…").click()
    page.get_by_label("Reason", exact=True).fill(REASON)
    return task


def end_session(page: Page) -> None:
    """End the session as its time does: the server knows the cookie no more."""
    page.context.clear_cookies()


def log_in_again(page: Page) -> None:
    page.get_by_label("Name").fill("berg")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def is_back(page: Page) -> None:
    expect(page.locator("#text")).to_have_value(TEXT)
    expect(page.get_by_label("Reason", exact=True)).to_have_value(REASON)
    expect(page.get_by_text(BACK)).to_have_count(2)


def test_a_page_that_led_to_the_login_has_its_texts_again(
    page: Page, site: Site, dialogs: list[str]
) -> None:
    begin(page, site)
    end_session(page)
    page.reload()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    log_in_again(page)
    is_back(page)
    expect(page.get_by_role("radio", name="Refute")).to_be_checked()
    expect(page.get_by_role("checkbox", name="I have reviewed").nth(1)).not_to_be_checked()


def test_a_form_that_was_sent_too_late_has_its_texts_again(
    page: Page, site: Site, dialogs: list[str]
) -> None:
    task = begin(page, site)
    end_session(page)
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page.get_by_text("nothing was saved")).to_be_visible()
    page.get_by_role("link", name="Log in, and back to the result").click()
    log_in_again(page)
    is_back(page)
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("Rejected")
    assert site.clinic.task(task)["status"] == "completed"
    assert page.evaluate(KEPT) == 0, "what is decided is not kept"


def test_a_wrong_password_loses_nothing(page: Page, site: Site, dialogs: list[str]) -> None:
    task = begin(page, site)
    end_session(page)
    page.reload()
    page.get_by_label("Name").fill("berg")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("not right")
    log_in_again(page)
    open_result(page, site, task)
    is_back(page)


def test_somebody_else_finds_nothing(page: Page, site: Site, dialogs: list[str]) -> None:
    task = begin(page, site)
    end_session(page)
    page.goto(f"{site.url}/login")

    def of_another(route: Route) -> None:
        answer = route.fetch()
        whose = f'data-person="{site.clinic.practitioner}"'
        body = answer.text().replace(whose, 'data-person="Practitioner/other"')
        route.fulfill(response=answer, body=body)

    log_in_again(page)
    expect(page.get_by_role("heading", name="Worklist")).to_be_visible()
    page.route(f"**/results/{task}", of_another)
    open_result(page, site, task)
    expect(page.locator("#decision")).to_be_visible()
    page.get_by_text("Reject…").click()
    expect(page.get_by_label("Reason", exact=True)).to_have_value("")
    expect(page.get_by_text(BACK)).to_have_count(0)
    assert page.evaluate(KEPT) == 0

    page.unroute(f"**/results/{task}")
    page.reload()
    expect(page.get_by_text(BACK)).to_have_count(0)


def test_a_logout_removes_it_after_a_question(page: Page, site: Site, dialogs: list[str]) -> None:
    task = begin(page, site)
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    assert dialogs == ["beforeunload"]
    assert page.evaluate(KEPT) == 0
    log_in_again(page)
    open_result(page, site, task)
    expect(page.get_by_text(BACK)).to_have_count(0)


@pytest.mark.parametrize("way", ["sign", "reload", "link", "back"])
def test_every_way_off_a_begun_form_asks_first(page: Page, site: Site, way: str) -> None:
    task, asked = begin(page, site), []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    ways: dict[str, Callable[[], object]] = {
        "sign": lambda: sign(page),
        "reload": lambda: page.evaluate("location.reload()"),
        "link": page.get_by_role("link", name="Worklist").first.click,
        "back": lambda: page.evaluate("history.back()"),
    }
    ways[way]()
    page.wait_for_timeout(500)
    assert asked == ["beforeunload"]
    expect(page.locator("#text")).to_have_value(TEXT)
    assert site.clinic.task(task)["status"] == "requested"
    expect(page.get_by_role("button", name="Sign as it stands")).to_be_enabled()


def sign(page: Page) -> None:
    page.get_by_role("checkbox", name="I have reviewed").first.check()
    page.get_by_role("button", name="Sign as it stands").click()


def test_what_came_back_onto_a_changed_result_says_so(
    page: Page, site: Site, dialogs: list[str]
) -> None:
    task = begin(page, site)
    report = site.clinic.outputs(task)["report"]
    site.clinic.ehr.update(report | {"conclusion": "Clear."}, report["meta"]["versionId"])
    page.reload()
    is_back(page)
    expect(page.get_by_text("the result has changed since").first).to_be_visible()
    expect(page.get_by_role("radio", name="Refute")).not_to_be_checked()
    page.get_by_role("button", name="Discard it").first.click()
    expect(page.locator("#text")).to_have_value("Clear.")
    expect(page.get_by_text(BACK)).to_have_count(1)


def test_the_reason_of_an_emergency_is_kept_too(
    page: Page, open_site: Callable[..., Site], dialogs: list[str]
) -> None:
    clinic = (plain := open_site()).clinic
    site = open_site(
        review_local_user=f"berg:{clinic.practitioner}:geneticist",
        review_roles='{"geneticist": ["GE"]}',
    )
    task = a_film(plain.clinic)
    log_in(page, site)
    open_result(page, site, task)
    page.get_by_label("Why you need it now").fill(REASON)
    end_session(page)
    page.reload()
    log_in_again(page)
    expect(page.get_by_label("Why you need it now")).to_have_value(REASON)
    page.get_by_role("button", name="Open this patient's record").click()
    expect(page.locator("#decision")).to_be_visible()
    assert page.evaluate(KEPT) == 0
