"""Intake changes: odd answers."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from services.intake import publish, sweep
from services.intake.health import Health
from services.intake.known.marks import Mark
from shared.ehr.client import Version
from shared.ehr.responses import versions
from shared.errors import FhirError
from shared.instants import instant
from tests.integration.intake_changes.support import NOTE, Intake, moment, version
from tests.samples import value_of
from tests.toy import note


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
        assert value_of(intake.health.refused, "Patient") == 1
        intake.ehr.told["Patient"] = []
        assert intake.sweep() == {} and intake.health.unready(intake.state.swept(), 60) == []
        assert value_of(intake.health.refused, "Patient") == 0

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
        assert value_of(intake.health.skipped, "DocumentReference") == 2

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
            value_of(intake.health.skipped, "DocumentReference") == 1 and "left out" in caplog.text
        )

    @pytest.mark.parametrize(
        "entry",
        [
            {"request": {"method": "PUT", "url": NOTE}},
            {
                "request": {"method": "POST", "url": "DocumentReference"},
                "fullUrl": NOTE,
            },
            {"request": {"method": "PATCH", "url": NOTE}, "response": {"etag": '"2"'}},
        ],
        ids=["put", "post", "patch"],
    )
    def test_a_version_that_is_not_shown_is_no_delete(
        self, scripted: Any, entry: dict[str, Any]
    ) -> None:
        shown = {"resource": version(1, moment(), "DocumentReference/2").resource}
        bundle = {"entry": [entry, shown]}
        intake = scripted({"DocumentReference": list(versions(bundle, "DocumentReference", ""))})
        assert intake.sweep() == {}
        assert [(e.focus, e.action) for e in intake.events()] == [("DocumentReference/2", "create")]
        assert value_of(intake.health.skipped, "DocumentReference") == 1

    @pytest.mark.parametrize("numbered", [True, False])
    def test_an_ehr_without_version_numbers_is_said_once(
        self, scripted: Any, caplog: pytest.LogCaptureFixture, numbered: bool
    ) -> None:
        first = version(1, moment())
        intake = scripted(
            {"DocumentReference": [first if numbered else replace(first, version="")]}
        )
        one = sweep.Sweep(intake.publisher(), intake.state, intake.settings, threading.Event())
        for _ in range(3):
            assert one.all() == {}
        said = [r for r in caplog.records if "numbers no versions" in r.getMessage()]
        assert len(said) == (0 if numbered else 1) and len(intake.events()) == 1

    def test_a_subject_that_is_no_reference_is_nobody(self, scripted: Any) -> None:
        intake = scripted({"DocumentReference": [version(1, moment(), subject={"reference": 5})]})
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
        published = len(intake.events())
        later = instant(datetime.now(UTC) + timedelta(hours=2))
        monkeypatch.setattr(sweep, "now", lambda: later)
        for _ in range(3):
            intake.sweep()
        assert len(intake.events()) == published == 1

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
        assert intake.state.is_new(NOTE, Mark("1", old.time))
        assert not intake.state.is_new("Observation/1", Mark("1", other.time))

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
