"""Priority of a result, from what was found."""

import pytest

from shared.answers import Answer, Basis
from shared.fhir import codes, heads
from shared.fhir.urgency.priority import PRIORITIES, priority_of, urgency_of
from shared.json import Json


def of(patient: str) -> Json:
    return {"subject": {"reference": patient}}


def a_head(priority: object) -> Json:
    said = {} if priority is None else {"priority": priority}
    return {"resourceType": "Task", "status": "requested", "for": {"reference": "Patient/1"}} | said


def an_alert(severity: str, status: str = "preliminary") -> Json:
    found = {"resourceType": "DetectedIssue", "status": status, "severity": severity}
    return found | {"patient": {"reference": "Patient/1"}}


def a_value(code: str, status: str = "preliminary") -> Json:
    return {
        "resourceType": "Observation",
        "status": status,
        "interpretation": [codes.concept(codes.INTERPRETATION, code)],
    } | of("Patient/1")


def a_report(code: str) -> Json:
    return {
        "resourceType": "DiagnosticReport",
        "status": "preliminary",
        "conclusionCode": [codes.concept(codes.SNOMED, code)],
    } | of("Patient/1")


@pytest.mark.parametrize(
    ("found", "asked"),
    [
        ([], "routine"),
        ([an_alert("low"), an_alert("moderate")], "routine"),
        ([an_alert("moderate"), an_alert("high")], "urgent"),
        ([an_alert("high", "cancelled")], "routine"),
        ([an_alert("high"), a_value("LL")], "asap"),
        ([a_value("HH", "cancelled"), a_value("HU")], "urgent"),
        ([a_value("POS")], "routine"),
        ([a_report("233604007")], "urgent"),
        ([a_report("36118008"), a_value("AA")], "stat"),
        ([{"resourceType": "ServiceRequest", "status": "draft", "priority": "stat"}], "stat"),
        ([{"resourceType": "ServiceRequest", "status": "draft", "priority": "at once"}], "routine"),
    ],
)
def test_the_most_urgent_finding_decides(found: list[Json], asked: str) -> None:
    assert priority_of(found) == asked


@pytest.mark.parametrize("priority", PRIORITIES)
def test_a_head_says_itself_how_urgent_it_is(priority: str) -> None:
    assert urgency_of(a_head(priority), [an_alert("high"), a_value("HH")]) == priority


@pytest.mark.parametrize("priority", [None, "", "at once", "STAT", 1, ["stat"]])
def test_of_one_that_says_nothing_known_its_parts_do(priority: object) -> None:
    head = a_head(priority)
    assert urgency_of(head, []) == "routine"
    assert urgency_of(head, [an_alert("high")]) == "urgent"
    assert urgency_of(head, [an_alert("high"), a_value("HH")]) == "asap"
    assert urgency_of(head, [a_value("HH") | of("Patient/2"), a_report("1")]) == "routine"
    assert urgency_of(head | {"status": "completed"}, [a_value("HH")]) == "routine"


def test_a_head_without_result_is_not_urgent_any_more() -> None:
    draft = heads.first_draft(
        answer := Answer("imaging", "ImagingStudy/1"),
        1,
        subject="Patient/1",
        device="Device/1",
        now="2026-01-01T00:00:00.000Z",
    )
    head = heads.to_be_created(draft, answer, 1)
    waiting = heads.requested(
        head,
        subject="Patient/1",
        basis=Basis("x"),
        focus="DiagnosticReport/1",
        device="Device/1",
        sources={},
        outputs={"report": "DiagnosticReport/1"},
        now="2026-01-01T00:00:01.000Z",
        priority="stat",
    )
    assert waiting["priority"] == "stat"
    refused = heads.without_result(
        heads.head_of(waiting),
        "rejected",
        subject="Patient/1",
        basis="x",
        reason="Too dark.",
        focus=heads.focus_on(answer, exists=False),
        outputs={},
        now="2026-01-01T00:00:02.000Z",
    )
    assert "priority" not in refused
