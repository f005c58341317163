"""What intake keeps, and for how long; a file of a former version; a disk that is full."""

import sqlite3
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.intake import process
from services.intake.publish import Publisher
from services.intake.state import State
from shared.ehr.client import Version, open_ehr
from shared.errors import Misconfigured, Unavailable
from shared.events import ResourceEvent, encode
from shared.settings import Settings
from shared.stream.base import EVENTS_TOPIC
from shared.stream.open import open_log
from tests.fakes import HAPI, SEKMET, FakeEhr
from tests.integration.test_intake_changes import Intake, Scripted, moment, version
from tests.integration.test_intake_process import eventually, running, settings_for, waiting
from tests.toy import note

LAB = "Observation/1"
PATIENT = "Patient/1"
ABOUT = {"subject": {"reference": PATIENT}}
FORMER = """
CREATE TABLE cursors (kind TEXT PRIMARY KEY, instant TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE seen (
  focus TEXT, version TEXT, instant TEXT NOT NULL, PRIMARY KEY (focus, version)
) WITHOUT ROWID;
CREATE TABLE foci (
  focus TEXT PRIMARY KEY, subject TEXT, instant TEXT NOT NULL, event BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX foci_of ON foci (subject, instant);
CREATE TABLE numbers (subscription TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
"""


@pytest.fixture
def scripted(tmp_path: Path) -> Iterator[Intake]:
    made = Intake(tmp_path, Scripted({}))
    yield made
    made.close()


@pytest.fixture(params=[SEKMET, HAPI], ids=["fake-sekmet", "fake-hapi"])
def intake(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Intake]:
    with FakeEhr(request.param) as fake, open_ehr(Settings(fhir_url=fake.base)) as ehr:
        made = Intake(tmp_path, ehr)
        yield made
        made.close()


def kept(intake: Intake) -> list[str]:
    """The foci in the file, in whichever table."""
    rows = intake.state._db.execute("SELECT focus FROM foci UNION SELECT focus FROM recent")
    return sorted(focus for (focus,) in rows)


def lab(subject: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "a value"},
        "subject": {"reference": subject},
    }


class TestGrowth:
    def test_what_nobody_tells_again_is_kept_while_a_sweep_may_meet_it(
        self, scripted: Intake
    ) -> None:
        old = moment(timedelta(hours=3))
        kinds = (
            "Consent",
            "ImagingStudy",
            "DocumentReference",
            "DiagnosticReport",
            "Condition",
            "MedicationRequest",
            "AllergyIntolerance",
            "Observation",
        )
        scripted.ehr.told = {
            k: [version(1, old, f"{k}/1", **ABOUT), version(1, moment(), f"{k}/2", **ABOUT)]
            for k in kinds
        }
        scripted.sweep()
        assert kept(scripted) == sorted(
            [*(f"{k}/1" for k in kinds[:3]), *(f"{k}/2" for k in kinds)]
        )

    def test_a_first_sweep_of_years_fills_the_file_with_no_results(self, tmp_path: Path) -> None:
        state, years = State(tmp_path / "intake.sqlite"), moment(timedelta(days=900))
        versions = [f"Observation/{uuid4()}" for _ in range(2000)]
        for start in range(0, len(versions), 100):
            state.remember(
                [
                    ("1", ResourceEvent(v, "1", "create", subject=PATIENT, time=years))
                    for v in versions[start : start + 100]
                ]
            )
        assert pages(state) / len(versions) == pytest.approx(
            90, rel=0.25
        )  # docs/operations.md, "What grows"
        assert state._db.execute("SELECT count(*) FROM recent").fetchone() == (
            0,
        ) and not state.is_new(versions[9], "1")
        state.close()

    def test_a_delete_of_what_is_known_no_longer_says_whose_it_was(self, intake: Intake) -> None:
        patient = intake.ehr.create({"resourceType": "Patient"}).reference
        written = intake.ehr.create(lab(patient)).reference
        intake.sweep()
        intake.state._db.execute(
            "DELETE FROM recent"
        )  # as time does; the versions themselves are not told again here
        assert intake.state.last(written) is None
        httpx.delete(f"{intake.ehr.base}/{written}").raise_for_status()
        intake.sweep()
        assert (written, "delete", patient) in intake.told()

    def test_a_corrected_subject_of_what_is_known_no_longer_is_told_to_both(
        self, intake: Intake
    ) -> None:
        wrong, right = (intake.ehr.create({"resourceType": "Patient"}).reference for _ in range(2))
        written = intake.ehr.create(lab(wrong))
        intake.sweep()
        intake.state._db.execute(
            "DELETE FROM recent"
        )  # as time does; the versions themselves are not told again here
        intake.ehr.update(lab(right) | {"id": written.reference.split("/")[1]}, written.version)
        intake.sweep()
        update = (written.reference, "update")
        assert {(*update, right), (*update, wrong)} <= set(intake.told())

    def test_nobody_waits_while_the_ehr_is_asked_whose_it_was(
        self, intake: Intake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wrong, right = (intake.ehr.create({"resourceType": "Patient"}).reference for _ in range(2))
        written = intake.ehr.create(lab(wrong))
        intake.sweep()
        intake.state._db.execute("DELETE FROM recent")
        lock, asked, real = threading.Lock(), [], intake.ehr.operation

        def operation(path: str, params: Any) -> Any:
            asked.append((path, lock.locked()))
            return real(path, params)

        monkeypatch.setattr(intake.ehr, "operation", operation)
        corrected = {
            **lab(right),
            "id": written.reference.split("/")[1],
            "meta": {"versionId": "2", "lastUpdated": moment()},
        }
        publisher = Publisher(intake.ehr, intake.sink, intake.state, lock, intake.health)
        publisher.versions([Version(written.reference, "2", moment(), False, corrected)])
        assert asked == [(f"{written.reference}/_history/1", False)]
        assert {(written.reference, "update", right), (written.reference, "update", wrong)} <= set(
            intake.told()
        )

    def test_where_versions_are_not_counted_whose_it_was_is_kept(self, scripted: Intake) -> None:
        old = version(1, moment(timedelta(hours=3)), LAB, **ABOUT)
        lots = Version(LAB, "5f1c", old.time, False, old.resource)
        scripted.ehr.told = {
            "Observation": [lots, version(7001, moment(), "Observation/2", **ABOUT)]
        }
        scripted.sweep()
        scripted.ehr.told = {"Observation": [Version(LAB, "77aa", moment(), True, None)]}
        scripted.sweep()
        assert (LAB, "delete", PATIENT) in scripted.told() and kept(scripted) == [
            LAB,
            "Observation/2",
        ]


class TestFormerVersion:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        path, time = tmp_path / "intake.sqlite", moment(timedelta(hours=1))
        events = [
            ResourceEvent("Observation/1", "1", "create", subject=PATIENT, time=time),
            ResourceEvent("Observation/lots", "a7", "update", subject=PATIENT, time=time),
            ResourceEvent("ImagingStudy/1", "1", "create", subject=PATIENT, time=time),
            ResourceEvent(
                "DiagnosticReport/1", "2", "update", subject=PATIENT, answer_of="imaging", time=time
            ),
        ]
        with sqlite3.connect(path) as db:
            db.executescript(FORMER)
            db.executemany(
                "INSERT INTO foci VALUES (?, ?, ?, ?)",
                [(e.focus, e.subject, e.time, encode(e, "")[1]) for e in events],
            )
            db.execute("INSERT INTO cursors VALUES ('Observation', ?)", (time,))
        db.close()
        return path

    def test_it_opens_and_knows_what_is_told_again_and_no_more(self, path: Path) -> None:
        for _ in range(2):
            state = State(path)
            assert [[e.focus for e in page] for page in state.inputs_of(PATIENT)] == [
                ["ImagingStudy/1"]
            ]
            plan = state.plan_of(PATIENT)
            assert plan and plan.focus == "DiagnosticReport/1"
            assert (
                state.last("Observation/1") is None
                and state.last("Observation/lots")
                and state.cursor("Observation")
            )
            assert state.counted
            state.close()

    def test_a_later_version_is_refused(self, path: Path) -> None:
        with sqlite3.connect(path) as db:
            db.execute("PRAGMA user_version = 99")
        db.close()
        with pytest.raises(Misconfigured, match="later version"):
            State(path)


class TestFullDisk:
    def test_the_sweep_is_put_off_and_made_up_for(self, scripted: Intake) -> None:
        db = scripted.state._db
        labs = [version(1, moment(), f"Observation/{n}", **ABOUT) for n in range(200)]
        scripted.ehr.told = {"Observation": labs}
        [pages] = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {pages}")  # SQLite's own SQLITE_FULL
        assert "full" in scripted.sweep()["Observation"]
        assert scripted.state.cursor("Observation") is None
        db.execute("PRAGMA max_page_count = 1000000")
        assert scripted.sweep() == {}
        assert {e.focus for e in scripted.events()} == {v.reference for v in labs}

    def test_what_could_not_be_remembered_is_not_published_again_and_again(
        self, scripted: Intake
    ) -> None:
        publisher = Publisher(scripted.ehr, scripted.sink, scripted.state, threading.Lock())
        scripted.state._db.execute("PRAGMA query_only = ON")
        for _ in range(3):
            with pytest.raises(Unavailable, match="state is not available"):
                publisher.versions([version(1, moment())])
        assert scripted.events() == []
        scripted.state._db.execute("PRAGMA query_only = OFF")
        assert publisher.versions([version(1, moment())]) == 1 and len(scripted.events()) == 1

    def test_readiness_says_so_and_the_process_goes_on(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened: list[State] = []

        def first_full(path: Path) -> State:
            if not path.exists():
                path.touch()
                raise Unavailable("state", "database or disk is full")
            opened.append(State(path))
            return opened[-1]

        monkeypatch.setattr(process, "State", first_full)
        with FakeEhr(HAPI) as fake, open_ehr(Settings(fhir_url=fake.base)) as ehr:
            patient = ehr.create({"resourceType": "Patient"}).reference
            settings = settings_for(tmp_path, fake.base)
            log = open_log(settings)
            log.create_topics(2, [])
            with running(settings) as base:
                eventually(lambda: httpx.get(f"{base}/readyz").status_code == 200)
                opened[0]._db.execute("PRAGMA query_only = ON")
                eventually(lambda: "state is not available" in waiting(base))
                reference = ehr.create(note(patient, "while full")).reference
                opened[0]._db.execute("PRAGMA query_only = OFF")
                eventually(lambda: httpx.get(f"{base}/readyz").status_code == 200)
                eventually(
                    lambda: any(
                        reference.encode() in (r.value or b"") for r in log.scan(EVENTS_TOPIC)
                    )
                )


def pages(state: State) -> int:
    """The bytes in the file that hold something."""
    [free], [used], [page] = (
        state._db.execute(f"PRAGMA {name}").fetchone()
        for name in ("freelist_count", "page_count", "page_size")
    )
    return int((used - free) * page)


def bytes_each(folder: Path, kind: str, count: int = 2000, **elements: Any) -> float:
    """What one resource adds to the file once no sweep will meet it again, with ids as long as
    UUIDs and a patient each.
    """
    state, time = State(folder / f"{kind}.sqlite"), moment(timedelta(hours=3))
    before = pages(state)
    told = [
        (
            "1",
            ResourceEvent(
                f"{kind}/{uuid4()}",
                "1",
                "create",
                subject=f"Patient/{uuid4()}",
                time=time,
                **elements,
            ),
        )
        for _ in range(count)
    ]
    for start in range(0, count, 100):
        state.remember(told[start : start + 100])
    state.forget(kind, moment())
    grown = (pages(state) - before) / count
    state.close()
    return grown


def test_what_a_resource_costs_for_good_is_what_the_operations_page_says(tmp_path: Path) -> None:
    """docs/operations.md, "What grows"."""
    code = ("http://dicom.nema.org/resources/ontology/DCM|DX", "http://loinc.org|36643-5")
    assert bytes_each(tmp_path, "ImagingStudy", status="available", codes=code) == pytest.approx(
        640, rel=0.25
    )
    assert bytes_each(
        tmp_path, "DiagnosticReport", status="preliminary", codes=code, answer_of="imaging"
    ) == pytest.approx(480, rel=0.25)
    assert bytes_each(tmp_path, "Patient") == pytest.approx(470, rel=0.25)
    assert bytes_each(tmp_path, "Observation", status="final", codes=code) < 20
