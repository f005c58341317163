"""Line turns: merged patients on a server that writes its base before every reference."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from shared.ehr.client import Ehr
from shared.references import subject_of
from shared.runtime.line import Line
from tests.contract.line.support import event, head, run, write
from tests.contract.line_turns.support import deny, person
from tests.fakes import HAPI, SEKMET, FakeEhr
from tests.merging import merge

PUBLIC = "https://public.example/fhir"


@pytest.fixture(params=["sekmet", "hapi"])
def fake(request: pytest.FixtureRequest) -> Iterator[FakeEhr]:
    habits = SEKMET if request.param == "sekmet" else HAPI
    with FakeEhr(replace(habits, reference_base=PUBLIC, implementation_url=PUBLIC)) as made:
        yield made


def test_a_link_on_a_base_of_the_ehr_is_followed(ehr: Ehr, line: Line, anna: str) -> None:
    berta = person(ehr)
    reference = write(ehr, berta, "of the retired record")
    run(line, event(ehr, reference))
    merge(ehr, berta, anna)
    assert [run(line, event(ehr, reference)) for _ in range(2)] == ["result", "unchanged"]
    assert subject_of(head(ehr, reference).task) == anna
    deny(ehr, berta)
    assert run(line, event(ehr, write(ehr, anna, "of the survivor"))) == "not_analysed"
