"""Fixtures of the tests of line turns."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.ehr.client import Ehr, open_ehr
from shared.ehr.proof import prove
from shared.runtime.line import Line, at_ehr
from shared.settings import Settings
from tests.contract.line_turns.support import person
from tests.fakes import HAPI, SEKMET, FakeEhr
from tests.toy import TOY, Model


@pytest.fixture(params=["sekmet", "hapi"])
def fake(request: pytest.FixtureRequest) -> Iterator[FakeEhr]:
    with FakeEhr(SEKMET if request.param == "sekmet" else HAPI) as made:
        yield made


@pytest.fixture
def ehr(fake: FakeEhr, tmp_path: Path) -> Iterator[Ehr]:
    with open_ehr(Settings(fhir_url=fake.base, state_dir=tmp_path)) as client:
        yield client.able(prove(client))


@pytest.fixture
def line(ehr: Ehr, tmp_path: Path) -> Line:
    return Line(TOY, ehr, Model(), Settings(fhir_url=ehr.base, state_dir=tmp_path), at_ehr(ehr))


@pytest.fixture
def anna(ehr: Ehr) -> str:
    return person(ehr)
