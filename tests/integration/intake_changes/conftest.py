"""Fixtures of the tests of intake changes."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.ehr.client import Version
from shared.ehr.opening import open_ehr
from shared.settings import Settings
from tests.fakes import HAPI, SEKMET, FakeEhr
from tests.integration.intake_changes.support import Intake, Scripted


@pytest.fixture
def scripted(tmp_path: Path) -> Iterator[Callable[[dict[str, list[Version] | Exception]], Intake]]:
    made: list[Intake] = []

    def script(told: dict[str, list[Version] | Exception]) -> Intake:
        made.append(Intake(tmp_path, Scripted(told)))
        return made[-1]

    yield script
    for intake in made:
        intake.close()


@pytest.fixture(params=[SEKMET, HAPI], ids=["fake-sekmet", "fake-hapi"])
def intake(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Intake]:
    with FakeEhr(request.param) as fake, open_ehr(Settings(fhir_url=fake.base)) as ehr:
        made = Intake(tmp_path, ehr)
        yield made
        made.close()
