"""Line: the number of an input's version comes again while the input is analysed."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from shared.ehr.client import Ehr
from shared.errors import Conflict, NotAnalysed
from shared.runtime.line import Line
from tests.contract.line.support import change, event, head, run, stand, write
from tests.contract.line.test_between import begun, put, standing
from tests.fakes import HAPI, SEKMET, FakeEhr
from tests.toy import note


@pytest.fixture(params=[SEKMET, HAPI], ids=lambda habits: habits.name)
def fake(request: pytest.FixtureRequest) -> Iterator[FakeEhr]:
    with FakeEhr(request.param) as started:
        yield started


@pytest.fixture
def undated(fake: FakeEhr) -> FakeEhr:
    fake.habits = replace(fake.habits, dates_resources=False)
    return fake


@pytest.fixture
def base(fake: FakeEhr) -> str:
    return fake.base


def live_again(fake: FakeEhr, reference: str, patient: str, text: str) -> None:
    """Expunge the note, and create another one at its place."""
    kind, resource_id = reference.split("/")
    fake.rest.store.expunge(kind, resource_id)
    again = note(patient, text) | {"id": resource_id}
    assert fake.rest.update(kind, resource_id, again).status == 201


def test_one_that_was_expunged_and_created_anew_is_another(
    fake: FakeEhr, ehr: Ehr, line: Line, patient: str
) -> None:
    reference = write(ehr, patient, "one")
    case = begun(line, reference)
    live_again(fake, reference, patient, "one two")
    assert (ehr.read(reference) or {})["meta"]["versionId"] == "1"
    with pytest.raises(Conflict, match="the input changed"):
        put(line, case)
    assert standing(ehr, patient) == []
    assert run(line, event(ehr, reference)) == "result"
    assert stand(ehr, head(ehr, reference))["report"]["conclusion"] == "2 words"


def test_nothing_is_refused_for_what_the_one_before_said(
    fake: FakeEhr, ehr: Ehr, line: Line, patient: str
) -> None:
    reference = write(ehr, patient, "one")
    case = begun(line, reference)
    live_again(fake, reference, patient, "one two")
    with pytest.raises(Conflict, match="the input changed"):
        line.put(case, NotAnalysed("It can't be read."))
    assert run(line, event(ehr, reference)) == "result"


def test_one_that_was_written_again_after_a_restore_is_another(
    fake: FakeEhr, ehr: Ehr, line: Line, patient: str
) -> None:
    reference = write(ehr, patient, "one")
    restore = fake.rest.store.backup()
    change(ehr, reference, "one two", subject={"reference": patient})
    case = begun(line, reference)
    restore()
    change(ehr, reference, "one two three", subject={"reference": patient})
    assert (ehr.read(reference) or {})["meta"]["versionId"] == "2"
    with pytest.raises(Conflict, match="the input changed"):
        put(line, case)


def test_one_that_a_restore_left_as_it_was_is_the_same(
    fake: FakeEhr, ehr: Ehr, line: Line, patient: str
) -> None:
    reference = write(ehr, patient, "one")
    case = begun(line, reference)
    fake.rest.store.backup()()
    assert put(line, case) == "result"


def test_without_instants_the_numbers_count(
    undated: FakeEhr, ehr: Ehr, line: Line, patient: str
) -> None:
    reference = write(ehr, patient, "one")
    assert "lastUpdated" not in (ehr.read(reference) or {})["meta"]
    assert put(line, begun(line, reference)) == "result"
    change(ehr, reference, "one two", subject={"reference": patient})
    case = begun(line, reference)
    change(ehr, reference, "one two three", subject={"reference": patient})
    with pytest.raises(Conflict, match="the input changed"):
        put(line, case)
    assert undated.resources("DiagnosticReport")
