"""Fixtures of the tests of line."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.ehr.proof import prove
from shared.runtime.line import Line, at_ehr
from shared.settings import Settings
from tests.fakes import HAPI, SEKMET, FakeEhr
from tests.peers import sekmet
from tests.toy import TOY, Model

SERVERS = ["fake-sekmet", "fake-hapi", "sekmet", pytest.param("hapi", marks=pytest.mark.hapi)]


@pytest.fixture(scope="module", params=SERVERS)
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "sekmet":
        with sekmet(tmp_path_factory.mktemp("sekmet")) as peer:
            yield peer.base
    elif request.param == "hapi":
        yield request.getfixturevalue("real_hapi").base
    else:
        with FakeEhr(SEKMET if request.param == "fake-sekmet" else HAPI) as fake:
            yield fake.base


@pytest.fixture(params=["proven", "unproven"])
def ehr(request: pytest.FixtureRequest, base: str, tmp_path: Path) -> Iterator[Ehr]:
    """As the services use it, and as one that can do nothing beyond what is demanded."""
    with open_ehr(Settings(fhir_url=base, state_dir=tmp_path)) as client:
        yield client.able(prove(client)) if request.param == "proven" else client


@pytest.fixture
def line(ehr: Ehr, base: str, tmp_path: Path) -> Line:
    return Line(TOY, ehr, Model(), Settings(fhir_url=base, state_dir=tmp_path), at_ehr(ehr))


@pytest.fixture
def patient(ehr: Ehr) -> str:
    return ehr.create(
        {"resourceType": "Patient", "gender": "female", "birthDate": "1940-03-05"}
    ).reference


@pytest.fixture
def other(ehr: Ehr) -> str:
    return ehr.create({"resourceType": "Patient", "gender": "female"}).reference
