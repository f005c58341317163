"""What the tests of review share."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from shared.fhir import codes
from tests.browser.clinic import (
    Clinic,
)
from tests.browser.conftest import Site

XSS = "<script>window.hacked=1</script><img src=x onerror='window.hacked=1'>"


def open_result(page: Page, site: Site, task: str) -> None:
    page.goto(f"{site.url}/results/{task}")


def rely_on_unsigned(page: Page, form: str) -> None:
    """Tick each unsigned result under the plan."""
    for tick in page.locator(f"{form} input[name=unsigned]").all():
        tick.check()


def grave(page: Page) -> list[str]:
    """What axe finds wrong with the page, for people who can't see it well."""
    found = Axe().run(page).response["violations"]
    return [v["id"] for v in found if v["impact"] in ("serious", "critical")]


def verifiers(clinic: Clinic, reference: str) -> list[str]:
    """Who verified it, by the record."""
    found = clinic.ehr.search("Provenance", {"target": reference})
    agents = (
        a
        for p in found
        if reference in [t["reference"].split("/fhir/")[-1] for t in p["target"]]
        for a in p["agent"]
    )
    return [
        a["who"]["reference"]
        for a in agents
        if codes.has_code(a.get("type"), codes.PROVENANCE_AGENT, "verifier")
    ]
