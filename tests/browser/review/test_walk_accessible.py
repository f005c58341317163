"""Walk: every kind of page, as axe judges it, in light and dark: nothing serious or moderate."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Page, expect

from services.review.worklist.listing import OUTCOMES
from tests.browser.clinic import a_film, fill
from tests.browser.conftest import Site, log_in
from tests.browser.review.support import SIGN, faults, open_result, order_each, said, sign, unfold
from tests.integration.review.test_banner import recorded, say
from tests.unit.review_present.test_allergies import allergy


@dataclass
class Judge:
    """Looks at pages in both colour schemes, and keeps what is wrong with them."""

    page: Page
    found: dict[str, list[str]] = field(default_factory=dict)

    def look(self, name: str, within: str = "html") -> None:
        """Judge the page or a part of it as it stands, with all that is folded."""
        unfold(self.page)
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            self.found[f"{name}, {scheme}"] = faults(self.page, within)

    @property
    def faults(self) -> dict[str, list[str]]:
        return {name: faults for name, faults in self.found.items() if faults}


@pytest.fixture
def judge(page: Page) -> Judge:
    return Judge(page)


def test_login_lists_and_errors(page: Page, judge: Judge, open_site: Callable[..., Site]) -> None:
    hospital = open_site(review_oidc_issuer="http://127.0.0.1:9", review_oidc_client_id="careloop")
    page.goto(f"{hospital.url}/login")
    judge.look("login of the hospital")
    site = open_site()
    fill(site.clinic)
    log_in(page, site, "wrong")
    judge.look("login refused")
    log_in(page, site)
    for outcome in OUTCOMES:
        page.goto(f"{site.url}/?outcome={outcome}")
        judge.look(f"list of {outcome}")
    for name, path in {
        "nothing fits": "/?text=nothing-is-called-so",
        "unknown list": "/?after=nowhere",
        "no such result": "/results/nothing",
        "no such page": "/nowhere",
    }.items():
        page.goto(site.url + path)
        judge.look(name)
    assert judge.faults == {}


def test_results_of_every_service(page: Page, judge: Judge, site: Site) -> None:
    clinic = site.clinic
    tasks = fill(clinic)
    log_in(page, site)
    for service, task in tasks.items():
        open_result(page, site, task)
        judge.look(f"{service}, waiting")
    page.locator("a[href*='/models/']").first.click()
    judge.look("model card")
    page.goto(f"{site.url}/results/{tasks['imaging']}/owner?colleague=berg")
    judge.look("hand over")
    page.get_by_role("button", name="Keyboard shortcuts").click()
    judge.look("shortcuts")
    for service in ("imaging", "genomics", "notes"):
        open_result(page, site, tasks[service])
        sign(page)
        judge.look(f"{service}, signed")
    open_result(page, site, tasks["treatment"])
    page.locator(SIGN).get_by_role("radio", name="ticagrelor").check()
    order_each(page)
    sign(page, "Sign with this choice")
    expect(said(page)).to_contain_text("Signed")
    judge.look("treatment, signed")
    assert judge.faults == {}


def test_refusals_and_doubts(page: Page, judge: Judge, site: Site) -> None:
    clinic = site.clinic
    task = a_film(clinic)
    say(clinic.ehr, clinic.patient, deceasedDateTime="2020-05-01", active=True)
    recorded(clinic.ehr, clinic.patient, allergy("penicillin", criticality="high"))
    log_in(page, site)
    open_result(page, site, task)
    judge.look("deceased")
    form = page.locator("#amend")
    form.get_by_label("Conclusion").fill("No pneumonia.")
    form.get_by_role("radio", name="Confirm").check()
    form.get_by_label("I have reviewed").check()
    form.get_by_label("I know that the record says").check()
    form.get_by_role("button", name="Amend and sign").click()
    expect(page.locator("#questions")).to_be_visible()
    judge.look("contradiction asked")
    form.get_by_label("This is intended").check()
    form.get_by_label("I know that the record says").check()
    form.get_by_role("button", name="Amend and sign").click()
    expect(said(page)).to_contain_text("Amended")
    judge.look("amended")
    page.evaluate("document.getElementById('locked').hidden = false")
    page.evaluate("document.documentElement.classList.add('is-locked')")
    judge.look("locked", within="#locked")
    assert judge.faults == {}


def test_a_rejected_result_and_one_that_was_changed(page: Page, judge: Judge, site: Site) -> None:
    clinic = site.clinic
    task = a_film(clinic)
    log_in(page, site)
    open_result(page, site, task)
    report = clinic.outputs(task)["report"]
    clinic.ehr.update(report | {"conclusion": "No opacity."}, report["meta"]["versionId"])
    sign(page)
    expect(page.get_by_role("alert")).to_contain_text("Nothing was saved")
    judge.look("changed")
    page.get_by_label("Reason", exact=True).fill("Blurred.")
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(said(page)).to_contain_text("Rejected")
    judge.look("rejected")
    assert judge.faults == {}


def test_a_refusal_and_an_emergency(
    page: Page, judge: Judge, open_site: Callable[..., Site]
) -> None:
    site = open_site()
    task = a_film(site.clinic)
    site = open_site(
        review_local_user=f"berg:{site.clinic.practitioner}:geneticist",
        review_roles='{"geneticist": ["GE"]}',
    )
    log_in(page, site)
    open_result(page, site, task)
    judge.look("not for this role")
    page.get_by_label("Why you need it now").fill("Unconscious in the emergency room")
    page.get_by_role("button", name="Open this patient's record").click()
    judge.look("emergency access")
    assert judge.faults == {}
