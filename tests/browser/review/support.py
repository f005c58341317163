"""What the tests of review share."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page

from shared.fhir import codes
from shared.json import Json
from tests.browser.clinic import (
    Clinic,
)
from tests.browser.conftest import Site

XSS = "<script>window.hacked=1</script><img src=x onerror='window.hacked=1'>"
SIGN = "form:has(#reviewed-sign)"
WIDER = (
    "[document.documentElement, ...document.querySelectorAll('.scroll')].filter(e => "
    "e.scrollWidth > e.clientWidth + 1).length"
)


def open_result(page: Page, site: Site, task: str) -> None:
    page.goto(f"{site.url}/results/{task}")


def rely_on_unsigned(page: Page, form: str) -> None:
    """Tick each unsigned result under the plan."""
    for tick in page.locator(f"{form} input[name=unsigned]").all():
        tick.check()


def order_each(page: Page, form: str = SIGN) -> None:
    """Say yes to each proposal that stands alone."""
    for answer in page.locator(form).get_by_label("Order it", exact=True).all():
        answer.check()


def sign(page: Page, button: str = "Sign as it stands") -> None:
    """Tick that the result was reviewed, and press the button."""
    form = page.locator(SIGN)
    form.get_by_label("I have reviewed").check()
    form.get_by_role("button", name=button).click()


def said(page: Page) -> Locator:
    """What the page says of a decision that was saved."""
    return page.get_by_role("status")


def faults(page: Page, within: str = "html") -> list[str]:
    """What axe finds wrong with the page, all but the minor, for people who can't see it well."""
    found: list[dict[str, Any]] = Axe().run(page, context=within).response["violations"]
    return [
        f"{v['id']} ({v['impact']}): {v['nodes'][0]['html'][:160]}"
        for v in found
        if v["impact"] != "minor"
    ]


def unfold(page: Page) -> None:
    """Open all that is folded."""
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")


def wider(page: Page) -> int:
    """How many parts of the page scroll sideways."""
    return int(page.evaluate(WIDER))


def listed(page: Page) -> list[str]:
    """The results on this page of the list, by the ids of their Tasks."""
    links = page.locator("a.go")
    hrefs: list[str] = links.evaluate_all("all => all.map(a => a.getAttribute('href'))")
    return [href.rsplit("/", 1)[1] for href in hrefs]


def verifications(clinic: Clinic, reference: str) -> list[Json]:
    """The Provenances by which people verified it."""
    return [
        provenance
        for provenance in clinic.ehr.search("Provenance", {"target": reference})
        if reference in targets(provenance) and any(map(verifies, provenance["agent"]))
    ]


def verifies(agent: Json) -> bool:
    return codes.has_code(agent.get("type"), codes.PROVENANCE_AGENT, "verifier")


def targets(provenance: Json) -> set[str]:
    """What a Provenance speaks of, `Type/id` each."""
    return {local(t["reference"]) for t in provenance["target"]}


def local(reference: str) -> str:
    """`Type/id`, of a reference that may have the EHR's address in front."""
    return reference.rsplit("/fhir/", maxsplit=1)[-1]


def verifiers(clinic: Clinic, reference: str) -> list[str]:
    """Who verified it, by the record."""
    return [
        agent["who"]["reference"]
        for provenance in verifications(clinic, reference)
        for agent in provenance["agent"]
        if verifies(agent)
    ]
