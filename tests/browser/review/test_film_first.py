"""A reader of films presses a button between the film and the AI's answer."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.clinic import chest_film, study
from tests.browser.conftest import Site, log_in
from tests.browser.review.support import faults, open_result
from tests.integration.review.support import UID, put_film

ANSWER = "Opacity in the left lower zone"


def test_the_film_then_the_answer(
    page: Page, open_site: Callable[..., Site], tmp_path: Path
) -> None:
    site = open_site(review_film_first="*")
    put_film(tmp_path)
    source = study(site.clinic.ehr, site.clinic.patient, UID)
    task = site.clinic.result("imaging", source, chest_film(source))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    log_in(page, site)
    page.goto(f"{site.url}/?patient={site.clinic.patient.split('/')[1]}")
    expect(page.get_by_text("Look at the film first")).to_be_visible()
    open_result(page, site, task)
    film = page.get_by_role("img", name="The film that was analysed")
    expect(film).to_be_visible()
    expect(page.get_by_text(ANSWER)).to_have_count(0)
    assert faults(page) == []
    assert not [url for url in asked if "/media/" in url], "not even fetched"

    page.get_by_role("button", name="I have looked").click()
    expect(page.get_by_text(ANSWER).first).to_be_visible()
    expect(page.get_by_text("You looked at the film alone until")).to_be_visible()
    expect(page.locator(".over")).to_be_visible()
    assert faults(page) == []
