"""What the list costs the EHR: an idle tab nothing, a page at most five requests."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from oidc_provider_mock import User as Account
from oidc_provider_mock import run_server_in_thread

from services.review.app import create_review_app, feed_of
from services.review.worklist import feed as feeds
from shared.ehr.guard.abilities import Abilities
from shared.ehr.opening import open_ehr
from shared.settings import load_settings
from tests.browser.clinic import Clinic, a_film, open_clinic
from tests.fakes import HAPI, SEKMET, FakeEhr
from tests.integration.review.support import Visitor, through_the_issuer
from tests.integration.review.worklist.support import site
from tests.merging import merge

MOST = 5


@pytest.fixture(
    params=[SEKMET, HAPI, replace(HAPI, batches=False)], ids=["sekmet", "hapi", "alone"]
)
def fake(request: pytest.FixtureRequest) -> Iterator[FakeEhr]:
    with FakeEhr(request.param) as running:
        yield running


@pytest.fixture
def fhir_url(fake: FakeEhr) -> str:
    return fake.base


@pytest.fixture
def ward(fake: FakeEhr) -> Clinic:
    """Results of several patients."""
    ehr = open_ehr(load_settings(fhir_url=fake.base)).able(Abilities(batches=fake.habits.batches))
    clinic = open_clinic(ehr)
    for number in range(6):
        a_film(open_clinic(ehr, "Otto", f"Fremdling{number}"))
    a_film(clinic)
    return clinic


def test_idle_tabs_cost_nothing(
    fake: FakeEhr, ward: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "SWEEP_SEC", 3600.0)  # the one look for all tabs aside
    settings = load_settings(fhir_url=fake.base, state_dir=tmp_path, **ward.login)
    with site(create_review_app(settings, ward.ehr)) as (client, _), ExitStack() as tabs:
        client.get("/")
        before = len(fake.requests)
        for _ in range(10):
            headers = {"Sec-Fetch-Mode": "cors"}
            tab = tabs.enter_context(client.stream("GET", "/changes", headers=headers))
            assert tab.status_code == 200 and next(tab.iter_lines()).startswith("retry")
        time.sleep(2.5)
        assert len(fake.requests) == before


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?patient=Fremdling",
        "?text=opacity&urgency=routine",
        "?outcome=completed",
        "?owner=mine",
    ],
)
def test_a_page_costs_at_most_five_requests(
    fake: FakeEhr, ward: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.setattr("services.review.access.staff.RECHECK_SEC", 0.0)  # the dearest page
    settings = load_settings(fhir_url=fake.base, state_dir=tmp_path, **ward.login)
    with site(create_review_app(settings, ward.ehr)) as (client, feed):
        while not feed.index.fact("swept"):
            time.sleep(0.02)
        monkeypatch.setattr(feeds, "SWEEP_SEC", 3600.0)
        client.get("/")  # the Device of the pages is registered once
        time.sleep(0.5)
        before = len(fake.requests)
        assert client.get(f"/{query}").status_code == 200
        asked = [(method, path) for method, path, _ in fake.requests[before:]]
        assert 1 <= len(asked) <= MOST, asked
        assert {path.split("/")[0] for _, path in asked} <= {"Practitioner", "AuditEvent"}


@pytest.mark.filterwarnings("ignore:get_jwt_config:DeprecationWarning")
@pytest.mark.parametrize("records", [1, 2, 4])
def test_a_login_for_one_patient_costs_no_more_whatever_was_merged(
    fake: FakeEhr,
    ward: Clinic,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    records: int,
) -> None:
    for number in range(records - 1):
        former = open_clinic(ward.ehr, "Erika", f"Ehemals{number}")
        a_film(former)
        merge(ward.ehr, former.patient, ward.patient)
    claims = {"fhirUser": f"{fake.base}/{ward.practitioner}", "patient": ward.patient}
    with run_server_in_thread(user_claims=[Account(sub="ada", claims=claims)]) as issuer:
        settings = load_settings(
            fhir_url=fake.base,
            state_dir=tmp_path,
            review_oidc_issuer=f"http://localhost:{issuer.server_port}",
            review_oidc_client_id="careloop",
            review_oidc_client_secret="secret",
        )
        app = create_review_app(settings, ward.ehr)
        visitor = Visitor(app.test_client())
        assert through_the_issuer(visitor, "ada").status_code == 303
    visitor.get("/")
    monkeypatch.setattr(type(feed_of(app)), "refresh", lambda _: None)
    before = len(fake.requests)
    page = visitor.get("/")
    asked = len(fake.requests) - before
    assert page.count('class="go"') == records
    assert asked <= MOST or not fake.habits.batches, fake.requests[before:]
