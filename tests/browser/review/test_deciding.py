"""Review: deciding."""

from playwright.sync_api import Browser, Dialog, Page, expect

from shared.fhir import codes, lifecycle
from shared.fhir.heads import head_of
from tests.browser.clinic import (
    a_film,
    fill,
)
from tests.browser.conftest import Site, log_in
from tests.browser.review.support import (
    faults,
    open_result,
    order_each,
    rely_on_unsigned,
    verifiers,
)
from tests.integration.review.exchanges import (
    ROSUVASTATIN,
    SIMVASTATIN,
    ZOCOR,
    exchange,
    order,
    status,
)


def test_one_report_is_signed_and_another_rejected(page: Page, site: Site) -> None:
    clinic = site.clinic
    tasks = fill(clinic)
    log_in(page, site)
    expect(page.get_by_role("heading", name="Waiting for review")).to_be_visible()

    patient = clinic.patient.split("/")[1]
    page.goto(f"{site.url}/?patient={patient}")
    page.get_by_role("link", name="Imaging report", exact=True).click()
    expect(page.get_by_text("AI draft, not verified")).to_be_visible()
    expect(page.get_by_text("Opacity in the left lower zone")).to_have_count(
        2
    )  # shown, and in the closed form for amending
    page.get_by_role("checkbox", name="I have reviewed").first.check()
    page.get_by_role("button", name="Sign as it stands").click()
    expect(page.get_by_role("status")).to_have_text("Signed. The result is final.")

    open_result(page, site, tasks["notes"])
    page.get_by_text("Reject…").click()
    page.get_by_label("Reason", exact=True).fill("The note is a template.")
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Rejected")

    signed, rejected = clinic.outputs(tasks["imaging"]), clinic.outputs(tasks["notes"])
    assert signed["report"]["status"] == signed["pneumonia"]["status"] == "final"
    assert signed["report"]["resultsInterpreter"][0]["reference"].endswith(clinic.practitioner)
    assert verifiers(clinic, head_of(clinic.task(tasks["imaging"])).outputs["report"])[0].endswith(
        clinic.practitioner
    )
    assert (
        rejected["report"]["status"] == "cancelled"
        and lifecycle.status_of(rejected["problem-1"]) == "refuted"
    )
    heads = {name: clinic.task(tasks[name]) for name in ("imaging", "notes")}
    assert {t["status"] for t in heads.values()} == {"completed"}
    assert heads["notes"]["statusReason"]["text"] == "The note is a template."
    assert [codes.first_code(t["businessStatus"], codes.DECISION) for t in heads.values()] == [
        "signed",
        "rejected",
    ]
    assert clinic.task(tasks["genomics"])["status"] == "requested"


def test_a_plan_is_amended_and_one_proposal_dropped(page: Page, site: Site) -> None:
    task = fill(site.clinic)["treatment"]
    log_in(page, site)
    open_result(page, site, task)
    expect(page.get_by_text("not signed yet")).to_have_count(3)
    page.get_by_text("Amend and sign…").click()
    rely_on_unsigned(page, "#amend")
    page.get_by_label("Description").fill("Prasugrel; rehabilitation was declined.")
    page.get_by_role("radio", name="prasugrel").nth(1).check()
    for part, fate in (
        ("Goal", "Accept"),
        ("Alert", "Keep"),
        ("rehabilitation", "Do not order it"),
    ):
        group = page.locator("#amend").get_by_role("group", name=part)
        group.get_by_role("radio", name=fate).check()
    page.get_by_role("checkbox", name="I have reviewed").nth(1).check()
    page.get_by_role("button", name="Amend and sign").click()
    expect(page.get_by_role("status")).to_contain_text("Amended")
    written = site.clinic.outputs(task)
    assert (written["report"]["status"], written["report"]["intent"]) == ("active", "plan")
    assert written["report"]["description"] == "Prasugrel; rehabilitation was declined."
    assert (
        written["rehabilitation"]["status"] == "revoked"
        and written["prasugrel"]["status"] == "active"
    )
    expect(page.get_by_text("not accepted")).to_have_count(2)


def test_a_plan_is_signed_only_with_a_choice(page: Page, site: Site) -> None:
    task = fill(site.clinic)["treatment"]
    log_in(page, site)
    open_result(page, site, task)
    expect(page.locator("input[type=radio]:checked")).to_have_count(0)
    rely_on_unsigned(page, "form:has(#reviewed-sign)")
    page.get_by_role("checkbox", name="I have reviewed").first.check()
    page.get_by_role("button", name="Sign with this choice").click()
    expect(
        page.locator("#decision input:invalid").first
    ).to_be_attached()  # the browser asks for the choice
    assert site.clinic.task(task)["status"] == "requested"

    page.get_by_role("radio", name="ticagrelor").first.check()
    page.get_by_role("button", name="Sign with this choice").click()
    expect(page.locator("#decision input:invalid").first).to_have_attribute(
        "name", "choice-rehabilitation"
    )
    assert site.clinic.task(task)["status"] == "requested"

    order_each(page)
    page.get_by_role("button", name="Sign with this choice").click()
    expect(page.get_by_role("status")).to_have_text("Signed. The result is final.")
    expect(page.locator("aside")).to_contain_text("Antiplatelet therapy: ticagrelor.")
    written = site.clinic.outputs(task)
    assert [written[key]["status"] for key in ("prasugrel", "ticagrelor", "report")] == [
        "cancelled",
        "active",
        "active",
    ]
    assert verifiers(site.clinic, f"MedicationRequest/{written['ticagrelor']['id']}")[0].endswith(
        site.clinic.practitioner
    )


def test_an_exchange_names_what_it_stops_and_what_is_left(page: Page, site: Site) -> None:
    clinic = site.clinic
    named, brand = order(clinic, SIMVASTATIN), order(clinic, ZOCOR)
    both = order(clinic, {"text": "ezetimibe 10 MG / simvastatin 40 MG Oral Tablet"})
    task = clinic.result("treatment", clinic.patient, exchange(ROSUVASTATIN, named))
    log_in(page, site)
    open_result(page, site, task)
    said = page.locator("form:has(#reviewed-sign) .ends")
    for reference in (named, brand, both):
        expect(said.locator(f"[data-order='{reference}']")).to_have_count(1)
    expect(said).to_contain_text("it holds other drugs, too")
    assert faults(page) == []
    order_each(page)
    page.get_by_role("checkbox", name="I have reviewed").first.check()
    page.get_by_role("button", name="Sign with this choice").click()
    expect(page.get_by_role("status")).to_contain_text("NOT stopped")
    expect(page.get_by_role("alert")).to_contain_text("ezetimibe 10 MG / simvastatin 40 MG")
    assert [status(clinic.ehr, r) for r in (named, brand, both)] == [
        "stopped",
        "stopped",
        "active",
    ]
    assert faults(page) == []


def test_a_text_that_was_begun_is_not_left_without_a_question(page: Page, site: Site) -> None:
    task = a_film(site.clinic)
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    log_in(page, site)
    open_result(page, site, task)
    page.get_by_text("Reject…").click()
    page.get_by_label("Reason", exact=True).fill("Blurred.")
    page.get_by_role("link", name="Worklist").first.click()
    expect(page.get_by_label("Reason", exact=True)).to_have_value("Blurred.")
    assert asked == ["beforeunload"]
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Rejected")
    assert asked == ["beforeunload"], "who sends the form is not asked"


def test_what_changed_under_the_clinicians_eyes_is_not_signed(page: Page, site: Site) -> None:
    clinic = site.clinic
    task = a_film(clinic)
    log_in(page, site)
    open_result(page, site, task)
    report = clinic.outputs(task)["report"]
    clinic.ehr.update(report | {"conclusion": "No opacity."}, report["meta"]["versionId"])
    page.get_by_role("checkbox", name="I have reviewed").first.check()
    page.get_by_role("button", name="Sign as it stands").click()
    expect(page.get_by_role("alert")).to_contain_text("changed while you were reading")
    expect(page.locator(".conclusion")).to_contain_text("No opacity.")
    assert (
        clinic.task(task)["status"] == "requested"
        and clinic.outputs(task)["report"]["status"] == "preliminary"
    )

    page.get_by_role("checkbox", name="I have reviewed").first.check()
    page.get_by_role("button", name="Sign as it stands").click()
    expect(page.get_by_role("status")).to_contain_text("Signed")
    assert clinic.outputs(task)["report"]["status"] == "final"


def test_signing_works_without_javascript(browser: Browser, site: Site) -> None:
    task = a_film(site.clinic)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    log_in(page, site)
    open_result(page, site, task)
    page.get_by_role("checkbox", name="I have reviewed").first.check()
    page.get_by_role("button", name="Sign as it stands").click()
    expect(page.get_by_role("status")).to_contain_text("Signed")
    context.close()
    assert site.clinic.task(task)["status"] == "completed"
