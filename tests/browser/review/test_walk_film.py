"""Walk: the AI saw a pneumonia on a film, the clinician sees masses."""

from playwright.sync_api import Page, expect

from services.review.decision.words import MODEL_WORDS
from shared.fhir import codes
from shared.fhir.heads import head_of
from tests.browser.clinic import a_film
from tests.browser.conftest import Site, log_in
from tests.browser.review.support import faults, open_result, said, verifications

DRAFTED = "Opacity in the left lower zone, in keeping with pneumonia. Model score 0.91."
MASSES = "Masses, not pneumonia."


def begin_to_amend(page: Page, site: Site, conclusion: str) -> str:
    """Open a film and rewrite its conclusion; the film's task."""
    task = a_film(site.clinic)
    log_in(page, site)
    open_result(page, site, task)
    page.get_by_text("Amend and sign…").click()
    form = page.locator("#amend")
    expect(form.get_by_label("Conclusion")).to_have_value(DRAFTED)
    form.get_by_label("Conclusion").fill(conclusion)
    form.get_by_label("I have reviewed").check()
    return task


def send(page: Page) -> None:
    page.locator("#amend").get_by_role("button", name="Amend and sign").click()


def test_a_film_is_amended_finding_by_finding(page: Page, site: Site) -> None:
    clinic = site.clinic
    task = begin_to_amend(page, site, MASSES)
    form, finding = page.locator("#amend"), page.get_by_role("group", name="Pneumonia")

    # nothing is chosen for her, and what she typed stays
    expect(form.locator("input[type=radio]:checked")).to_have_count(0)
    send(page)
    expect(page.get_by_role("alert")).to_contain_text("Still open: Pneumonia.")
    expect(form.locator("input[type=radio]:checked")).to_have_count(0)
    expect(form.get_by_label("Conclusion")).to_have_value(MASSES)
    assert clinic.task(task)["status"] == "requested"

    # her words deny what she confirms: she is asked
    finding.get_by_role("radio", name="Confirm").check()
    send(page)
    expect(page.get_by_role("alert")).to_contain_text("contradict each other")
    expect(page.locator("#questions")).to_contain_text("denies Pneumonia, which you confirm")
    assert faults(page) == []
    assert clinic.outputs(task)["pneumonia"]["status"] == "preliminary"

    # she refutes it; the AI's words and the difference stay in sight
    finding.get_by_role("radio", name="Refute").check()
    send(page)
    expect(said(page)).to_contain_text("Amended")
    words = page.get_by_role("region", name="What the AI said")
    expect(words).to_contain_text(DRAFTED)
    expect(words.locator("del").first).to_contain_text("Opacity")
    expect(words.locator("ins").first).to_contain_text("Masses")
    expect(page.locator(".conclusion")).to_contain_text(MASSES)
    assert faults(page) == []
    page.goto(f"{site.url}/?outcome=completed&patient={clinic.patient.split('/')[1]}")
    expect(page.get_by_role("row").filter(has_text="Imaging report")).to_contain_text("Amended")

    # what stands in the EHR
    written, head = clinic.outputs(task), head_of(clinic.task(task))
    report, pneumonia = written["report"], written["pneumonia"]
    assert (report["status"], report["conclusion"]) == ("amended", MASSES)
    assert not report.get("result"), "the report no longer rests on the refuted finding"
    assert pneumonia["status"] == "cancelled"
    assert pneumonia["note"][-1]["text"] == "Refuted by the clinician."
    assert pneumonia["note"][-1]["authorReference"]["reference"].endswith(clinic.practitioner)
    assert codes.first_code(head.task["businessStatus"], codes.DECISION) == "amended"
    assert "Refuted: Pneumonia" in head.task["note"][0]["text"]
    [verified] = verifications(clinic, head.outputs["report"])
    [kept] = verified["entity"]
    assert kept["role"] == "revision"
    assert [(e["url"], e["valueString"]) for e in kept["extension"]] == [(MODEL_WORDS, DRAFTED)]


def test_a_contradiction_that_is_meant_is_signed_and_stays_noted(page: Page, site: Site) -> None:
    clinic = site.clinic
    task = begin_to_amend(page, site, "No pneumonia of the right lung; see the left one.")
    page.get_by_role("group", name="Pneumonia").get_by_role("radio", name="Confirm").check()
    send(page)
    page.locator("#questions").get_by_label("This is intended").check()
    send(page)
    expect(said(page)).to_contain_text("Amended")
    expect(page.locator("aside")).to_contain_text("the conclusion contradicts it: Pneumonia")
    assert clinic.outputs(task)["pneumonia"]["status"] == "final"
    assert "Intended, although" in clinic.task(task)["note"][0]["text"]


def test_a_finding_that_is_left_out_is_not_refuted(page: Page, site: Site) -> None:
    clinic = site.clinic
    task = begin_to_amend(page, site, "Poor inspiration; repeat the film.")
    page.get_by_role("group", name="Pneumonia").get_by_role("radio", name="Leave out").check()
    send(page)
    expect(said(page)).to_contain_text("Amended")
    pneumonia = clinic.outputs(task)["pneumonia"]
    assert pneumonia["status"] == "cancelled"
    assert pneumonia["note"][-1]["text"].startswith("Left out by the clinician")
