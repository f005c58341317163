"""Walk: a plan rests on a film, a genome and a note that nobody has signed."""

import re

from playwright.sync_api import Page, expect

from tests.browser.clinic import fill
from tests.browser.conftest import Site, log_in
from tests.browser.review.support import SIGN, faults, open_result, order_each, said, sign

NAMES = {
    "imaging": "XR Chest 2 Views",
    "genomics": "Genetic analysis report",
    "notes": "Discharge summary",
}
FIRST = re.compile(f"Sign it first ?: {NAMES['imaging']}")


def test_each_unsigned_input_is_asked_for_and_can_be_signed_first(page: Page, site: Site) -> None:
    clinic = site.clinic
    tasks = fill(clinic)
    log_in(page, site)
    open_result(page, site, tasks["treatment"])

    # the plan names each, and none is ticked for her
    form = page.locator(SIGN)
    asked = form.get_by_role("group", name="Unsigned results").get_by_role("checkbox")
    expect(asked).to_have_count(3)
    expect(form.locator("input[name=unsigned]:checked")).to_have_count(0)
    for name in NAMES.values():
        expect(form.get_by_label(f"I rely on this unsigned result: {name}")).to_be_visible()
    assert faults(page) == []

    # with one tick missing the browser does not send the form
    form.get_by_role("radio", name="ticagrelor").check()
    order_each(page)
    for service in ("genomics", "notes"):
        form.get_by_label(f"I rely on this unsigned result: {NAMES[service]}").check()
    sign(page, "Sign with this choice")
    expect(form.locator("input[name=unsigned]:invalid")).to_be_focused()
    assert clinic.task(tasks["treatment"])["status"] == "requested"

    # one click leads to the film; she signs it, and the plan asks for two
    page.locator("#decision").get_by_role("link", name=FIRST).click()
    expect(page).to_have_url(f"{site.url}/results/{tasks['imaging']}")
    sign(page)
    expect(said(page)).to_have_text("Signed. The result is final.")
    open_result(page, site, tasks["treatment"])
    expect(asked).to_have_count(2)
    expect(form.get_by_text(NAMES["imaging"])).to_have_count(0)

    for tick in asked.all():
        tick.check()
    form.get_by_role("radio", name="ticagrelor").check()
    order_each(page)
    sign(page, "Sign with this choice")
    expect(said(page)).to_have_text("Signed. The result is final.")

    # the EHR keeps which results were relied on unsigned, and they still wait
    noted = clinic.task(tasks["treatment"])["note"][0]["text"]
    relied = noted.split("Based on results that nobody had signed: ")[1]
    assert NAMES["genomics"] in relied and NAMES["notes"] in relied
    assert NAMES["imaging"] not in relied
    statuses = {s: clinic.outputs(tasks[s])["report"]["status"] for s in NAMES}
    assert statuses == {"imaging": "final", "genomics": "preliminary", "notes": "preliminary"}
    assert clinic.outputs(tasks["treatment"])["report"]["status"] == "active"


def test_an_input_that_is_rejected_meanwhile_stops_the_signature(page: Page, site: Site) -> None:
    clinic = site.clinic
    tasks = fill(clinic)
    log_in(page, site)
    open_result(page, site, tasks["treatment"])
    form = page.locator(SIGN)
    form.get_by_role("radio", name="ticagrelor").check()
    order_each(page)
    for tick in form.locator("input[name=unsigned]").all():
        tick.check()

    other = page.context.new_page()
    open_result(other, site, tasks["genomics"])
    other.get_by_text("Reject…").click()
    other.get_by_label("Reason", exact=True).fill("The blood of somebody else.")
    other.get_by_role("button", name="Reject", exact=True).click()
    expect(said(other)).to_contain_text("Rejected")

    page.bring_to_front()
    sign(page, "Sign with this choice")
    expect(page.get_by_role("alert").first).to_contain_text("Nothing was saved")
    expect(page.get_by_role("button", name="Sign with this choice")).to_have_count(0)
    assert clinic.task(tasks["treatment"])["status"] == "requested"
    assert clinic.outputs(tasks["treatment"])["ticagrelor"]["status"] == "draft"
