"""Line turns: batches that are refused, or answered in another order, after the proof."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.ehr.proof import prove
from shared.runtime.line import Line
from shared.settings import Settings
from tests.contract.line.support import change, event, head, run, write
from tests.contract.line_turns.support import deny
from tests.fakes import HAPI, SEKMET, FakeEhr

SERVERS = {
    "hapi, none": replace(HAPI, batches=False),
    "sekmet, none": replace(SEKMET, batches=False),
    "hapi, backwards": replace(HAPI, answers_backwards=True),
    "sekmet, backwards": replace(SEKMET, answers_backwards=True),
    "hapi, each is refused": replace(HAPI, refuses_in_batches=403),
}


@pytest.fixture(params=SERVERS)
def fake(request: pytest.FixtureRequest) -> Iterator[FakeEhr]:
    with FakeEhr(SERVERS[request.param]) as made:
        yield made


@pytest.fixture
def base(fake: FakeEhr) -> str:
    return fake.base


@pytest.fixture
def ehr(base: str, tmp_path: Path) -> Iterator[Ehr]:
    with open_ehr(Settings(fhir_url=base, state_dir=tmp_path)) as client:
        proven = prove(client)
        assert not proven.batches
        yield client.able(replace(proven, batches=True))


def test_each_event_is_settled_as_if_nobody_had_asked_ahead(
    ehr: Ehr, line: Line, anna: str
) -> None:
    reference = write(ehr, anna, "one")
    assert run(line, event(ehr, reference)) == "result"
    change(ehr, reference, "broken")
    assert run(line, event(ehr, reference)) == "not_analysed"
    change(ehr, reference, "one two")
    assert run(line, event(ehr, reference)) == "result"
    assert head(ehr, reference).task["for"]["reference"] == anna
    change(ehr, reference, "one two", status="superseded")
    assert run(line, event(ehr, reference)) == "withdrawn"
    deny(ehr, anna)
    assert run(line, event(ehr, write(ehr, anna, "two"))) == "not_analysed"
