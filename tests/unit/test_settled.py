"""What counts as settled: the plan rests on what stands, not on what a clinician rejected."""

from typing import Any, cast

import pytest

from services.clinic.settled import Clinic
from shared.answers import Answer, Basis, Head, Outcome
from shared.errors import Misconfigured
from shared.fhir import codes
from shared.fhir.heads import names_all, requested
from shared.fhir.sources import NAMED
from shared.settings import load_settings

NOW = "2026-01-02T03:04:05.000Z"


def head(
    outcome: Outcome, focus: str, *, signed: bool = False, sources: tuple[str, ...] = ()
) -> Head:
    inputs = [
        {"type": codes.concept(codes.TASK_PART, "source"), "valueReference": codes.reference(s)}
        for s in sources
    ]
    return Head(
        "Task/1",
        "1",
        1,
        outcome,
        "",
        signed,
        {},
        {"focus": codes.reference(focus), "input": inputs},
    )


def lacks(*others: Head) -> list[str]:
    clinic = Clinic(cast(Any, None), cast(Any, None), "Patient/1", [], lambda: None)
    plan = head("requested", "CarePlan/1", sources=("DiagnosticReport/known",))
    heads = [
        (Answer("treatment", "Patient/1"), plan, ""),
        *((Answer("imaging", "ImagingStudy/1"), h, "") for h in others),
    ]
    return clinic.plan_lacks(heads)


def test_a_waiting_and_a_signed_report_must_be_in_the_plan() -> None:
    assert (
        lacks(
            head("requested", "DiagnosticReport/known"),
            head("completed", "DiagnosticReport/known", signed=True),
        )
        == []
    )
    assert lacks(head("requested", "DiagnosticReport/new")) == [
        "the plan does not rest on DiagnosticReport/new yet"
    ]
    assert lacks(head("completed", "DiagnosticReport/new", signed=True)) == [
        "the plan does not rest on DiagnosticReport/new yet"
    ]


def test_a_rejected_report_must_not() -> None:
    assert (
        lacks(head("completed", "DiagnosticReport/rejected"), head("rejected", "ImagingStudy/1"))
        == []
    )


def test_a_plan_that_can_not_name_every_report_is_believed() -> None:
    labs = [f"Observation/{n}" for n in range(2 * NAMED)]
    assert not plan_names_all(*(f"DiagnosticReport/{n}" for n in range(2 * NAMED)), *labs)
    assert plan_names_all(*labs, "DiagnosticReport/1") and plan_names_all("DiagnosticReport/1")


def plan_names_all(*sources: str) -> bool:
    head = Head("Task/1", "1", 1, "draft", "", False, {}, {"authoredOn": NOW})
    task = requested(
        head,
        subject="Patient/1",
        basis=Basis("0" * 64, ()),
        focus="CarePlan/1",
        device="Device/1",
        sources=dict.fromkeys(sources, "1"),
        outputs={},
        now=NOW,
    )
    return names_all(task, "DiagnosticReport")


@pytest.mark.parametrize("since", ["yesterday", "2026-01-01", "2026-01-01T00:00:00"])
def test_a_beginning_that_is_no_instant_is_refused_by_name(since: str) -> None:
    with pytest.raises(Misconfigured, match=r"CARELOOP_INTAKE_SINCE: .*2026-01-01T00:00:00Z"):
        load_settings(intake_since=since)
    assert (
        load_settings(intake_since="2026-01-01T01:00:00+01:00").intake_since
        == "2026-01-01T00:00:00.000Z"
    )
