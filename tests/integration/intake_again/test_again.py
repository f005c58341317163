"""Intake again: again."""

import itertools
from datetime import timedelta

import pytest

from services.catalogue import analyser_names
from services.intake import state
from services.intake.watched import installed
from services.treatment.service import accepts
from shared.events import ResourceEvent, encode
from tests.integration.intake_again.support import ABOUT, PATIENT, report_of, told_again
from tests.integration.intake_changes.support import Intake, moment, version


def test_a_study_older_than_a_thousand_results_is_told_again_and_the_results_are_not(
    scripted: Intake,
) -> None:
    study = version(1, moment(timedelta(hours=1)), "ImagingStudy/1", **ABOUT)
    labs = [
        version(1, moment(timedelta(seconds=1001 - n)), f"Observation/{n}", **ABOUT)
        for n in range(1001)
    ]
    scripted.ehr.told = {"ImagingStudy": [study], "Observation": labs}
    scripted.sweep()
    assert told_again(scripted) == [("ImagingStudy/1", "update")]


def test_all_inputs_are_told_again_however_many_pages_they_fill(
    scripted: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "PAGE", 2)
    mine = [
        version(1, moment(), f"{kind}/{n}", **ABOUT)
        for kind in ("ImagingStudy", "DocumentReference")
        for n in range(5)
    ]
    other = version(1, moment(), "ImagingStudy/other", subject={"reference": "Patient/2"})
    scripted.ehr.told = {"ImagingStudy": [*mine[:5], other], "DocumentReference": mine[5:]}
    scripted.sweep()
    assert sorted(told_again(scripted)) == sorted((v.reference, "update") for v in mine)


def test_one_event_stands_for_all_that_a_plan_rests_on(scripted: Intake) -> None:
    reports = [
        report_of("genomics", f"DiagnosticReport/{n}", moment(timedelta(minutes=9 - n)))
        for n in range(3)
    ]
    orders = [
        version(1, moment(timedelta(minutes=5)), f"MedicationRequest/{n}", intent="order", **ABOUT)
        for n in range(3)
    ]
    scripted.ehr.told = {"DiagnosticReport": reports, "MedicationRequest": orders}
    scripted.sweep()
    assert told_again(scripted) == [("MedicationRequest/2", "update")]


def test_a_file_that_knew_every_focus_and_no_plan_still_opens_and_tells_of_it(
    scripted: Intake,
) -> None:
    scripted.ehr.told = {"DiagnosticReport": [report_of("imaging", "DiagnosticReport/1", moment())]}
    scripted.sweep()
    db = scripted.state.db  # make it the file of the former version
    former = ResourceEvent(
        "DiagnosticReport/1", "1", "create", subject=PATIENT, answer_of="imaging", time=moment()
    )
    db.execute(
        "INSERT OR REPLACE INTO foci VALUES (?, ?, ?, ?)",
        (former.focus, PATIENT, former.time, encode(former, "")[1]),
    )
    db.executescript(
        "DELETE FROM plans; CREATE INDEX foci_of ON foci (subject, instant); "
        "PRAGMA user_version = 0"
    )
    scripted.state.close()
    scripted.state = state.State(scripted.folder / "intake.sqlite")
    assert told_again(scripted) == [("DiagnosticReport/1", "update")]


def test_whatever_is_told_of_a_plan_is_one_that_treatment_accepts() -> None:
    intents = (
        "proposal",
        "plan",
        "order",
        "original-order",
        "reflex-order",
        "filler-order",
        "instance-order",
        "option",
        None,
    )
    for kind, service, intent in itertools.product(
        installed().watched, (None, *analyser_names()), intents
    ):
        event = ResourceEvent(
            f"{kind}/1", "1", "update", subject=PATIENT, answer_of=service, intent=intent
        )
        written = service == "treatment" and kind == "DiagnosticReport"  # it writes none
        assert written or not installed().plans_by(event) or accepts(event)
        assert (
            installed().plans_by(event)
            or not accepts(event)
            or kind in ("Condition", "AllergyIntolerance")
            or service
        )  # those alone draw none
