"""Fixtures of the tests of review."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.review.app import create_review_app
from shared.ehr.client import Ehr
from shared.ehr.guard.abilities import Abilities
from shared.ehr.opening import open_ehr
from shared.settings import load_settings
from tests.browser.clinic import (
    Clinic,
    open_clinic,
)
from tests.fakes import HAPI, FakeEhr
from tests.integration.review.support import Visitor
from tests.peers import sekmet


@pytest.fixture(scope="module", params=["sekmet", "habits of HAPI"])
def fhir_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    if request.param == "sekmet":
        with sekmet(tmp_path_factory.mktemp("ehr")) as peer:
            yield peer.base
    else:
        with FakeEhr(HAPI) as fake:
            yield fake.base


@pytest.fixture
def sent() -> list[str]:
    """The methods of all requests to the EHR, in order."""
    return []


@pytest.fixture
def ehr(fhir_url: str, sent: list[str]) -> Iterator[Ehr]:
    """As the pages prove it: it answers batches."""
    with open_ehr(load_settings(fhir_url=fhir_url), sent=sent.append) as client:
        yield client.able(Abilities(batches=True))


@pytest.fixture
def clinic(ehr: Ehr) -> Clinic:
    return open_clinic(ehr)


@pytest.fixture
def visit(clinic: Clinic, fhir_url: str, tmp_path: Path) -> Callable[..., Visitor]:
    """Someone at pages with these settings, not logged in."""

    def visitor(**settings: Any) -> Visitor:
        given = clinic.login | {"state_dir": tmp_path} | settings
        return Visitor(
            create_review_app(load_settings(fhir_url=fhir_url, **given), clinic.ehr).test_client()
        )

    return visitor


@pytest.fixture
def doctor(visit: Callable[..., Visitor]) -> Visitor:
    visitor = visit()
    assert visitor.log_in().status_code == 303
    return visitor
