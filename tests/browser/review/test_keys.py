"""The keyboard alone: few stops to the signature, and shortcuts that rest while somebody types."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.clinic import a_film, fill
from tests.browser.conftest import Site, log_in
from tests.browser.review.support import open_result
from tests.integration.review.exchanges import CLOPIDOGREL, EITHER, SIMVASTATIN, exchange, order

MOST_STOPS = 10
FOCUSED = "document.activeElement.closest('#decision form button[type=submit]') !== null"


def stops_to_the_signature(page: Page) -> int:
    """Press Tab from the top, take the way that is offered, count until the button that signs."""
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    for stops in range(1, 100):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED):
            return stops
        if page.evaluate("document.activeElement.textContent") == "Skip to your decision":
            page.keyboard.press("Enter")
    raise AssertionError("the button is out of reach")


def test_ten_stops_lead_to_every_signature(page: Page, site: Site) -> None:
    clinic = site.clinic
    tasks = dict(fill(clinic))
    old = [order(clinic, CLOPIDOGREL), order(clinic, SIMVASTATIN)]
    tasks["exchange"] = clinic.result("treatment", clinic.patient, exchange(EITHER, old[0], old))
    died = clinic.ehr.read(clinic.patient)
    assert died
    clinic.ehr.update(died | {"deceasedBoolean": True}, died["meta"]["versionId"])
    log_in(page, site)
    counted = {}
    for name, task in tasks.items():
        open_result(page, site, task)
        counted[name] = stops_to_the_signature(page)
    assert {name: n for name, n in counted.items() if n > MOST_STOPS} == {}, counted


def test_evidence_that_does_not_scroll_is_no_stop(page: Page, site: Site) -> None:
    task = fill(site.clinic)["genomics"]
    log_in(page, site)
    open_result(page, site, task)
    parts = page.locator(".evidence .scroll")
    assert parts.count() > 1
    expect(page.locator(".evidence .scroll[tabindex]")).to_have_count(0)
    parts.locator("table").evaluate_all("found => found.forEach(t => t.style.width = '2000px')")
    expect(page.locator(".evidence .scroll[tabindex='0']")).not_to_have_count(0)


def test_every_shortcut_stands_in_the_list(page: Page, site: Site) -> None:
    log_in(page, site)
    expect(page.get_by_role("heading", name="Worklist")).to_be_visible()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_be_visible()
    listed = {
        " ".join(line.locator("kbd").all_text_contents()) if "then" in line.inner_text() else key
        for line in dialog.locator("dt").all()
        for key in line.locator("kbd").all_text_contents()
    }
    assert listed == set(page.evaluate("Object.keys(KEYS)"))
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(dialog).to_be_visible()


@pytest.mark.parametrize(("forth", "back"), [("n", "p"), ("j", "k")])
def test_findings_are_walked(page: Page, site: Site, forth: str, back: str) -> None:
    task = fill(site.clinic)["treatment"]
    log_in(page, site)
    open_result(page, site, task)
    found = page.locator(".alerts li, .proposals li")
    page.keyboard.press(forth)
    expect(found.nth(0)).to_be_focused()
    page.keyboard.press(forth)
    expect(found.nth(1)).to_be_focused()
    page.keyboard.press(back)
    expect(found.nth(0)).to_be_focused()
    page.keyboard.press(back)
    expect(found.nth(0)).to_be_focused()


def test_keys_lead_to_the_decision_the_list_and_the_search(page: Page, site: Site) -> None:
    task = a_film(site.clinic)
    log_in(page, site)
    open_result(page, site, task)
    page.keyboard.press("s")
    expect(page.locator("#decision")).to_be_focused()
    page.keyboard.press("e")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Patient")).to_be_focused()

    page.go_back()
    page.keyboard.press("g")
    page.keyboard.press("w")
    expect(page.get_by_role("heading", name="Worklist")).to_be_visible()
    page.keyboard.press("n")
    expect(page.locator(".list tbody .go").first).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Patient")).to_be_focused()


def test_who_types_is_not_carried_away(page: Page, site: Site) -> None:
    task = a_film(site.clinic)
    log_in(page, site)
    open_result(page, site, task)
    page.get_by_text("Reject…").click()
    reason = page.get_by_label("Reason", exact=True)
    reason.focus()
    page.keyboard.type("gw / s? njpk")
    expect(reason).to_have_value("gw / s? njpk")
    expect(reason).to_be_focused()
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_hidden()


def test_a_chord_of_the_browser_is_left_alone(page: Page, site: Site) -> None:
    task = a_film(site.clinic)
    log_in(page, site)
    open_result(page, site, task)
    for chord in ("Control+s", "Alt+n", "Meta+/"):
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press(chord)
        assert page.evaluate("document.activeElement === document.body"), chord


def test_shortcuts_can_be_switched_off(page: Page, site: Site) -> None:
    task = a_film(site.clinic)
    log_in(page, site)
    open_result(page, site, task)
    page.get_by_role("button", name="Keyboard shortcuts").click()
    page.get_by_label("Use shortcuts in this browser").uncheck()
    page.get_by_role("button", name="Close").click()
    page.reload()
    page.keyboard.press("s")
    expect(page.locator("#decision")).not_to_be_focused()
    page.get_by_role("button", name="Keyboard shortcuts").click()
    page.get_by_label("Use shortcuts in this browser").check()
    page.get_by_role("button", name="Close").click()
    page.keyboard.press("s")
    expect(page.locator("#decision")).to_be_focused()
