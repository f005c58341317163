"""An EHR that refuses how it is asked what changed: less is asked for, and all is found."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from shared.ehr.opening import open_ehr
from shared.errors import FhirError
from shared.settings import Settings
from tests.fakes import HAPI, FakeEhr
from tests.integration.intake_changes.support import NOTE, Intake
from tests.integration.intake_changes.test_lives import delete, put, swept
from tests.toy import note

NO_HISTORY = "_history"
REFUSALS = [
    {"_count"},
    {"_since"},
    {"_since", "_count"},
    {NO_HISTORY},
    {NO_HISTORY, "_sort"},
    {NO_HISTORY, "_sort", "_count"},
    {NO_HISTORY, "ge"},
    {NO_HISTORY, "ge", "_sort"},
]


@pytest.fixture(params=REFUSALS, ids=lambda refused: "-".join(sorted(refused)))
def fake(request: pytest.FixtureRequest) -> Iterator[FakeEhr]:
    with FakeEhr(replace(HAPI, refuses=frozenset(request.param))) as made:
        yield made


@pytest.fixture
def intake(fake: FakeEhr, tmp_path: Path) -> Iterator[Intake]:
    with open_ehr(Settings(fhir_url=fake.base)) as ehr:
        made = Intake(tmp_path, ehr)
        yield made
        made.close()


@pytest.fixture
def patient(intake: Intake) -> str:
    return intake.ehr.create({"resourceType": "Patient"}).reference


def test_each_change_is_found_once(fake: FakeEhr, intake: Intake, patient: str) -> None:
    put(intake, NOTE, note(patient, "first"))
    assert swept(intake) == [("create", "1")]
    put(intake, NOTE, note(patient, "second"))
    assert swept(intake) == [("update", "2")]
    delete(intake, NOTE)
    shows_deletes = NO_HISTORY not in fake.habits.refuses
    assert swept(intake) == ([("delete", "3")] if shows_deletes else [])


def test_the_way_is_remembered_and_said_once(
    fake: FakeEhr, intake: Intake, patient: str, caplog: pytest.LogCaptureFixture
) -> None:
    put(intake, NOTE, note(patient, "first"))
    swept(intake)
    fake.requests.clear()
    assert intake.sweep() == {}
    of_notes = [p for _, p, _ in fake.requests if p.split("/")[0] == "DocumentReference"]
    assert len(of_notes) == 1
    said = [r for r in caplog.records if "lets DocumentReference be read" in r.getMessage()]
    assert [r.levelno for r in said] == [logging.WARNING]


def test_all_pages_are_read(intake: Intake, patient: str) -> None:
    for n in range(45):
        put(intake, f"DocumentReference/n{n}", note(patient, str(n)))
    assert len(swept(intake, 2)) == 45


@pytest.mark.parametrize("status", [401, 403, 410])
def test_what_is_no_refusal_of_the_question_changes_nothing(status: int) -> None:
    with FakeEhr(HAPI) as fake, open_ehr(Settings(fhir_url=fake.base)) as ehr:
        fake.faults.fail(1, status, method="GET", path="Task/_history")
        with pytest.raises(Exception, match=str(status)):
            list(ehr.history("Task", "2026-01-01T00:00:00Z"))
        assert list(ehr.history("Task", "2026-01-01T00:00:00Z")) == []
        assert [p for _, p, _ in fake.requests] == ["Task/_history"] * 2


def test_where_each_way_is_refused_it_is_said(tmp_path: Path) -> None:
    with FakeEhr(HAPI) as fake, open_ehr(Settings(fhir_url=fake.base)) as ehr:
        fake.faults.fail(1000, 400, method="GET", path="Task")
        with pytest.raises(FhirError, match="400"):
            list(ehr.history("Task", "2026-01-01T00:00:00Z"))
        assert len(fake.requests) == 10


def test_a_search_that_does_not_heed_the_time_publishes_nothing_twice(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    habits = replace(HAPI, refuses=frozenset({NO_HISTORY}), heeds_last_updated=False)
    with FakeEhr(habits) as fake, open_ehr(Settings(fhir_url=fake.base)) as ehr:
        intake = Intake(tmp_path, ehr)
        patient = ehr.create({"resourceType": "Patient"}).reference
        put(intake, NOTE, note(patient, "first"))
        assert swept(intake) == [("create", "1")]
        intake.close()


@pytest.mark.parametrize("status", [400, 404, 405, 422, 501])
def test_a_later_page_that_is_refused_leaves_the_way(status: int) -> None:
    with FakeEhr(HAPI) as fake, open_ehr(Settings(fhir_url=fake.base)) as ehr:
        for n in range(30):
            fake.rest.store.write("DocumentReference", f"n{n}", note("Patient/1", str(n)), "PUT")
        told = ehr.history("DocumentReference", "2026-01-01T00:00:00Z")
        next(told)
        fake.faults.fail(1, status, method="GET")
        with pytest.raises(FhirError, match=str(status)):
            list(told)
        assert ehr.shows_deletes("DocumentReference")
