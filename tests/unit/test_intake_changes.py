"""`changes`: what a batch of changes publishes, whom it concerns, what is rechecked (pure)."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from services.intake.changes import Former, Publication, changes
from services.intake.known.marks import mark_of
from services.intake.watched import Watch, installed
from shared.events import ResourceEvent
from shared.fhir import codes
from shared.instants import now
from tests.toy import TOY

ADA, BOB = "Patient/ada", "Patient/bob"
ECG, CREATININE = f"{codes.LOINC}|18844-1", f"{codes.LOINC}|2160-0"

ACCEPTED: dict[str, dict[str, object]] = {
    "ImagingStudy": {"codes": ("http://dicom.nema.org/resources/ontology/DCM|DX",)},
    "DocumentReference": {
        "codes": (f"{codes.LOINC}|34117-2",),
        "content_types": ("text/plain",),
    },
    "MedicationRequest": {"intent": "order"},
}
"""What makes a service accept a resource of the type."""


def event(focus: str, version: str = "1", **fields: object) -> ResourceEvent:
    made = ResourceEvent(focus, version, "update", subject=ADA, time=now())
    accepted = ACCEPTED.get(made.type, {})
    return replace(made, **(accepted | fields))  # type: ignore[arg-type]


def published(
    *events: ResourceEvent,
    known: Mapping[str, ResourceEvent] | None = None,
    former: Former | None = None,
    watch: Watch | None = None,
) -> Publication:
    return changes(events, (known or {}).get, former or {}, watch or installed())


def told(publication: Publication) -> list[tuple[str, str | None]]:
    return [(e.focus, e.subject) for e in publication.events]


@pytest.fixture
def with_ecg() -> Watch:
    """Our services, and one more that answers the Observations of an ECG."""

    def accepts(event: ResourceEvent) -> bool:
        return event.type == "Observation" and (event.action == "delete" or ECG in event.codes)

    ecg = replace(TOY, name="ecg", triggers=frozenset({"Observation"}), accepts=accepts)
    return Watch((*installed().services, ecg))


def test_a_new_input_is_published_and_remembered_and_concerns_nobody_else() -> None:
    study = event("ImagingStudy/1")
    found = published(study)
    assert (found.events, found.remember) == ([study], [study])
    assert (found.patients, found.inputs, found.recheck) == ([], [], frozenset())


@pytest.mark.parametrize("focus", ["ImagingStudy/1", "DocumentReference/1"])
def test_an_input_that_moves_is_published_to_the_patient_it_has_now(focus: str) -> None:
    known = {focus: event(focus, "1", subject=BOB)}
    assert told(published(event(focus, "2"), known=known)) == [(focus, ADA)]


@pytest.mark.parametrize("focus", ["Condition/1", "AllergyIntolerance/1", "MedicationRequest/1"])
def test_what_a_plan_rests_on_is_published_to_both_patients(focus: str) -> None:
    known = {focus: event(focus, "1", subject=BOB)}
    assert told(published(event(focus, "2"), known=known)) == [(focus, ADA), (focus, BOB)]


def test_a_subject_that_only_the_ehr_knew_counts_as_well() -> None:
    changed, before = event("Condition/1", "2"), event("Condition/1", "1", subject=BOB)
    found = published(changed, former={("Condition/1", mark_of(changed)): before})
    assert told(found) == [("Condition/1", ADA), ("Condition/1", BOB)]


def test_of_two_changes_in_one_batch_the_second_knows_the_first() -> None:
    first, second = event("Condition/1", "1", subject=BOB), event("Condition/1", "2")
    found = published(first, second)
    assert told(found) == [("Condition/1", BOB), ("Condition/1", ADA), ("Condition/1", BOB)]
    assert found.latest == {"Condition/1": second}


def test_a_delete_gets_the_subject_that_was_known() -> None:
    gone = event("ImagingStudy/1", "3", action="delete", subject=None)
    found = published(gone, known={"ImagingStudy/1": event("ImagingStudy/1", "2", subject=BOB)})
    assert told(found) == [("ImagingStudy/1", BOB)]


def test_a_document_that_replaces_another_has_it_published_again_and_rechecked() -> None:
    new = event("DocumentReference/2", replaces=("DocumentReference/1",))
    found = published(new)
    assert (found.inputs, found.recheck) == (["DocumentReference/1"], {"DocumentReference/1"})


def test_a_document_that_replaces_it_no_more_does_the_same() -> None:
    before = event("DocumentReference/2", "1", replaces=("DocumentReference/1",))
    found = published(event("DocumentReference/2", "2"), known={"DocumentReference/2": before})
    assert found.inputs == ["DocumentReference/1"]


@pytest.mark.parametrize("focus", ["Consent/1", ADA])
def test_a_consent_or_patient_has_no_event_and_everything_of_hers_is_published(focus: str) -> None:
    found = published(event(focus))
    assert (found.events, found.patients) == ([], [ADA])


def test_a_consent_is_rechecked_and_a_patient_is_not() -> None:
    """The patient is read; a denial is searched, and a search may find it late."""
    assert published(event("Consent/1")).recheck == {ADA}
    assert published(event(ADA)).recheck == frozenset()
    assert published(event("Consent/1", time="2001-01-01T00:00:00.000Z")).recheck == frozenset()


def test_a_consent_that_moves_concerns_both_patients() -> None:
    known = {"Consent/1": event("Consent/1", "1", subject=BOB)}
    assert published(event("Consent/1", "2"), known=known).patients == [ADA, BOB]


def test_where_the_log_was_lost_nothing_of_a_patient_is_published_twice() -> None:
    consent = event("Consent/1", "1")
    assert published(consent, known={"Consent/1": consent}).patients == []


@pytest.mark.parametrize(
    ("code", "is_input"), [(ECG, True), (CREATININE, False)], ids=["an ECG", "a creatinine"]
)
def test_of_a_type_that_two_kinds_of_service_watch_the_codes_decide(
    code: str, is_input: bool, with_ecg: Watch
) -> None:
    observation = event("Observation/1", codes=(code,))
    assert with_ecg.is_input(observation) is is_input
    assert with_ecg.is_passing(observation) is not is_input
    assert not installed().is_input(observation)


def test_an_input_of_such_a_type_goes_to_its_patient_alone(with_ecg: Watch) -> None:
    known = {"Observation/1": event("Observation/1", "1", subject=BOB, codes=(ECG,))}
    moved = published(event("Observation/1", "2", codes=(ECG,)), known=known, watch=with_ecg)
    assert told(moved) == [("Observation/1", ADA)]

    creatinine = {"Observation/1": event("Observation/1", "1", subject=BOB, codes=(CREATININE,))}
    value = published(
        event("Observation/1", "2", codes=(CREATININE,)), known=creatinine, watch=with_ecg
    )
    assert told(value) == [("Observation/1", ADA), ("Observation/1", BOB)]


def test_every_type_of_a_new_service_is_swept(with_ecg: Watch) -> None:
    assert set(with_ecg.swept) == set(installed().swept)
    procedures = replace(TOY, name="ops", triggers=frozenset({"Procedure"}))
    assert "Procedure" in Watch((*installed().services, procedures)).swept


def test_a_service_whose_code_fails_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    def broken(event: ResourceEvent) -> bool:
        raise KeyError(event.subject)

    bad = replace(TOY, name="bad", triggers=frozenset({"Observation"}), accepts=broken)
    value = event("Observation/1", codes=(CREATININE,))
    assert published(value, watch=Watch((*installed().services, bad))).events == [value]
    assert "bad (careloop)" in caplog.text and "KeyError" in caplog.text
    assert ADA not in caplog.text


class TestWanted:
    """What nobody accepts has no event; what somebody accepted once has."""

    NOISE = (f"{codes.LOINC}|0000-0",)

    def test_a_first_version_that_nobody_accepts_has_none(self) -> None:
        noise = event("Observation/1", codes=self.NOISE, action="create")
        found = published(noise)
        assert (found.events, found.unwanted, found.remember) == ([], [noise], [noise])

    def test_nor_has_our_own_result_whose_report_comes_with_it(self) -> None:
        ours = event("Observation/1", action="create", status="preliminary", answer_of="genomics")
        assert told(published(ours)) == []
        report = event("DiagnosticReport/1", action="create", answer_of="genomics")
        assert told(published(report)) == [("DiagnosticReport/1", ADA)]

    @pytest.mark.parametrize("status", ["corrected", "entered-in-error", "final", "preliminary"])
    def test_a_later_version_of_our_result_has_one(self, status: str) -> None:
        ours = event("Observation/1", "2", status=status, answer_of="genomics")
        known = {"Observation/1": event("Observation/1", answer_of="genomics")}
        assert told(published(ours, known=known)) == [("Observation/1", ADA)]

    def test_a_code_that_changed_away_is_a_retraction(self) -> None:
        known = {"Observation/1": event("Observation/1", codes=(CREATININE,))}
        noise = event("Observation/1", "2", codes=self.NOISE)
        assert told(published(noise, known=known)) == [("Observation/1", ADA)]
        assert (
            told(
                published(
                    event("Observation/1", "3", codes=self.NOISE), known={"Observation/1": noise}
                )
            )
            == []
        )

    def test_a_patient_from_whom_it_moved_hears_of_it(self) -> None:
        known = {"Observation/1": event("Observation/1", codes=(CREATININE,), subject=BOB)}
        noise = event("Observation/1", "2", codes=self.NOISE)
        assert told(published(noise, known=known)) == [
            ("Observation/1", ADA),
            ("Observation/1", BOB),
        ]

    def test_of_a_delete_what_it_was_before_decides(self) -> None:
        gone = event("Observation/1", "2", action="delete", subject=None)
        wanted = {"Observation/1": event("Observation/1", codes=(CREATININE,))}
        noise = {"Observation/1": event("Observation/1", codes=self.NOISE)}
        assert told(published(gone, known=wanted)) == [("Observation/1", ADA)]
        assert told(published(gone, known=noise)) == []
        at_ehr = {("Observation/1", mark_of(gone)): wanted["Observation/1"]}
        assert told(published(gone, former=at_ehr)) == [("Observation/1", ADA)]

    def test_a_delete_of_what_nobody_knows_has_one(self) -> None:
        gone = event("Observation/1", "2", action="delete")
        assert told(published(gone)) == [("Observation/1", ADA)]

    def test_where_nobody_knows_what_it_was_only_our_own_has_none(self) -> None:
        noise = event("Observation/1", "2", codes=self.NOISE)
        ours = replace(noise, answer_of="treatment")
        assert told(published(noise)) == [("Observation/1", ADA)]
        assert told(published(ours)) == []

    def test_also_our_own_where_the_ehr_was_asked_in_vain(self) -> None:
        ours = event("Condition/1", "3", answer_of="notes", verification="unconfirmed")
        asked: Former = {("Condition/1", mark_of(ours)): None}
        assert told(published(ours, former=asked)) == [("Condition/1", ADA)]
        confirmed = replace(ours, version="2", verification="confirmed")
        assert told(published(ours, former={("Condition/1", mark_of(ours)): confirmed})) == [
            ("Condition/1", ADA)
        ]
