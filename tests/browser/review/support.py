"""What the tests of review share."""

from playwright.sync_api import Page

from shared.fhir import codes
from tests.browser.clinic import (
    Clinic,
)
from tests.browser.conftest import Site

XSS = "<script>window.hacked=1</script><img src=x onerror='window.hacked=1'>"


def open_result(page: Page, site: Site, task: str) -> None:
    page.goto(f"{site.url}/results/{task}")


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
