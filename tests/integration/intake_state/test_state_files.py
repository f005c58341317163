"""Intake state: state files."""

import sqlite3
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from services.intake import process
from services.intake.publish import Publisher
from services.intake.state import State
from shared.ehr.client import Version
from shared.ehr.opening import open_ehr
from shared.errors import Misconfigured, Unavailable
from shared.events import ResourceEvent, encode
from shared.settings import Settings
from shared.stream.base import EVENTS_TOPIC
from shared.stream.open import open_log
from tests.fakes import HAPI, FakeEhr
from tests.integration.intake_changes.support import Intake, moment, version
from tests.integration.intake_state.support import ABOUT, FORMER, PATIENT, bytes_each
from tests.integration.test_intake_process import eventually, running, settings_for, waiting
from tests.toy import note


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
            assert [e.focus for e in state.plans_of(PATIENT)] == ["DiagnosticReport/1"]
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
        db = scripted.state.db
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
        scripted.state.db.execute("PRAGMA query_only = ON")
        for _ in range(3):
            with pytest.raises(Unavailable, match="state is not available"):
                publisher.versions([version(1, moment())])
        assert scripted.events() == []
        scripted.state.db.execute("PRAGMA query_only = OFF")
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
                opened[0].db.execute("PRAGMA query_only = ON")
                eventually(lambda: "state is not available" in waiting(base))
                reference = ehr.create(note(patient, "while full")).reference
                opened[0].db.execute("PRAGMA query_only = OFF")
                eventually(lambda: httpx.get(f"{base}/readyz").status_code == 200)
                eventually(
                    lambda: any(
                        reference.encode() in (r.value or b"") for r in log.scan(EVENTS_TOPIC)
                    )
                )


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


def test_a_file_that_knew_versions_by_number_alone_publishes_nothing_again(
    scripted: Intake,
) -> None:
    first, gone = version(1, moment(), **ABOUT), "DocumentReference/gone"
    deleted = Version(gone, "2", moment(), True, None)
    unnumbered = version(1, moment(), "DocumentReference/3", **ABOUT)
    history = [first, deleted, replace(unnumbered, version="")]
    scripted.ehr.told = {"DocumentReference": history}
    scripted.sweep()
    assert len(scripted.events()) == 3

    scripted.state.db.executescript(
        """CREATE TABLE old (focus TEXT, version TEXT, instant TEXT NOT NULL,
        PRIMARY KEY (focus, version)) WITHOUT ROWID;
        INSERT INTO old SELECT focus, iif(version = '', instant, version), instant FROM seen;
        DROP TABLE seen; ALTER TABLE old RENAME TO seen;
        ALTER TABLE cursors DROP COLUMN anchor; PRAGMA user_version = 2"""
    )
    scripted.state.close()
    scripted.state = State(scripted.folder / "intake.sqlite")
    for _ in range(2):
        assert scripted.sweep() == {}
    assert len(scripted.events()) == 3
    scripted.ehr.told = {"DocumentReference": [version(1, moment(-timedelta(seconds=1)), **ABOUT)]}
    scripted.sweep()
    assert len(scripted.events()) == 4
