"""Whether there is a signed report, by whom, whether it still stands; what became of each part."""

from dataclasses import replace
from typing import Any

import pytest

from services.review.decision.decide import DECIDED_ELSEWHERE
from services.review.decision.fates import LEFT_OUT, REFUTED
from services.review.report import standing
from services.review.report.fates import fate_of
from services.review.result.result import Result
from shared.answers import Head
from shared.fhir import codes, heads
from shared.json import Json
from tests.unit.review_critical.support import as_read, begun, drawn

SIGNED_AT = "2026-05-01T09:00:00.000Z"
REPORT: Json = {
    "resourceType": "DiagnosticReport",
    "id": "1",
    "status": "final",
    "meta": {"versionId": "2", "lastUpdated": SIGNED_AT},
}


def decided(kind: str, reason: str | None = None, owner: str | None = "Practitioner/1") -> Head:
    head = drawn(begun(), "2026-05-01T08:00:00.000Z", "routine")
    task = heads.decided(head, kind, owner=owner, reason=reason, now=SIGNED_AT)
    return as_read(task, SIGNED_AT)


def result(head: Head, focus: Json | None = REPORT, **more: Any) -> Result:
    outputs = {"report": focus} if focus else {}
    made = Result(head, "imaging", "Patient/1", None, outputs, (), (), (), (), ())
    return replace(made, **more)


def test_there_is_one_of_what_was_signed_or_amended() -> None:
    assert standing.why_not(result(decided("signed"))) == ""
    assert standing.why_not(result(decided("amended"))) == ""


def test_of_anything_else_it_says_why_not() -> None:
    waiting = drawn(begun(), SIGNED_AT, "routine")
    cases = {
        standing.UNSIGNED: result(waiting),
        standing.REJECTED: result(decided("rejected", "Wrong film.")),
        standing.NOTHING: result(begun()),
        standing.GONE: result(decided("signed"), None),
        standing.FOREIGN: result(decided("signed"), foreign=("Observation/9",)),
    }
    for words, other in cases.items():
        assert standing.why_not(other) == words


@pytest.mark.parametrize(
    "after", ["", " Stopped: aspirin.", " To be stopped by the prescriber: x."]
)
def test_unsigned_results_are_among_the_warnings(after: str) -> None:
    head = decided("signed")
    rests = "Based on results that nobody had signed: Film of 1. May; Notes."
    head = replace(head, task=head.task | {"note": [{"text": f"Refuted: Mass. {rests}{after}"}]})
    assert standing.warnings_of(result(head), REPORT, None) == [rests]
    assert standing.warnings_of(result(decided("signed")), REPORT, None) == []


def test_who_signed() -> None:
    head = decided("signed")
    named = head.task | {"owner": codes.reference("Practitioner/1", "Dr. Ada Berg")}
    assert standing.signature_of(result(replace(head, task=named))) == standing.Signature(
        "Signed", "Dr. Ada Berg", SIGNED_AT
    )
    elsewhere = standing.signature_of(result(decided("signed", DECIDED_ELSEWHERE)))
    assert elsewhere.words.startswith("Decided in another system")
    for owner in ("Practitioner/1", None):
        unnamed = standing.signature_of(result(decided("amended", owner=owner)))
        assert unnamed.who == "somebody whose name is not recorded"
    assert elsewhere.drafted == (
        "Drafted by AI; decided in another system. Somebody whose name is not recorded took it off "
        "the worklist."
    )
    amended = standing.signature_of(result(decided("amended", "Wrong side.")))
    assert amended.reason == "Wrong side."
    assert amended.drafted == "Drafted by AI; decided by somebody whose name is not recorded."


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("final", ""),
        ("amended", ""),
        ("appended", ""),
        ("cancelled", "WITHDRAWN"),
        ("entered-in-error", "WITHDRAWN"),
        ("preliminary", "NOT FINAL"),
        ("unknown", "NOT FINAL"),
    ],
)
def test_what_no_longer_stands_says_so(status: str, word: str) -> None:
    focus = REPORT | {"status": status}
    assert standing.void_of(focus) == word
    warned = standing.warnings_of(result(decided("signed"), focus), focus, None)
    assert bool(warned) == bool(word) and all(status in words for words in warned)


@pytest.mark.parametrize(("status", "word"), [("active", ""), ("revoked", "WITHDRAWN")])
def test_a_plan_has_statuses_of_its_own(status: str, word: str) -> None:
    assert standing.void_of({"resourceType": "CarePlan", "status": status}) == word


@pytest.mark.parametrize(
    ("written", "warns"),
    [
        (SIGNED_AT, False),
        ("2026-05-01T09:00:59.000Z", False),  # of one transaction; servers stamp it bit by bit
        ("2026-05-01T09:01:01.000Z", True),
        ("2027-01-01T00:00:00.000Z", True),
        ("2020-01-01T00:00:00.000Z", False),
    ],
)
def test_a_text_that_was_changed_after_the_signature_is_told(written: str, warns: bool) -> None:
    focus = REPORT | {"meta": {"versionId": "3", "lastUpdated": written}}
    warned = standing.warnings_of(result(decided("signed"), focus), focus, None)
    assert any("written again after the signature (version 3)" in w for w in warned) == warns


def test_a_newer_revision_and_lost_parts_are_told() -> None:
    head = decided("signed")
    newer = replace(head, revision=2, outcome="requested")
    told = standing.warnings_of(result(head, missing=("DiagnosticReport/1",)), REPORT, newer)
    assert told == [
        "There is a newer revision of this result, number 2: it waits for a signature.",
        "1 part(s) of this result are no longer in the record.",
    ]
    assert standing.warnings_of(result(head), REPORT, head) == []


# --- parts


def part(kind: str, **more: Any) -> Json:
    return {"resourceType": kind} | more


def verified(status: str, *notes: str) -> Json:
    concept = codes.concept(codes.CONDITION_VERIFICATION, status)
    return part("Condition", verificationStatus=concept, note=[{"text": n} for n in notes])


@pytest.mark.parametrize(
    ("resource", "fate"),
    [
        (part("Observation", status="final"), "confirmed"),
        (part("Observation", status="corrected"), "confirmed"),
        (part("Observation", status="cancelled", note=[{"text": REFUTED}]), "REFUTED"),
        (part("Observation", status="cancelled", note=[{"text": LEFT_OUT}]), "left out"),
        (part("Observation", status="cancelled"), "NOT ACCEPTED"),
        (part("Observation", status="entered-in-error"), "NOT ACCEPTED (entered in error)"),
        (part("Observation", status="preliminary"), "status in the record: preliminary"),
        (part("Observation"), "status in the record: status not recorded"),
        (verified("confirmed"), "confirmed"),
        (verified("refuted"), "REFUTED"),
        (verified("entered-in-error", LEFT_OUT), "left out"),
        (part("DetectedIssue", status="final"), "kept"),
        (part("MedicationRequest", status="active"), "ordered"),
        (part("MedicationRequest", status="stopped"), "status in the record: stopped"),
        (part("Goal", lifecycleStatus="accepted"), "accepted"),
        (part("Basic", status="odd"), "status in the record: odd"),
    ],
)
def test_each_part_says_what_became_of_it(resource: Json, fate: str) -> None:
    assert fate_of("it", result(decided("signed"), outputs={"it": resource})).startswith(fate)
