"""Review: pages."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from services.notes.domain import Inputs, Mention
from services.notes.resources import note_mention
from shared.fhir import codes
from shared.fhir.drafts import Draft, Pen
from tests.browser.clinic import (
    PASSWORD,
    Clinic,
    chest_film,
    document,
    fill,
    note_findings,
    study,
)
from tests.browser.conftest import Site, log_in
from tests.browser.review.support import XSS, open_result


def test_what_people_typed_into_the_record_stays_text(
    page: Page, clinic: Clinic, open_site: Callable[..., Site]
) -> None:
    site = open_site()
    patient = clinic.ehr.read(clinic.patient)
    assert patient
    clinic.ehr.update(patient | {"name": [{"family": XSS}]}, patient["meta"]["versionId"])
    source = study(clinic.ehr, clinic.patient)
    task = clinic.result("imaging", source, chest_film(source, f"Opacity. {XSS}"))
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    log_in(page, site)
    page.goto(f"{site.url}/?patient={clinic.patient.split('/')[1]}")
    expect(page.get_by_role("link", name=XSS, exact=True)).to_be_visible()
    open_result(page, site, task)
    expect(page.locator(".banner")).to_contain_text(XSS)
    expect(page.locator(".conclusion")).to_contain_text(XSS)
    assert page.evaluate("window.hacked") is None
    assert page.locator("main img:not(.over):not(.under)").count() == 0
    assert complaints == []


def test_pages_obey_their_own_policy_and_speak_to_nobody_else(page: Page, site: Site) -> None:
    tasks = fill(site.clinic)
    asked, complaints = set(), []
    page.on("request", lambda request: asked.add("/".join(request.url.split("/")[:3])))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    log_in(page, site)
    for task in tasks.values():
        open_result(page, site, task)
    assert asked == {site.url} and complaints == []


@pytest.mark.parametrize("width", [390, 820, 1280])
def test_nothing_scrolls_sideways(page: Page, site: Site, width: int) -> None:
    tasks = fill(site.clinic)
    page.set_viewport_size({"width": width, "height": 900})
    log_in(page, site)
    wide: dict[str, object] = {}
    for name, path in {
        "worklist": "/",
        **{name: f"/results/{task}" for name, task in tasks.items()},
    }.items():
        page.goto(site.url + path)
        for summary in page.locator("summary:visible").all():
            summary.click()
        wide[name] = page.evaluate(
            "[document.documentElement, ...document.querySelectorAll('.scroll')].filter(e => "
            "e.scrollWidth > e.clientWidth + 1).length"
        )
    assert wide == dict.fromkeys(wide, 0)


def test_the_note_is_marked_where_it_was_read(page: Page, site: Site) -> None:
    task = fill(site.clinic)["notes"]
    log_in(page, site)
    open_result(page, site, task)
    expect(page.locator(".note mark.problem")).to_have_text("BP has been high for years")
    expect(page.locator(".note mark.drug")).to_have_text("clopidogrel")
    said = page.locator(".note").aria_snapshot()
    assert "[drug 2]" in said, "what is drawn behind a mark is read out, too"
    expect(page.locator(".meanings")).to_contain_text("problem: Hypertensive disorder")


def test_a_note_of_any_script_and_line_end_keeps_its_marks(page: Page, site: Site) -> None:
    clinic, text = (
        site.clinic,
        "Größe 1,80 m 🩺\r\nno aspirin\r\ntakes clopidogrel; 高血圧, aspirin stopped\r\n",
    )
    note = document(
        clinic.ehr,
        clinic.patient,
        "text/plain; charset=utf-8",
        text.encode(),
        codes.concept(codes.LOINC, "18842-5", "Discharge summary"),
    )

    def drafts(pen: Pen) -> list[Draft]:
        said = [
            ("drug", "clopidogrel", "present"),
            ("problem", "高血圧", "present"),
            ("drug", "aspirin", "negated"),
        ]
        inputs = Inputs(clinic.patient, "", {}, note, "18842-5", text)
        found = [
            Mention(kind, at := text.index(w), at + len(w), w, "", how, 0.9, None, w)
            for kind, w, how in said
        ]  # type: ignore[arg-type]
        marks = [note_mention(inputs, mention) for mention in found]
        return [
            pen.draft(
                "DiagnosticReport",
                "report",
                code=codes.concept(codes.LOINC, "18842-5"),
                extension=marks,
            )
        ]

    task = clinic.result("notes", note, drafts)
    log_in(page, site)
    open_result(page, site, task)
    marks = [
        (m.text_content(), m.get_attribute("class"), m.get_attribute("data-sign"))
        for m in page.locator(".note mark").all()
    ]
    assert [(words, sort) for words, sort, _ in marks] == [
        ("aspirin", "aside"),
        ("clopidogrel", "drug"),
        ("高血圧", "problem"),
    ]
    assert [sign for *_, sign in marks] == ["negated 1", "drug 2", "problem 3"]
    expect(page.locator(".legend")).to_contain_text("1 negated")
    expect(page.locator(".meanings li").first).to_contain_text("drug, negated: the note denies it")
    assert page.locator(".note").text_content() == text.replace("\r\n", "\n"), (
        "a browser reads every line end as one"
    )


def test_a_password_that_is_wrong_lets_nobody_in(page: Page, site: Site) -> None:
    log_in(page, site, PASSWORD + "!")
    expect(page.get_by_role("alert")).to_contain_text("not right")
    page.goto(f"{site.url}/")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_notes_and_films_of_other_patients_do_not_meet(page: Page, site: Site) -> None:
    other = site.clinic.ehr.create(
        {"resourceType": "Patient", "name": [{"family": "Fremd", "given": ["Otto"]}]}
    ).reference
    source = study(site.clinic.ehr, other, "1.2.3")
    task = site.clinic.result(
        "notes", source, note_findings(source)
    )  # drawn from a resource of somebody else
    log_in(page, site)
    open_result(page, site, task)
    expect(page.get_by_role("alert")).to_contain_text("belong to another patient")
    assert "Chest PA" not in page.content() and "Otto" not in page.content()
