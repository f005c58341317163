"""What else may change beneath intake: whose a resource is, the patient, a consent, the event log
itself; and EHRs that answer oddly.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from services.intake import publish, sweep
from services.intake.health import Health
from services.intake.publish import Publisher
from services.intake.state import State
from services.intake.sweep import Sweep
from shared.ehr.client import Ehr, Version, open_ehr
from shared.ehr.responses import versions
from shared.errors import FhirError, Unavailable
from shared.events import ResourceEvent, decode
from shared.instants import instant
from shared.settings import Settings
from shared.stream.base import EVENTS_TOPIC
from shared.stream.sqlite import SqliteLog
from shared.stream.tracing import trace_id
from tests.fakes import HAPI, SEKMET, FakeEhr
from tests.toy import note

NOTE = "DocumentReference/1"


@dataclass
class Scripted:
    """An EHR whose histories are what a test says: a list of versions, or an error."""

    told: dict[str, list[Version] | Exception]
    base: str = "http://ehr.example/fhir"
    asked: list[str] = field(default_factory=list)

    def history(self, kind: str, since: str) -> Iterator[Version]:
        self.asked.append(since)
        told = self.told.get(kind, [])
        if isinstance(told, Exception):
            raise told
        yield from told


@dataclass
class Intake:
    """Intake's parts around an event log that is a file."""

    folder: Path
    ehr: Any
    stop: threading.Event = field(default_factory=threading.Event)
    health: Health = field(default_factory=Health)

    def __post_init__(self) -> None:
        self.settings = Settings(
            fhir_url=self.ehr.base, state_dir=self.folder, intake_since="1970-01-01T00:00:00Z"
        )
        self.state = State(self.folder / "intake.sqlite")
        self.connect()

    def connect(self) -> None:
        self.log = SqliteLog(self.folder / "events.sqlite")
        self.log.create_topics(4, [])
        self.sink = self.log.sink()

    def close(self) -> None:
        self.sink.close()
        self.state.close()

    def sweep(self) -> dict[str, str]:
        publisher = Publisher(
            cast(Ehr, self.ehr), self.sink, self.state, threading.Lock(), self.health
        )
        return dict(
            Sweep(
                publisher,
                self.state,
                self.settings,
                threading.Event(),
                lambda: self.log.identity(EVENTS_TOPIC),
                self.stop,
            ).all()
        )

    def events(self) -> list[ResourceEvent]:
        return [
            decode(r.value, r.headers)
            for r in sorted(self.log.scan(EVENTS_TOPIC), key=lambda r: r.timestamp)
        ]

    def told(self) -> list[tuple[str, str, str | None]]:
        return [(e.focus, e.action, e.subject) for e in self.events()]


@pytest.fixture
def scripted(tmp_path: Path) -> Iterator[Callable[[dict[str, list[Version] | Exception]], Intake]]:
    made: list[Intake] = []

    def script(told: dict[str, list[Version] | Exception]) -> Intake:
        made.append(Intake(tmp_path, Scripted(told)))
        return made[-1]

    yield script
    for intake in made:
        intake.close()


@pytest.fixture(params=[SEKMET, HAPI], ids=["fake-sekmet", "fake-hapi"])
def intake(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Intake]:
    with FakeEhr(request.param) as fake, open_ehr(Settings(fhir_url=fake.base)) as ehr:
        made = Intake(tmp_path, ehr)
        yield made
        made.close()


def version(number: int, time: str, reference: str = NOTE, **elements: Any) -> Version:
    kind, logical_id = reference.split("/")
    resource = {
        "resourceType": kind,
        "id": logical_id,
        "meta": {"versionId": str(number), "lastUpdated": time},
        **elements,
    }
    return Version(reference, str(number), time, False, resource)


def moment(ago: timedelta = timedelta()) -> str:
    return instant(datetime.now(UTC) - ago)


class TestOddAnswers:
    def test_a_refused_type_stops_no_other_and_is_named(self, scripted: Any) -> None:
        intake = scripted(
            {
                "Patient": FhirError(403, "GET Patient/_history"),
                "DocumentReference": [version(1, moment())],
            }
        )
        assert list(intake.sweep()) == ["Patient"]
        assert [e.focus for e in intake.events()] == [NOTE]
        assert intake.state.swept() is None
        assert "403" in intake.health.unready(intake.state.swept(), 60)[0]
        assert intake.health.refused.labels("Patient")._value.get() == 1
        intake.ehr.told["Patient"] = []
        assert intake.sweep() == {} and intake.health.unready(intake.state.swept(), 60) == []
        assert intake.health.refused.labels("Patient")._value.get() == 0

    def test_a_history_that_is_none_stops_no_other(self, scripted: Any) -> None:
        intake = scripted(
            {"ImagingStudy": KeyError("id"), "DocumentReference": [version(1, moment())]}
        )
        assert list(intake.sweep()) == ["ImagingStudy"] and len(intake.events()) == 1

    def test_a_malformed_resource_is_counted_once_and_left_out(self, scripted: Any) -> None:
        broken = version(1, moment(), "DocumentReference/broken", content=7)
        untold = version(
            1,
            moment(),
            "DocumentReference/untold",
            category=[{"coding": [{"code": "a"}]}],
            intent=5,
        )
        intake = scripted({"DocumentReference": [broken, untold, version(1, moment())]})
        for _ in range(2):
            assert intake.sweep() == {}
        assert [e.focus for e in intake.events()] == [NOTE]
        assert intake.health.skipped.labels("DocumentReference")._value.get() == 2

    def test_a_resource_without_an_id_is_counted_once_and_stops_no_other(
        self, scripted: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        entries = [
            {
                "resource": {
                    "resourceType": "DocumentReference",
                    "meta": {"versionId": "1", "lastUpdated": moment()},
                }
            },
            {"resource": version(1, moment()).resource},
        ]
        intake = scripted(
            {"DocumentReference": list(versions({"entry": entries}, "DocumentReference", moment()))}
        )
        for _ in range(2):
            assert intake.sweep() == {}
        assert [e.focus for e in intake.events()] == [NOTE]
        assert (
            intake.health.skipped.labels("DocumentReference")._value.get() == 1
            and "left out" in caplog.text
        )

    def test_a_subject_that_is_no_reference_is_nobody(self, scripted: Any) -> None:
        intake = scripted(
            {"DocumentReference": [version(1, moment(), content=[{}], subject={"reference": 5})]}
        )
        intake.sweep()
        assert intake.told() == [(NOTE, "create", None)]

    def test_a_delete_without_a_time_is_told_once(self, scripted: Any) -> None:
        intake = scripted(
            {
                "DocumentReference": [
                    Version(NOTE, "1", "", True, None),
                    version(1, moment(), "DocumentReference/2"),
                ]
            }
        )
        for _ in range(3):
            assert intake.sweep() == {}
        assert sorted(e.action for e in intake.events()) == ["create", "delete"]

    @pytest.mark.parametrize("hours", [-5, 9])
    def test_local_times_are_the_instants_that_they_are(self, scripted: Any, hours: int) -> None:
        local = datetime.now(timezone(timedelta(hours=hours))).isoformat(timespec="milliseconds")
        intake = scripted({"DocumentReference": [version(1, local)]})
        for _ in range(4):
            intake.sweep()
        [event] = intake.events()
        assert event.time.endswith("Z") and intake.state.cursor("DocumentReference") == event.time

    def test_a_stop_ends_a_sweep_which_is_not_complete_then(self, scripted: Any) -> None:
        intake = scripted({"DocumentReference": [version(1, moment())]})
        intake.stop.set()
        assert "stopping" in intake.sweep()["DocumentReference"]
        assert intake.ehr.asked == [] and intake.state.swept() is None


class TestTime:
    def test_a_type_that_was_idle_for_hours_is_not_told_again(
        self, intake: Intake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        patient = intake.ehr.create({"resourceType": "Patient"}).reference
        intake.ehr.create(note(patient, "one"))
        intake.sweep()
        told = len(intake.events())
        later = instant(datetime.now(UTC) + timedelta(hours=2))
        monkeypatch.setattr(sweep, "now", lambda: later)
        for _ in range(3):
            intake.sweep()
        assert len(intake.events()) == told == 1

    def test_what_lies_far_behind_the_cursor_is_forgotten_for_this_type_alone(
        self, scripted: Any
    ) -> None:
        old, other = (
            version(1, moment(timedelta(hours=3))),
            version(1, moment(timedelta(hours=3)), "Observation/1"),
        )
        intake = scripted({"DocumentReference": [old], "Observation": [other]})
        intake.sweep()
        intake.ehr.told = {"DocumentReference": [version(1, moment(), "DocumentReference/2")]}
        intake.sweep()
        assert intake.state.is_new(NOTE, "1") and not intake.state.is_new("Observation/1", "1")

    def test_a_sweep_that_is_overdue_is_told(self) -> None:
        health = Health()
        assert health.unready(moment(timedelta(minutes=3)), sweep_sec=60) == []
        assert "began at" in health.unready(moment(timedelta(minutes=4)), sweep_sec=60)[0]

    def test_a_long_history_is_published_in_parts_whatever_its_order(
        self, scripted: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(publish, "PART", 2)
        times = [moment(timedelta(seconds=s)) for s in range(9, 0, -1)]
        written = [
            version(n, time, subject={"reference": f"Patient/{1 + n // 6}"})
            for n, time in enumerate(times, 1)
        ]
        intake = scripted(
            {"DocumentReference": written[::-1]}
        )  # newest first: it moved from Patient/1 to Patient/2 with version 6
        for _ in range(2):
            intake.sweep()
        assert {e.version for e in intake.events()} == {v.version for v in written}
        last = intake.state.last(NOTE)
        assert (
            last
            and (last.version, last.subject) == ("9", "Patient/2")
            and intake.state.cursor("DocumentReference") == times[-1]
        )


class TestWhose:
    @pytest.mark.parametrize("kind", ["DocumentReference", "Observation"])
    def test_a_corrected_subject_is_told_to_both_patients_unless_it_is_an_input(
        self, intake: Intake, kind: str
    ) -> None:
        wrong, right = (intake.ehr.create({"resourceType": "Patient"}).reference for _ in range(2))
        value = {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": "a value"},
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


def change(ehr: Any, kind: str, patient: str) -> None:
    if kind == "Patient":
        current = ehr.read(patient)
        ehr.update(current | {"active": False}, current["meta"]["versionId"])
        return
    coding = {
        "system": "http://terminology.hl7.org/CodeSystem/consentscope",
        "code": "patient-privacy",
    }
    words = {
        "scope": {"coding": [coding]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "policyRule": {"text": "none"},
    }
    ehr.create(
        {
            "resourceType": "Consent",
            "status": "active",
            "patient": {"reference": patient},
            "provision": {"type": "deny"},
            **words,
        }
    )


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
        assert intake.health.logs_lost._value.get() == 1

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
