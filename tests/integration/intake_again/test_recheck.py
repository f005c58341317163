"""Intake again: recheck."""

from datetime import timedelta

import pytest

from services.intake import state, sweep
from services.treatment.service import SERVICE
from shared.answers import Answer
from tests.integration.intake_again.support import (
    ABOUT,
    PATIENT,
    drawn,
    order_of,
    swept_later,
    told_again,
    unavailable,
    with_plan,
)
from tests.integration.intake_changes.support import Intake, change, moment, version
from tests.unit.treatment_record import order, report


class TestOnceMore:
    """An EHR may find late what it wrote: a denial, the document that replaces another."""

    def test_after_a_consent_when_the_overlap_is_over_and_then_no_more(
        self, scripted: Intake
    ) -> None:
        scripted.ehr.told = {
            "ImagingStudy": [version(1, moment(), "ImagingStudy/1", **ABOUT)],
            "MedicationRequest": [order_of(PATIENT)],
        }
        scripted.sweep()
        assert len(told_again(scripted)) == 2
        assert swept_later(scripted, 20) == []
        assert sorted(swept_later(scripted, 31)) == [
            ("ImagingStudy/1", "update"),
            ("MedicationRequest/1", "update"),
        ]
        assert swept_later(scripted, 100) == swept_later(scripted, 3000) == []

    def test_after_a_document_that_replaces_another(self, scripted: Intake) -> None:
        replacing = {
            "relatesTo": [{"code": "replaces", "target": {"reference": "DocumentReference/1"}}]
        }
        scripted.ehr.told = {
            "DocumentReference": [version(1, moment(), "DocumentReference/1", **ABOUT)]
        }
        scripted.sweep()
        scripted.ehr.told = {
            "DocumentReference": [version(1, moment(), "DocumentReference/2", **ABOUT, **replacing)]
        }
        scripted.sweep()
        assert swept_later(scripted, 31) == [("DocumentReference/1", "update")]

    def test_also_by_a_process_that_was_started_since_and_whose_log_was_away(
        self, scripted: Intake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scripted.ehr.told = {"ImagingStudy": [version(1, moment(), "ImagingStudy/1", **ABOUT)]}
        scripted.sweep()
        told_again(scripted)
        scripted.state.close()
        scripted.state = state.State(scripted.folder / "intake.sqlite")
        with monkeypatch.context() as away:
            away.setattr(sweep, "now", lambda: moment(timedelta(seconds=-31)))
            away.setattr(type(scripted.sink), "send", unavailable)
            assert list(scripted.sweep()) == [sweep.RECHECK]
        assert swept_later(scripted, 31) == [("ImagingStudy/1", "update")]

    def test_not_for_what_the_ehr_must_have_found_long_since_nor_for_what_is_read(
        self, scripted: Intake
    ) -> None:
        old = version(
            1,
            moment(timedelta(hours=2)),
            "Consent/1",
            patient={"reference": PATIENT},
            status="active",
        )
        scripted.ehr.told = {
            "ImagingStudy": [version(1, moment(), "ImagingStudy/1", **ABOUT)],
            "Consent": [old],
            "Patient": [version(1, moment(), PATIENT)],
        }
        scripted.sweep()
        assert swept_later(scripted, 31) == []

    def test_a_denial_that_a_search_finds_late_is_heard(
        self, intake: Intake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        subject, line = with_plan(
            intake, [order("clopidogrel", "32968", mg=75), order("omeprazole", "7646", mg=20)]
        )
        before = len(intake.events())
        change(intake.ehr, "Consent", subject)
        intake.sweep()
        [at_once] = [e for e in intake.events()[before:] if SERVICE.accepts(e)]
        with monkeypatch.context() as late:
            search = type(intake.ehr).search
            late.setattr(
                type(intake.ehr),
                "search",
                lambda ehr, kind, *a, **k: (
                    iter(()) if kind == "Consent" else search(ehr, kind, *a, **k)
                ),
            )
            assert drawn(line, at_once) == "unchanged"
        before = len(intake.events())
        swept_later(intake, 31)
        assert [drawn(line, e) for e in intake.events()[before:] if SERVICE.accepts(e)] == [
            "not_analysed"
        ]
        assert swept_later(intake, 100) == []


@pytest.mark.parametrize("rests_on", ["report", "orders"])
def test_a_denial_takes_a_plan_back_with_one_event(intake: Intake, rests_on: str) -> None:
    ehr = intake.ehr
    told = (
        [report("genomics", "gen")]
        if rests_on == "report"
        else [order("clopidogrel", "32968", mg=75), order("omeprazole", "7646", mg=20)]
    )
    subject, line = with_plan(intake, told)
    plan = ehr.head(Answer("treatment", subject)).outputs["report"]
    before = len(intake.events())
    change(ehr, "Consent", subject)
    intake.sweep()
    [again] = [e for e in intake.events()[before:] if SERVICE.accepts(e)]
    assert drawn(line, again) == "not_analysed"
    assert ehr.head(Answer("treatment", subject)).outcome == "rejected"
    assert ehr.read(plan)["status"] == "revoked"
