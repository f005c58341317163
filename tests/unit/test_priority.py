"""Priority of a result, from what was found."""

import pytest

from shared.answers import Answer, Basis
from shared.fhir import codes, heads
from shared.fhir.urgency.priority import priority_of
from shared.json import Json


def an_alert(severity: str, status: str = "preliminary") -> Json:
    return {"resourceType": "DetectedIssue", "status": status, "severity": severity}


def a_value(code: str, status: str = "preliminary") -> Json:
    return {
        "resourceType": "Observation",
        "status": status,
        "interpretation": [codes.concept(codes.INTERPRETATION, code)],
    }


def a_report(code: str) -> Json:
    return {
        "resourceType": "DiagnosticReport",
        "status": "preliminary",
        "conclusionCode": [codes.concept(codes.SNOMED, code)],
    }


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
