"""Fixtures of the tests of intake."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from services.clinic.ports import free_port
from services.intake.state import State
from shared.ehr.opening import open_ehr
from shared.settings import Settings
from shared.stream.memory import MemoryLog
from tests.fakes import HAPI, SEKMET, FakeEhr
from tests.integration.intake.support import FAKES, SECRET, Intake
from tests.peers import sekmet


@pytest.fixture(params=FAKES)
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sekmet":
        with sekmet(tmp_path / "sekmet") as peer:
            yield peer.base
    else:
        with FakeEhr(SEKMET if request.param == "fake-sekmet" else HAPI) as fake:
            yield fake.base


@pytest.fixture
def intake(base: str, tmp_path: Path) -> Iterator[Intake]:
    port = free_port()
    settings = Settings(
        fhir_url=base,
        state_dir=tmp_path,
        intake_since="1970-01-01T00:00:00Z",
        intake_webhook_url=f"http://127.0.0.1:{port}/notify",
        intake_webhook_secret=SecretStr(SECRET),
    )
    log = MemoryLog()
    log.create_topics(4, [])
    made = Intake(open_ehr(settings), log, log.sink(), settings, State(tmp_path / "intake.sqlite"))
    yield made
    made.close()


@pytest.fixture
def patient(intake: Intake) -> str:
    return intake.ehr.create({"resourceType": "Patient"}).reference
