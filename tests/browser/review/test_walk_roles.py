"""Walk: a geneticist may not read the film of a patient who needs her now."""

from collections.abc import Callable, Mapping

import pytest
from playwright.sync_api import Page, expect

from shared.fhir import codes
from shared.json import Json
from tests.browser.clinic import Clinic, fill
from tests.browser.conftest import Site, log_in
from tests.browser.review.support import faults, open_result
from tests.integration.review.support import audited, named

CONTENT = "in keeping with pneumonia"
WHY = "Unconscious in the emergency room"


@pytest.fixture
def tasks(clinic: Clinic) -> Mapping[str, str]:
    """A result of every service."""
    return fill(clinic)


@pytest.fixture
def site(open_site: Callable[..., Site], clinic: Clinic, tasks: Mapping[str, str]) -> Site:
    return open_site(
        review_local_user=f"berg:{clinic.practitioner}:geneticist",
        review_roles='{"geneticist": ["GE"], "radiologist": ["RAD"]}',
    )


def test_a_role_reads_its_categories_alone_unless_it_breaks_the_glass(
    page: Page, site: Site, tasks: Mapping[str, str]
) -> None:
    clinic = site.clinic
    patient = clinic.patient.split("/")[1]
    log_in(page, site)

    # the list keeps the rows, without what they say
    page.goto(f"{site.url}/?patient={patient}")
    rows = page.get_by_role("row")
    film = rows.filter(has_text="Imaging report")
    expect(film).to_contain_text("Not for your role")
    expect(film.get_by_role("button")).to_have_count(0)
    expect(rows.filter(has_text="Not for your role")).to_have_count(3)
    expect(page.get_by_text("clopidogrel may protect less")).to_be_visible()
    assert CONTENT not in page.content()

    # the film is refused, and so are its pictures
    film.get_by_role("link", name="Imaging report", exact=True).click()
    expect(page.get_by_role("heading", name="You may not read this")).to_be_visible()
    expect(page.get_by_text("Your role does not read results of this category")).to_be_visible()
    assert CONTENT not in page.content() and "Mustermann" not in page.content()
    assert faults(page) == []
    for part in ("media/heat-map", "film"):
        answer = page.request.get(f"{site.url}/results/{tasks['imaging']}/{part}")
        assert answer.status == 403 and "Mustermann" not in answer.text()

    # without words nothing opens
    page.get_by_label("Why you need it now").fill("now")
    page.get_by_role("button", name="Open this patient's record").click()
    expect(page.get_by_role("alert")).to_contain_text("Say in a few words why")
    assert CONTENT not in page.content()

    # with a reason she reads, and does not sign
    page.get_by_label("Why you need it now").fill(WHY)
    page.get_by_role("button", name="Open this patient's record").click()
    expect(page).to_have_url(f"{site.url}/results/{tasks['imaging']}")
    emergency = page.get_by_role("region", name="Emergency access")
    expect(emergency).to_contain_text("Emergency access to")
    expect(page.locator(".conclusion")).to_contain_text(CONTENT)
    expect(page.get_by_text("You can't sign this result.")).to_be_visible()
    expect(page.get_by_role("button", name="Sign as it stands")).to_have_count(0)
    assert faults(page) == []

    # she ends it, and the film is closed again
    emergency.get_by_role("button", name="End it now").click()
    expect(page.get_by_role("heading", name="Worklist")).to_be_visible()
    expect(emergency).to_have_count(0)
    open_result(page, site, tasks["imaging"])
    expect(page.get_by_role("heading", name="You may not read this")).to_be_visible()
    assert clinic.task(tasks["imaging"])["status"] == "requested"

    # the EHR's audit trail names her, her address and her reason
    [begun] = [e for e in audited(clinic) if codes.has_code(e["type"], codes.DCM, "110113")]
    assert codes.has_code(begun["subtype"], codes.DCM, "110127")
    assert WHY in str(begun["entity"]) and named(begun) == {clinic.patient}
    looks = [e for e in audited(clinic, "R") if f"Task/{tasks['imaging']}" in named(e)]
    opened = [e for e in looks if in_emergency(e)]
    assert opened and all(e["outcome"] == "0" for e in opened)
    refused = [e for e in looks if not in_emergency(e)]
    assert len(refused) >= 4 and {e["outcome"] for e in refused} == {"4"}
    for event in (begun, *looks):
        person = event["agent"][0]
        assert person["who"]["reference"].endswith(clinic.practitioner)
        assert (person["name"], person["altId"]) == ("Dr. Ada Berg", "berg")
        assert person["network"] == {"address": "127.0.0.1", "type": "2"}


def in_emergency(event: Json) -> bool:
    return codes.has_code(event["agent"][0].get("purposeOfUse"), codes.V3_ACT_REASON, "BTG")


def test_a_search_finds_no_words_that_the_role_may_not_read(page: Page, site: Site) -> None:
    patient = site.clinic.patient.split("/")[1]
    log_in(page, site)
    for words, count in (("protect less", 1), ("pneumonia", 0)):
        page.goto(f"{site.url}/?patient={patient}&text={words}")
        expect(page.locator("a.go")).to_have_count(count)
