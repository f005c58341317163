"""Intake changes: subjects."""

import threading
from typing import Any

import httpx
import pytest

from services.intake.publish import Publisher
from services.intake.sweep import Sweep
from shared.ehr.client import Version
from shared.errors import FhirError, Unavailable
from shared.stream.base import EVENTS_TOPIC
from shared.stream.tracing import trace_id
from tests.integration.intake_changes.support import ACCEPTED, NOTE, Intake, change, moment
from tests.samples import value_of
from tests.toy import note


class TestWhose:
    @pytest.mark.parametrize("kind", ["DocumentReference", "Observation"])
    def test_a_corrected_subject_is_told_to_both_patients_unless_it_is_an_input(
        self, intake: Intake, kind: str
    ) -> None:
        wrong, right = (intake.ehr.create({"resourceType": "Patient"}).reference for _ in range(2))
        value = {
            "resourceType": "Observation",
            **ACCEPTED["Observation"],
            "subject": {"reference": wrong},
        }
        written = intake.ehr.create(note(wrong, "whose?") if kind == "DocumentReference" else value)
        intake.sweep()
        current = intake.ehr.read(written.reference)
        intake.ehr.update(current | {"subject": {"reference": right}}, written.version)
        for _ in range(2):
            intake.sweep()
        update = (written.reference, "update")
        assert intake.told()[0] == (written.reference, "create", wrong)
        both = [(*update, right), (*update, wrong)]
        assert sorted(intake.told()[1:], key=str) == sorted(
            both[:1] if kind == "DocumentReference" else both, key=str
        )

    def test_a_delete_of_what_was_never_seen_still_says_whose_it_was(self, intake: Intake) -> None:
        patient = intake.ehr.create({"resourceType": "Patient"}).reference
        written = intake.ehr.create(note(patient, "before our time"))
        intake.settings = intake.settings.model_copy(
            update={"intake_since": moment(), "intake_overlap_sec": 0.0}
        )
        httpx.delete(f"{intake.ehr.base}/{written.reference}", timeout=60).raise_for_status()
        intake.sweep()
        assert [t for t in intake.told() if t[1] == "delete"] == [
            (written.reference, "delete", patient)
        ]

    @pytest.mark.parametrize(
        "error", [FhirError(410, "GET"), FhirError(404, "GET"), Unavailable("ehr", suspect=True)]
    )
    def test_a_delete_whose_last_version_is_gone_is_told_all_the_same(
        self, scripted: Any, error: Exception
    ) -> None:
        def operation(path: str, params: dict[str, str]) -> Any:
            assert path == f"{NOTE}/_history/6"
            raise error

        intake = scripted({"DocumentReference": [Version(NOTE, "7", moment(), True, None)]})
        intake.ehr.operation = operation
        assert intake.sweep() == {}
        assert intake.told() == [(NOTE, "delete", None)]

    @pytest.mark.parametrize("kind", ["Consent", "Patient"])
    def test_a_change_of_patient_or_consent_tells_the_patients_foci_again(
        self, intake: Intake, kind: str
    ) -> None:
        patient, other = (
            intake.ehr.create({"resourceType": "Patient"}).reference for _ in range(2)
        )
        mine, gone, theirs = (
            intake.ehr.create(note(p, text)).reference
            for p, text in ((patient, "a"), (patient, "b"), (other, "c"))
        )
        intake.sweep()
        httpx.delete(f"{intake.ehr.base}/{gone}", timeout=60).raise_for_status()
        intake.sweep()
        before = len(intake.events())
        assert {e.focus for e in intake.events()} == {mine, gone, theirs}
        change(intake.ehr, kind, patient)
        for _ in range(3):
            intake.sweep()
        [again] = intake.events()[before:]
        assert (again.focus, again.action, again.subject, again.version, again.content_types) == (
            mine,
            "update",
            patient,
            "1",
            ("text/plain",),
        )

    def test_a_document_that_replaces_another_tells_the_other_again(self, intake: Intake) -> None:
        patient = intake.ehr.create({"resourceType": "Patient"}).reference
        old, other = (intake.ehr.create(note(patient, text)).reference for text in "ab")
        intake.sweep()
        before = len(intake.events())
        new = intake.ehr.create(
            note(patient, "c") | {"relatesTo": [{"code": "replaces", "target": {"reference": old}}]}
        )
        for _ in range(2):
            intake.sweep()
        assert intake.told()[before:] == [
            (new.reference, "create", patient),
            (old, "update", patient),
        ]
        assert other != old and intake.events()[-1].content_types == ("text/plain",)
        httpx.delete(f"{intake.ehr.base}/{new.reference}", timeout=60).raise_for_status()
        intake.sweep()
        assert intake.told()[before + 2 :] == [
            (new.reference, "delete", patient),
            (old, "update", patient),
        ]  # it stands again


class TestEventLog:
    def test_each_event_begins_a_trace_of_its_own(self, intake: Intake) -> None:
        patient = intake.ehr.create({"resourceType": "Patient"}).reference
        for text in "abc":
            intake.ehr.create(note(patient, text))
        intake.sweep()
        traces = {trace_id(record.headers) for record in intake.log.scan(EVENTS_TOPIC)}
        assert len(traces) == 3 and "-" not in traces

    def test_a_log_that_was_lost_is_filled_again(self, intake: Intake) -> None:
        patient = intake.ehr.create({"resourceType": "Patient"}).reference
        reference = intake.ehr.create(note(patient, "kept by the EHR")).reference
        for _ in range(2):
            intake.sweep()
        intake.sink.close()
        for file in intake.folder.glob("events.sqlite*"):
            file.unlink()
        intake.connect()
        assert intake.events() == []
        for _ in range(2):
            assert intake.sweep() == {}
        assert [e.focus for e in intake.events()] == [reference]
        assert value_of(intake.health.logs_lost) == 1

    def test_a_log_that_does_not_say_which_it_is_is_not_swept_into(self, intake: Intake) -> None:
        def away() -> str:
            raise Unavailable("broker")

        publisher = Publisher(
            intake.ehr, intake.sink, intake.state, threading.Lock(), intake.health
        )
        assert list(
            Sweep(publisher, intake.state, intake.settings, threading.Event(), away).all()
        ) == ["event log"]
        assert "event log" in intake.health.unready(intake.state.swept(), 60)[0]
