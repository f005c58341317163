"""Fixtures of the tests of client."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.settings import load_settings
from tests.fakes import SEKMET, FakeEhr
from tests.served import Respond, Served
from tests.unit.client.support import Answering


@pytest.fixture
def fake() -> Iterator[FakeEhr]:
    with FakeEhr(SEKMET) as started:
        yield started


@pytest.fixture
def ehr(fake: FakeEhr) -> Iterator[Ehr]:
    client = open_ehr(load_settings(fhir_url=fake.base, fhir_timeout_sec=20))
    yield client
    client.close()


@pytest.fixture
def answering() -> Iterator[Answering]:
    with ExitStack() as stack:

        def opened(respond: Respond) -> Ehr:
            served = stack.enter_context(Served(respond))
            settings = load_settings(fhir_url=f"{served.url}/fhir", fhir_timeout_sec=2)
            return stack.enter_context(open_ehr(settings))

        yield opened
