"""Intake: sweep."""

import time
from datetime import UTC, datetime, timedelta

import httpx

from shared.fhir import codes
from shared.instants import instant
from shared.instants import parse as parse_instant
from shared.stream.base import EVENTS_TOPIC
from tests.integration.intake.support import FailingSink, Intake, everywhere
from tests.toy import note


class TestSweep:
    @everywhere
    def test_every_version_once_and_deletes_with_their_subject(
        self, intake: Intake, patient: str
    ) -> None:
        written = intake.ehr.create(note(patient, "first"))
        changed = intake.ehr.read(written.reference)
        assert changed
        intake.ehr.update(changed | {"description": "changed"}, written.version)
        intake.sweep.all()
        httpx.delete(f"{intake.ehr.base}/{written.reference}", timeout=60).raise_for_status()
        for _ in range(3):
            intake.sweep.all()
        told = [(e.action, e.version, e.subject) for e in intake.events()]
        assert told == [
            ("create", "1", patient),
            ("update", "2", patient),
            ("delete", "3", patient),
        ]

    def test_a_delete_alone_in_the_window_is_told_once_and_stops_nothing(
        self, intake: Intake, patient: str
    ) -> None:
        """HAPI does not date deletes: the cursor moves all the same, and what was told stays
        remembered.
        """
        written = intake.ehr.create(note(patient, "first"))
        intake.sweep.all()
        time.sleep(0.01)
        began = datetime.now(UTC)
        intake.state.advance(
            "DocumentReference",
            instant(began + timedelta(seconds=intake.settings.intake_overlap_sec)),
        )
        httpx.delete(f"{intake.ehr.base}/{written.reference}", timeout=60).raise_for_status()
        for _ in range(3):
            intake.sweep.all()
        told = [e for e in intake.events() if e.action == "delete"]
        assert [(e.focus, e.subject) for e in told] == [(written.reference, patient)]
        assert parse_instant(told[0].time) >= began - timedelta(milliseconds=1)

    def test_the_event_carries_codes_and_no_content(self, intake: Intake, patient: str) -> None:
        intake.ehr.create(note(patient, "SECRET CONTENT"))
        intake.sweep.all()
        [record] = intake.log.scan(EVENTS_TOPIC)
        [event] = intake.events()
        assert record.key == patient.encode()
        assert (
            event.codes == (f"{codes.LOINC}|34117-2",)
            and event.content_types == ("text/plain",)
            and event.status == "current"
        )
        assert b"SECRET" not in (record.value or b"") and b"data" not in (record.value or b"")
        assert dict(record.headers)["ce_type"] == b"careloop.documentreference.create"

    def test_what_changed_while_intake_was_down_is_found(
        self, intake: Intake, patient: str
    ) -> None:
        intake.ehr.create(note(patient, "before"))
        intake.sweep.all()
        later = intake.ehr.create(note(patient, "while down")).reference
        again = intake.restarted()
        again.sweep.all()
        assert [e.focus for e in again.events()][1:] == [later]

    def test_a_publication_that_failed_is_made_up_for(self, intake: Intake, patient: str) -> None:
        intake.ehr.create(note(patient, "kept"))
        failing = Intake(intake.ehr, intake.log, FailingSink(), intake.settings, intake.state)
        assert "broker" in failing.sweep.all()["DocumentReference"]
        assert intake.state.swept() is None
        intake.sweep.all()
        assert len(intake.events()) == 1 and intake.state.swept()

    def test_a_first_start_without_since_begins_now_and_remembers_it(
        self, intake: Intake, patient: str
    ) -> None:
        intake.ehr.create(note(patient, "old news"))
        time.sleep(0.05)
        fresh = intake.settings.model_copy(update={"intake_since": None, "intake_overlap_sec": 0.0})
        now = Intake(intake.ehr, intake.log, intake.sink, fresh, intake.state)
        now.sweep.all()
        intake.ehr.create(note(patient, "news"))
        now.restarted().sweep.all()
        assert len(intake.events()) == 1
