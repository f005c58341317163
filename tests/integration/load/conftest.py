"""Fixtures of the tests of load."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.settings import Settings
from tests.ehrs import EHRS, running


@pytest.fixture(scope="module", params=EHRS)
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(request.param, tmp_path_factory) as place:
        yield place


@pytest.fixture
def settings(base: str, tmp_path: Path) -> Settings:
    return Settings(fhir_url=base, state_dir=tmp_path / "state")


@pytest.fixture
def ehr(settings: Settings) -> Iterator[Ehr]:
    client = open_ehr(settings)
    yield client
    client.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "patient"
    made.mkdir()
    return made
