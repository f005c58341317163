"""Analyze: preview."""

import pytest

from shared import instants
from shared.answers import Answer
from shared.ehr.client import Ehr
from shared.fhir import heads, lifecycle
from shared.runtime.line import Line
from tests.integration.analyze.support import analyze, door, run, standing, versions, why
from tests.toy import note


def test_nothing_is_written(line: Line, ehr: Ehr, patient: str) -> None:
    focus = ehr.create(note(patient, "one two three")).reference
    before = versions(ehr)
    shown = analyze(line, focus)
    assert versions(ehr) == before
    assert (shown["resourceType"], shown["type"]) == ("Bundle", "transaction")
    [report] = [
        e["resource"] for e in shown["entry"] if e["resource"]["resourceType"] == "DiagnosticReport"
    ]
    assert (report["conclusion"], report["status"]) == ("3 words", "preliminary")


def test_posted_as_it_is_it_does_what_the_event_does_and_the_event_then_changes_nothing(
    line: Line, ehr: Ehr, patient: str
) -> None:
    shown, told = (
        ehr.create(note(patient, "one two three four five six")).reference for _ in range(2)
    )
    ehr.transact(analyze(line, shown))
    assert run(line, told) == "result"
    assert standing(ehr, shown) == standing(ehr, told)
    before = versions(ehr)
    assert run(line, shown) == "unchanged"
    assert versions(ehr) == before


def test_over_a_standing_draft_it_shows_an_update_and_never_a_second_result(
    line: Line, ehr: Ehr, patient: str
) -> None:
    focus = ehr.create(note(patient, "one two")).reference
    assert run(line, focus) == "result"
    reports = sum(1 for _ in ehr.search("DiagnosticReport", {}))
    resource = ehr.read(focus)
    assert resource is not None
    ehr.update(
        resource | {"content": note(patient, "one two three")["content"]},
        resource["meta"]["versionId"],
    )
    shown = analyze(line, focus)
    ehr.transact(shown)
    assert sum(1 for _ in ehr.search("DiagnosticReport", {})) == reports
    head = ehr.head(Answer("toy", focus))
    assert head is not None
    assert (ehr.read(head.outputs["report"]) or {})["conclusion"] == "3 words"
    assert run(line, focus) == "unchanged"


def test_after_a_decision_it_opens_the_next_revision(line: Line, ehr: Ehr, patient: str) -> None:
    focus = ehr.create(note(patient, "one two")).reference
    run(line, focus)
    head = ehr.head(Answer("toy", focus))
    assert head is not None
    ehr.update(
        heads.decided(head, "rejected", owner=None, reason=None, now=instants.now()), head.version
    )
    ehr.transact(analyze(line, focus))
    newest = ehr.head(Answer("toy", focus))
    assert newest is not None
    assert (newest.revision, newest.outcome) == (2, "requested")


def test_a_result_that_was_signed_elsewhere_is_left_alone(
    line: Line, ehr: Ehr, patient: str
) -> None:
    focus = ehr.create(note(patient, "one two")).reference
    run(line, focus)
    head = ehr.head(Answer("toy", focus))
    assert head is not None
    report = ehr.read(head.outputs["report"])
    assert report is not None
    ehr.update(lifecycle.at_stage(report, "signed"), report["meta"]["versionId"])
    assert "decided" in why(analyze(line, focus, 422))


@pytest.mark.parametrize(
    ("text", "reason"), [("  ", "The note is empty."), ("broken", "The note can't be read.")]
)
def test_what_is_not_analysed_says_why(
    line: Line, ehr: Ehr, patient: str, text: str, reason: str
) -> None:
    assert why(analyze(line, ehr.create(note(patient, text)).reference, 422)) == reason


def test_what_has_not_arrived_yet_asks_for_patience(line: Line, ehr: Ehr, patient: str) -> None:
    answer = door(line).post(
        "/analyze", json={"focus": ehr.create(note(patient, "not yet")).reference}
    )
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")


def test_what_the_service_does_not_accept_says_so(line: Line, patient: str) -> None:
    assert "does not accept" in why(analyze(line, patient, 422))
