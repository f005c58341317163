"""Intake state: growth."""

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import httpx
import pytest

from services.intake.known.marks import Mark
from services.intake.publish import Publisher
from services.intake.state import State
from shared.ehr.client import Version
from shared.events import ResourceEvent
from tests.integration.intake_changes.support import Intake, moment, version
from tests.integration.intake_state.support import ABOUT, LAB, PATIENT, kept, lab, pages


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
        empty = pages(state)
        # the same ids each time: how full pages are depends on them
        versions = [f"Observation/{uuid5(NAMESPACE_URL, str(n))}" for n in range(2000)]
        for start in range(0, len(versions), 100):
            state.remember(
                [
                    ResourceEvent(v, "1", "create", subject=PATIENT, time=years)
                    for v in versions[start : start + 100]
                ]
            )
        assert (pages(state) - empty) / len(versions) == pytest.approx(
            110, rel=0.25
        )  # docs/operations.md, "What grows"
        assert state.db.execute("SELECT count(*) FROM recent").fetchone() == (
            0,
        ) and not state.is_new(versions[9], Mark("1", years))
        state.close()

    def test_a_delete_of_what_is_known_no_longer_says_whose_it_was(self, intake: Intake) -> None:
        patient = intake.ehr.create({"resourceType": "Patient"}).reference
        written = intake.ehr.create(lab(patient)).reference
        intake.sweep()
        intake.state.db.execute(
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
        intake.state.db.execute(
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
        intake.state.db.execute("DELETE FROM recent")
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
