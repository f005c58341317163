"""Fixtures of the tests of ehr."""

from collections.abc import Iterator

import httpx
import pytest

from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.settings import load_settings
from tests.contract.ehr.support import Server
from tests.fakes import HAPI, SEKMET, FakeEhr
from tests.peers import sekmet

SERVERS = [
    "real sekmet",
    "fake sekmet",
    "fake hapi",
    pytest.param("real hapi", marks=pytest.mark.hapi),
]


@pytest.fixture(scope="module", params=SERVERS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    with httpx.Client(timeout=30, trust_env=False) as http:
        if request.param == "real sekmet":
            with sekmet(tmp_path_factory.mktemp("sekmet")) as peer:
                yield Server(peer.base, SEKMET, http)
        elif request.param == "real hapi":
            yield Server(request.getfixturevalue("real_hapi").base, HAPI, http)
        else:
            with FakeEhr(SEKMET if request.param == "fake sekmet" else HAPI) as fake:
                yield Server(fake.base, fake.habits, http)


@pytest.fixture
def ehr(server: Server) -> Iterator[Ehr]:
    client = open_ehr(load_settings(fhir_url=server.base, fhir_timeout_sec=20))
    yield client
    client.close()


@pytest.fixture
def patient(ehr: Ehr) -> str:
    return ehr.create({"resourceType": "Patient"}).reference
