"""Fixtures of the tests of line turns."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.ehr.proof import prove
from shared.runtime.line import Line, at_ehr
from shared.settings import Settings
from tests.contract.line_turns.support import person
from tests.fakes import HAPI, SEKMET, FakeEhr
from tests.toy import TOY, Model

SERVERS = ["fake-sekmet", "fake-hapi", pytest.param("hapi", marks=pytest.mark.hapi)]


@pytest.fixture(params=SERVERS)
def base(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "hapi":
        yield request.getfixturevalue("real_hapi").base
    else:
        with FakeEhr(SEKMET if request.param == "fake-sekmet" else HAPI) as fake:
            yield fake.base


@pytest.fixture
def ehr(base: str, tmp_path: Path) -> Iterator[Ehr]:
    with open_ehr(Settings(fhir_url=base, state_dir=tmp_path)) as client:
        yield client.able(prove(client))


@pytest.fixture
def line(ehr: Ehr, tmp_path: Path) -> Line:
    return Line(TOY, ehr, Model(), Settings(fhir_url=ehr.base, state_dir=tmp_path), at_ehr(ehr))


@pytest.fixture
def anna(ehr: Ehr) -> str:
    return person(ehr)
