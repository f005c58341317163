"""A backup of the EHR was restored: what stands again as it was before is published again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.ehr.opening import open_ehr
from shared.settings import Settings
from tests.fakes import HAPI, SEKMET, FakeEhr
from tests.integration.intake_changes.support import NOTE, Intake
from tests.integration.intake_changes.test_lives import delete, put, swept
from tests.samples import value_of
from tests.toy import note

OTHER = "DocumentReference/other"


@pytest.fixture(params=[SEKMET, HAPI], ids=["fake-sekmet", "fake-hapi"])
def fake(request: pytest.FixtureRequest) -> Iterator[FakeEhr]:
    with FakeEhr(request.param) as made:
        yield made


@pytest.fixture
def intake(fake: FakeEhr, tmp_path: Path) -> Iterator[Intake]:
    with open_ehr(Settings(fhir_url=fake.base)) as ehr:
        made = Intake(tmp_path, ehr)
        made.settings = made.settings.model_copy(update={"intake_overlap_sec": 0.0})
        yield made
        made.close()


@pytest.fixture
def patient(intake: Intake) -> str:
    return intake.ehr.create({"resourceType": "Patient"}).reference


def changed(intake: Intake, reference: str) -> None:
    current: Any = intake.ehr.read(reference)
    intake.ehr.update(current | {"description": "changed"}, current["meta"]["versionId"])


def rewinds(intake: Intake) -> float:
    return float(value_of(intake.health.rewinds))


def test_what_went_back_to_an_earlier_version_is_published_again(
    fake: FakeEhr, intake: Intake, patient: str, caplog: pytest.LogCaptureFixture
) -> None:
    put(intake, NOTE, note(patient, "first"))
    restore = fake.rest.store.backup()
    changed(intake, NOTE)
    assert swept(intake) == [("create", "1"), ("update", "2")]
    restore()
    assert swept(intake) == [("create", "1")]
    assert rewinds(intake) == 1 and "went back in time" in caplog.text
    last = intake.state.last(NOTE)
    assert last and last.version == "1"


def test_a_note_whose_answer_is_lost_is_published_again(
    fake: FakeEhr, intake: Intake, patient: str
) -> None:
    put(intake, NOTE, note(patient, "first"))
    restore = fake.rest.store.backup()
    put(intake, OTHER, note(patient, "its answer, say"))
    assert len(swept(intake)) == 2
    restore()
    assert swept(intake) == [("create", "1")] and rewinds(intake) == 1


def test_what_was_deleted_since_the_backup_stands_again(
    fake: FakeEhr, intake: Intake, patient: str
) -> None:
    put(intake, NOTE, note(patient, "first"))
    put(intake, OTHER, note(patient, "second"))
    restore = fake.rest.store.backup()
    changed(intake, OTHER)
    delete(intake, NOTE)
    assert len(swept(intake)) == 4
    restore()
    assert len(swept(intake)) == 2 and rewinds(intake) == 1
    last = intake.state.last(NOTE)
    assert last and last.action == "create"


def test_what_was_written_since_the_restore_hides_nothing(
    fake: FakeEhr, intake: Intake, patient: str
) -> None:
    put(intake, NOTE, note(patient, "first"))
    put(intake, OTHER, note(patient, "second"))
    restore = fake.rest.store.backup()
    changed(intake, NOTE)
    changed(intake, OTHER)
    assert len(swept(intake)) == 4
    restore()
    put(intake, OTHER, note(patient, "a new version 2"))
    found = swept(intake)
    assert ("create", "1") in found and ("update", "2") in found and rewinds(intake) == 1


def test_one_that_was_expunged_by_rule_is_no_restored_backup(
    fake: FakeEhr, intake: Intake, patient: str
) -> None:
    put(intake, NOTE, note(patient, "first"))
    put(intake, OTHER, note(patient, "second"))
    delete(intake, OTHER)
    assert len(swept(intake)) == 3
    fake.rest.store.expunge(*OTHER.split("/"))
    assert swept(intake) == [] and rewinds(intake) == 0
    put(intake, OTHER, note(patient, "created anew"))
    assert swept(intake) == [("create", "1")] and rewinds(intake) == 0


def test_nothing_is_suspected_where_nothing_happens(intake: Intake, patient: str) -> None:
    put(intake, NOTE, note(patient, "first"))
    swept(intake)
    asked = intake.publisher()
    for _ in range(3):
        assert intake.sweep() == {}
    assert rewinds(intake) == 0 and not asked.suspicion.is_set()
