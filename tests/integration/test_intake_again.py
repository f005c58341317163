"""A patient or a consent changed: what rests on it is told again, all of it and no more, and
treatment takes its plan back.
"""

import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.catalogue import analyser_names
from services.intake import state, sweep
from services.intake.watched import installed
from services.treatment.service import SERVICE, accepts
from shared.answers import Answer
from shared.ehr.client import Ehr, open_ehr
from shared.errors import Unavailable
from shared.events import ResourceEvent, encode
from shared.fhir import codes
from shared.runtime.line import Case, Line, at_ehr
from shared.settings import Settings
from tests.fakes import HAPI, SEKMET, FakeEhr
from tests.integration.test_intake_changes import Intake, Scripted, change, moment, version
from tests.unit.treatment_record import order, patient, report

PATIENT = "Patient/1"
ABOUT = {"subject": {"reference": PATIENT}}


@pytest.fixture
def scripted(tmp_path: Path) -> Iterator[Intake]:
    made = Intake(tmp_path, Scripted({}))
    yield made
    made.close()


def consent(number: int = 1) -> Any:
    return version(
        number, moment(), f"Consent/{number}", patient={"reference": PATIENT}, status="active"
    )


def report_of(service: str, reference: str, time: str, number: int = 1) -> Any:
    return version(
        number, time, reference, identifier=[{"system": codes.SERVICE, "value": service}], **ABOUT
    )


def told_again(intake: Intake) -> list[tuple[str, str]]:
    """What the sweep of a consent adds."""
    before = len(intake.events())
    intake.ehr.told = {"Consent": [consent()]}
    assert intake.sweep() == {}
    return [(e.focus, e.action) for e in intake.events()[before:]]


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
    db = scripted.state._db  # make it the file of the former version
    former = ResourceEvent(
        "DiagnosticReport/1", "1", "create", subject=PATIENT, answer_of="imaging", time=moment()
    )
    db.execute(
        "INSERT OR REPLACE INTO foci VALUES (?, ?, ?, ?)",
        (former.focus, PATIENT, former.time, encode(former, "")[1]),
    )
    db.executescript(
        "DROP TABLE plans; CREATE INDEX foci_of ON foci (subject, instant); PRAGMA user_version = 0"
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
        assert written or not installed().draws_plan(event) or accepts(event)
        assert (
            installed().draws_plan(event)
            or not accepts(event)
            or kind in ("Condition", "AllergyIntolerance")
            or service
        )  # those alone draw none


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


def order_of(subject: str) -> Any:
    return version(
        1, moment(), "MedicationRequest/1", intent="order", subject={"reference": subject}
    )


def unavailable(*_: Any) -> None:
    raise Unavailable("broker")


def swept_later(intake: Intake, seconds: float) -> list[tuple[str, str]]:
    """What a sweep adds that begins so much later."""
    before = len(intake.events())
    with pytest.MonkeyPatch.context() as later:
        later.setattr(sweep, "now", lambda: moment(timedelta(seconds=-seconds)))
        assert intake.sweep() == {}
    return [(e.focus, e.action) for e in intake.events()[before:]]


@pytest.fixture(params=[SEKMET, HAPI], ids=["fake-sekmet", "fake-hapi"])
def ehr(request: pytest.FixtureRequest) -> Iterator[Ehr]:
    with FakeEhr(request.param) as fake, open_ehr(Settings(fhir_url=fake.base)) as client:
        yield client


@pytest.fixture
def intake(ehr: Ehr, tmp_path: Path) -> Iterator[Intake]:
    made = Intake(tmp_path, ehr)
    yield made
    made.close()


def drawn(line: Line, event: ResourceEvent) -> str:
    taken = line.take(event)
    return (
        line.put(taken, SERVICE.analyze([taken.inputs], line.model)[0])
        if isinstance(taken, Case)
        else taken
    )


def with_plan(intake: Intake, rests_on: list[Any]) -> tuple[str, Line]:
    """A patient whose plan was drawn from these, and a line that draws it again."""
    ehr, settings = intake.ehr, intake.settings
    subject = ehr.create({k: v for k, v in patient().items() if k not in ("id", "meta")}).reference
    for resource in rests_on:
        ehr.create(
            {k: v for k, v in resource.items() if k not in ("id", "meta", "result")}
            | {"subject": codes.reference(subject)}
        )
    line = Line(SERVICE, ehr, SERVICE.load(settings), settings, at_ehr(ehr))
    intake.sweep()
    settled = [drawn(line, e) for e in intake.events() if SERVICE.accepts(e)]
    assert settled[0] == "result"
    intake.sweep()
    return subject, line


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
