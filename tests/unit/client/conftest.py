"""Fixtures of the tests of client."""

from collections.abc import Iterator

import pytest

from shared.ehr.client import Ehr, open_ehr
from shared.settings import load_settings
from tests.fakes import SEKMET, FakeEhr


@pytest.fixture
def fake() -> Iterator[FakeEhr]:
    with FakeEhr(SEKMET) as started:
        yield started


@pytest.fixture
def ehr(fake: FakeEhr) -> Iterator[Ehr]:
    client = open_ehr(load_settings(fhir_url=fake.base, fhir_timeout_sec=20))
    yield client
    client.close()
