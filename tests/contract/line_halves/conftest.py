"""Fixtures of the tests of halves."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from shared.ehr.client import Ehr
from shared.ehr.guard.abilities import CREATE_GUARDS, Abilities
from shared.ehr.opening import open_ehr
from shared.runtime.line import Line, at_ehr
from shared.settings import Settings
from tests.contract.line.support import event, run, write
from tests.fakes import HAPI, SEKMET, FakeEhr
from tests.toy import TOY, Model

GUARDS = list(CREATE_GUARDS)


@pytest.fixture(params=[SEKMET, HAPI], ids=lambda habits: habits.name)
def fake(request: pytest.FixtureRequest) -> Iterator[FakeEhr]:
    with FakeEhr(replace(request.param, runs_transactions_as_batches=True)) as started:
        yield started


@pytest.fixture(params=["as it comes", "head with its result"])
def ehr(request: pytest.FixtureRequest, fake: FakeEhr, tmp_path: Path) -> Iterator[Ehr]:
    """An EHR whose heads are made first, or together with their result."""
    with open_ehr(Settings(fhir_url=fake.base, state_dir=tmp_path)) as client:
        guard = GUARDS[0] if fake.habits.name == HAPI.name else GUARDS[1]
        able = Abilities(create_guard=guard)
        yield client.able(able) if request.param == "head with its result" else client


@pytest.fixture
def line(ehr: Ehr, fake: FakeEhr, tmp_path: Path) -> Line:
    return Line(TOY, ehr, Model(), Settings(fhir_url=fake.base, state_dir=tmp_path), at_ehr(ehr))


@pytest.fixture
def note(line: Line) -> str:
    """A note of a service that has worked already: its Devices and cards are there."""
    patient = line.ehr.create({"resourceType": "Patient", "gender": "female"}).reference
    run(line, event(line.ehr, write(line.ehr, patient, "another note altogether")))
    return write(line.ehr, patient, "two words")
