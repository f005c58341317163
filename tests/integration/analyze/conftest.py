"""Fixtures of the tests of analyze."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.runtime.line import Line, at_ehr
from shared.settings import Settings
from tests.ehrs import EHRS, running
from tests.fakes import FakeEhr
from tests.toy import TOY, Model


@pytest.fixture(scope="module", params=EHRS)
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(request.param, tmp_path_factory) as place:
        yield place


@pytest.fixture
def ehr(base: str) -> Iterator[Ehr]:
    with open_ehr(Settings(fhir_url=base)) as client:
        yield client


@pytest.fixture
def line(ehr: Ehr, tmp_path: Path) -> Line:
    return Line(TOY, ehr, Model(), Settings(fhir_url=ehr.base, state_dir=tmp_path), at_ehr(ehr))


@pytest.fixture
def patient(ehr: Ehr) -> str:
    return ehr.create({"resourceType": "Patient", "gender": "female"}).reference


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[tuple[FakeEhr, Line]]:
    """An EHR whose requests are seen, and a service there with credentials of its own."""
    with FakeEhr() as fake:
        own = Settings(fhir_url=fake.base, state_dir=tmp_path)
        with open_ehr(own) as client:
            yield (
                fake,
                Line(
                    TOY,
                    client,
                    Model(),
                    own.model_copy(update={"fhir_client_id": "careloop"}),
                    at_ehr(client),
                ),
            )
