"""Walk: ten clinicians press "Sign" on the same result at the same moment."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

import pytest
from oidc_provider_mock import User as Account
from oidc_provider_mock import run_server_in_thread
from playwright.sync_api import Browser, Page, Response, expect

from shared.fhir.heads import head_of
from tests.browser.clinic import Clinic, a_film
from tests.browser.conftest import Site
from tests.browser.review.support import SIGN, local, verifiers

pytestmark = pytest.mark.filterwarnings(
    "ignore:get_jwt_config:DeprecationWarning"  # of the test provider, which runs in this process
)
MANY = 10
CLICK = "at => setTimeout(() => document.querySelector('{} button').click(), at - Date.now())"


@pytest.fixture
def signers(clinic: Clinic) -> Sequence[str]:
    """Ten Practitioners."""
    named = [{"name": [{"family": f"Signer{n}", "prefix": ["Dr."]}]} for n in range(MANY)]
    made = [{"resourceType": "Practitioner", "active": True} | name for name in named]
    return [clinic.ehr.create(each).reference for each in made]


@pytest.fixture
def site(clinic: Clinic, signers: Sequence[str], open_site: Callable[..., Site]) -> Iterator[Site]:
    """Pages that everybody enters by the hospital's login."""
    accounts = [
        Account(sub=f"signer-{n}", claims={"fhirUser": f"{clinic.ehr.base}/{reference}"})
        for n, reference in enumerate(signers)
    ]
    with run_server_in_thread(user_claims=accounts) as issuer:
        yield open_site(
            review_oidc_issuer=f"http://localhost:{issuer.server_port}",
            review_oidc_client_id="careloop",
            review_oidc_client_secret="secret",
            review_local_user=None,
            review_local_password=None,
        )


@pytest.fixture
def pages(browser: Browser) -> Iterator[Sequence[Page]]:
    """Ten browsers that share nothing."""
    with ExitStack() as closing:
        contexts = [browser.new_context() for _ in range(MANY)]
        for context in contexts:
            closing.callback(context.close)
            context.set_default_timeout(60_000)
            # the test provider's style sheet
            context.route("**://cdn.jsdelivr.net/**", lambda route: route.abort())
        yield [context.new_page() for context in contexts]


def enter(page: Page, site: Site, number: int, task: str) -> None:
    """Log in at the issuer, open the result and tick that it was reviewed."""
    page.goto(f"{site.url}/login?next=/results/{task}")
    page.get_by_role("link", name="Continue with your hospital account").click()
    page.get_by_role("button", name=f"signer-{number}", exact=True).click()
    expect(page.get_by_text(f"Signing as Dr. Signer{number}.")).to_be_visible()
    page.locator(SIGN).get_by_label("I have reviewed").check()


def test_of_ten_signatures_one_counts_and_nine_are_told(
    pages: Sequence[Page], site: Site, signers: Sequence[str]
) -> None:
    clinic = site.clinic
    task = a_film(clinic)
    answers: dict[int, int] = {}
    for number, page in enumerate(pages):
        enter(page, site, number, task)

        def note(answer: Response, number: int = number) -> None:
            if answer.request.method == "POST":
                answers[number] = answer.status

        page.on("response", note)

    at = pages[0].evaluate("Date.now()") + 1_000
    for page in pages:
        page.evaluate(CLICK.format(SIGN), at)
    for page in pages:
        expect(page.get_by_role("heading", name="Signed")).to_be_visible()
    [winner] = [number for number, status in answers.items() if status == 303]
    assert sorted(answers.values()) == [303] + [409] * (MANY - 1)

    # the others are told that nothing was saved, by whom it was signed and what they can do
    for number, page in enumerate(pages):
        told = page.get_by_role("alert").filter(has_text="Nothing was saved")
        expect(told).to_have_count(0 if number == winner else 1)
        expect(page.locator("#decision")).to_contain_text(f"Signer{winner}")
        expect(page.locator("#decision form")).to_have_count(0)

    # one final report stands in the EHR, signed by her who won
    head = head_of(clinic.task(task))
    report = clinic.outputs(task)["report"]
    assert (report["status"], report["meta"]["versionId"]) == ("final", "2")
    assert [local(r["reference"]) for r in report["resultsInterpreter"]] == [signers[winner]]
    assert [local(r) for r in verifiers(clinic, head.outputs["report"])] == [signers[winner]]
    assert local(head.task["owner"]["reference"]) == signers[winner]
    found = clinic.ehr.search(
        "DiagnosticReport", {"patient": clinic.patient}, subject=clinic.patient
    )
    assert [r["status"] for r in found] == ["final"]
