"""Walk: a clinician who uses no mouse, from the login to her signature."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from shared.ehr.client import Ehr
from tests.browser.clinic import PASSWORD, Clinic, a_film, fill, open_clinic
from tests.browser.conftest import Site
from tests.browser.review.support import said

MOST = 150
FOCUSED = """() => {
  const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
  const name = e.getAttribute("aria-label") || e.labels?.[0]?.textContent || e.textContent;
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const above = document.elementFromPoint(x, y);
  return {
    name: name.trim().replace(/\\s+/g, " "),
    isOutlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    isInSight: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    isOfPage: e !== document.body,
    isCovered: !!above && above.closest(".whose, .top") !== null && !above.contains(e)
      && !e.contains(above),
  };
}"""


@pytest.fixture
def clinic(ehr: Ehr) -> Clinic:
    return open_clinic(ehr, "Klara", "Tastatur")


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the focus is on what is called so; it is seen at every stop."""
    for _ in range(MOST):
        page.keyboard.press("Tab")
        focused: dict[str, Any] = page.evaluate(FOCUSED)
        if not focused["isOfPage"]:
            continue  # the browser's own controls, between the end of the page and its beginning
        assert focused["isOutlined"] and focused["isInSight"], focused
        assert not focused["isCovered"], focused
        if focused["name"].startswith(name):
            return
    raise AssertionError(f"no stop of {MOST} is called {name}")


def enter(page: Page, site: Site) -> None:
    """Log in and find the patient, without a mouse."""
    page.goto(f"{site.url}/login")
    page.keyboard.type("berg")
    tab_to(page, "Password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Worklist")).to_be_visible()
    tab_to(page, "Patient")
    page.keyboard.type(site.clinic.patient.split("/")[1])
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Clear")).to_be_visible()
    expect(page.locator("a.go").first).to_be_visible()


def open_by_key(page: Page, title: str) -> None:
    """Open the result of this title from the list."""
    tab_to(page, title)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()


def film_by_key(page: Page, clinic: Clinic, open_site: Callable[..., Site]) -> str:
    """Make a film, log in and open its report; the id of its Task."""
    task = a_film(clinic)
    enter(page, open_site())
    open_by_key(page, "Imaging report")
    return task


def test_a_film_is_signed_from_the_login_to_the_signature(
    page: Page, clinic: Clinic, open_site: Callable[..., Site]
) -> None:
    task = film_by_key(page, clinic, open_site)
    tab_to(page, "I have reviewed")
    page.keyboard.press("Space")
    tab_to(page, "Sign as it stands")
    page.keyboard.press("Enter")
    expect(said(page)).to_have_text("Signed. The result is final.")
    assert clinic.outputs(task)["report"]["status"] == "final"


def test_a_film_is_amended_without_a_mouse(
    page: Page, clinic: Clinic, open_site: Callable[..., Site]
) -> None:
    task = film_by_key(page, clinic, open_site)
    tab_to(page, "Amend and sign…")
    page.keyboard.press("Space")
    tab_to(page, "Conclusion")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("Masses.")
    tab_to(page, "Confirm")
    page.keyboard.press("ArrowRight")  # to the next choice of the group: refute
    tab_to(page, "I have reviewed")
    page.keyboard.press("Space")
    tab_to(page, "Amend and sign")
    page.keyboard.press("Enter")
    expect(said(page)).to_contain_text("Amended")
    written = clinic.outputs(task)
    assert written["report"]["conclusion"] == "Masses."
    assert (written["report"]["status"], written["pneumonia"]["status"]) == ("amended", "cancelled")


def test_alternatives_and_unsigned_inputs_are_chosen_without_a_mouse(
    page: Page, clinic: Clinic, open_site: Callable[..., Site]
) -> None:
    task = fill(clinic)["treatment"]
    site = open_site()
    enter(page, site)
    open_by_key(page, "Treatment plan")
    for answer in ("prasugrel", "Order it"):
        tab_to(page, answer)
        page.keyboard.press("Space")
    for _ in range(3):
        tab_to(page, "I rely on this unsigned result")
        page.keyboard.press("Space")
    tab_to(page, "I have reviewed")
    page.keyboard.press("Space")
    tab_to(page, "Sign with this choice")
    page.keyboard.press("Enter")
    expect(said(page)).to_have_text("Signed. The result is final.")
    written = clinic.outputs(task)
    assert (written["prasugrel"]["status"], written["ticagrelor"]["status"]) == (
        "active",
        "cancelled",
    )
