"""A version number that comes again: expunged and created anew, deleted again."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.ehr.client import Version
from shared.ehr.opening import open_ehr
from shared.instants import same_moment
from shared.settings import Settings
from tests.fakes import HAPI, SEKMET, FakeEhr
from tests.integration.intake_changes.support import NOTE, Intake, moment, version
from tests.toy import note


def put(intake: Intake, reference: str, resource: dict[str, Any]) -> None:
    body = resource | {"id": reference.split("/")[1]}
    httpx.put(f"{intake.ehr.base}/{reference}", json=body, timeout=60).raise_for_status()


def delete(intake: Intake, reference: str) -> None:
    httpx.delete(f"{intake.ehr.base}/{reference}", timeout=60).raise_for_status()


def swept(intake: Intake, sweeps: int = 3) -> list[tuple[str, str]]:
    """(action, version) of what sweeps add."""
    before = len(intake.events())
    for _ in range(sweeps):
        assert intake.sweep() == {}
    return [(e.action, e.version) for e in intake.events()[before:]]


@pytest.fixture(params=[SEKMET, HAPI], ids=["fake-sekmet", "fake-hapi"])
def fake(request: pytest.FixtureRequest) -> Any:
    with FakeEhr(request.param) as made:
        yield made


@pytest.fixture
def intake(fake: FakeEhr, tmp_path: Any) -> Any:
    with open_ehr(Settings(fhir_url=fake.base)) as ehr:
        made = Intake(tmp_path, ehr)
        yield made
        made.close()


@pytest.fixture
def expunged(fake: FakeEhr, intake: Intake) -> str:
    """A note that was published, deleted, published as deleted, and expunged."""
    patient = intake.ehr.create({"resourceType": "Patient"}).reference
    put(intake, NOTE, note(patient, "first"))
    assert swept(intake) == [("create", "1")]
    delete(intake, NOTE)
    assert swept(intake) == [("delete", "2")]
    fake.rest.store.expunge(*NOTE.split("/"))
    return patient


def test_what_was_expunged_and_created_anew_is_published(intake: Intake, expunged: str) -> None:
    put(intake, NOTE, note(expunged, "second life"))
    assert swept(intake) == [("create", "1")]


def test_its_delete_is_published_once(intake: Intake, expunged: str) -> None:
    put(intake, NOTE, note(expunged, "second life"))
    assert swept(intake) == [("create", "1")]
    delete(intake, NOTE)
    assert swept(intake) == [("delete", "2")]


def test_a_life_that_ends_between_two_sweeps_is_published_whole(
    intake: Intake, expunged: str
) -> None:
    put(intake, NOTE, note(expunged, "second life"))
    delete(intake, NOTE)
    assert swept(intake) == [("create", "1"), ("delete", "2")]


def test_it_moves_to_another_patient_in_its_second_life(intake: Intake, expunged: str) -> None:
    other = intake.ehr.create({"resourceType": "Patient"}).reference
    put(intake, NOTE, note(other, "second life"))
    assert swept(intake) == [("create", "1")]
    assert intake.told()[-1] == (NOTE, "create", other)


def test_the_delete_before_a_recreation_without_expunging_is_not_published_again(
    intake: Intake,
) -> None:
    patient = intake.ehr.create({"resourceType": "Patient"}).reference
    put(intake, NOTE, note(patient, "first"))
    delete(intake, NOTE)
    swept(intake)
    put(intake, NOTE, note(patient, "again"))
    assert swept(intake) == [("update", "3")]


def test_a_notification_publishes_the_second_life(intake: Intake, expunged: str) -> None:
    put(intake, NOTE, note(expunged, "second life"))
    before = len(intake.events())
    intake.publisher().focus(NOTE)
    assert [e.version for e in intake.events()[before:]] == ["1"]
    assert swept(intake) == []


@pytest.mark.parametrize(
    ("read", "shown"),
    [
        ("2026-01-01T10:00:00.123Z", "2026-01-01T11:00:00.123+01:00"),
        ("2026-01-01T10:00:00.123456Z", "2026-01-01T10:00:00.123Z"),
        ("2026-01-01T10:00:00.6Z", "2026-01-01T10:00:00Z"),
        ("2026-01-01T10:00:00.6Z", "2026-01-01T10:00:01Z"),
        ("2026-01-01T10:00:00.1239Z", "2026-01-01T10:00:00.124Z"),
        ("", "2026-01-01T10:00:00.123Z"),
    ],
)
def test_a_read_that_writes_the_instant_otherwise_is_no_other_version(
    scripted: Any, read: str, shown: str
) -> None:
    intake = scripted({})
    intake.publisher().versions([version(1, read)])
    intake.ehr.told = {"DocumentReference": [version(1, shown)]}
    assert swept(intake) == []


def test_moments_a_tenth_of_a_second_apart_are_two() -> None:
    assert not same_moment("2026-01-01T10:00:00.100Z", "2026-01-01T10:00:00.200Z")
    assert not same_moment("2026-01-01T10:00:00.000Z", "2026-01-01T10:00:02.000Z")


def test_without_numbers_the_instants_tell_versions_apart(scripted: Any) -> None:
    first, second = moment(timedelta(seconds=9)), moment(timedelta(seconds=5))
    unnumbered = [
        Version(NOTE, "", time, False, version(1, time).resource) for time in (first, second)
    ]
    intake = scripted({"DocumentReference": unnumbered})
    assert swept(intake) == [("update", ""), ("update", "")]
    assert [e.time for e in intake.events()] == [first, second]


def test_the_version_before_is_of_this_life_or_not_believed(scripted: Any) -> None:
    """The EHR's version 6 is younger than the delete 7 that we were told of: a later life."""
    intake = scripted({"DocumentReference": [Version(NOTE, "7", moment(), True, None)]})
    later = moment(-timedelta(hours=1))
    intake.ehr.stands[f"{NOTE}/_history/6"] = version(
        6, later, subject={"reference": "Patient/another"}
    ).resource
    assert intake.sweep() == {}
    assert intake.told() == [(NOTE, "delete", None)]
