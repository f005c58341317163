"""Acknowledgement on the head: who, when, since when; what keeps it and what drops it."""

import pytest

from shared.fhir import heads
from shared.fhir.check import check_bundle
from shared.fhir.heads import head_of
from shared.fhir.urgency.acknowledgement import (
    Acknowledgement,
    acknowledgement_of,
    unacknowledged,
    waits_since,
)
from shared.json import Json
from tests.hl7 import Validate, collection
from tests.unit.review_critical.support import FIRST, as_read, begun, drawn, seen

LATER, LAST = "2026-05-01T09:00:00.000Z", "2026-05-01T10:00:00.000Z"
BERG = Acknowledgement("Practitioner/1", "Dr. Berg", LATER)


def test_it_says_who_and_when_and_the_first_one_stays() -> None:
    head = seen(drawn(begun(), FIRST, "stat"), LATER)
    assert acknowledgement_of(head.task) == BERG
    again = seen(head, LAST, "Practitioner/2", "Dr. Roth")
    assert acknowledgement_of(again.task) == BERG
    assert again.task["input"] == head.task["input"]


def test_it_changes_nothing_else_of_the_head() -> None:
    head = drawn(begun(), FIRST, "stat")
    task = seen(head, LATER).task
    assert unacknowledged(task) | {"meta": 0, "lastModified": 0} == head.task | {
        "meta": 0,
        "lastModified": 0,
    }
    after = head_of(task)
    assert (after.basis, after.outputs) == (head.basis, head.outputs)
    assert heads.sources_of(task) == heads.sources_of(head.task)
    assert heads.drawn_for(task) == "Patient/1"


def test_owner_and_decision_keep_it() -> None:
    head = seen(drawn(begun(), FIRST, "urgent"), LATER)
    owned = heads.owned(head, ("Practitioner/2", "Dr. Roth"), LAST)
    decided = heads.decided(head, "signed", owner="Practitioner/2", reason=None, now=LAST)
    for task in (owned, decided):
        assert acknowledgement_of(task) == BERG and waits_since(task) == FIRST


@pytest.mark.parametrize("priority", ["stat", "asap", "urgent", "routine"])
def test_what_is_drawn_again_must_be_acknowledged_again(priority: str) -> None:
    head = seen(drawn(begun(), FIRST, "urgent"), LATER)
    again = drawn(head, LAST, priority, basis="y")
    assert acknowledgement_of(again.task) is None
    assert again.task.get("restriction") == (
        None if priority == "routine" else {"period": {"start": LAST}}
    )


@pytest.mark.parametrize(
    ("before", "after", "since"),
    [
        ("urgent", "urgent", FIRST),  # drawn again and again: nobody gains time by that
        ("stat", "urgent", FIRST),
        ("urgent", "stat", LATER),  # worse than before: its own time begins
        ("routine", "urgent", LATER),
    ],
)
def test_its_time_begins_when_it_became_so_urgent(before: str, after: str, since: str) -> None:
    assert waits_since(drawn(drawn(begun(), FIRST, before), LATER, after).task) == since


def test_a_routine_result_waits_for_nobody_s_acknowledgement() -> None:
    head = drawn(begun(), FIRST, "routine")
    assert "restriction" not in head.task


@pytest.mark.parametrize("status", ["rejected", "failed", "cancelled"])
def test_what_has_no_result_any_more_waits_no_longer(status: str) -> None:
    head = seen(drawn(begun(), FIRST, "stat"), LATER)
    task = heads.without_result(
        head,
        status,
        subject="Patient/1",
        basis="z",
        reason="Too dark.",
        focus={"type": "ImagingStudy"},
        outputs={},
        now=LAST,
    )
    assert acknowledgement_of(task) is None and "restriction" not in task


def test_what_others_put_beside_its_time_stays() -> None:
    task = drawn(begun(), FIRST, "stat").task
    task["restriction"]["recipient"] = [{"reference": "Practitioner/7"}]
    again = drawn(as_read(task, FIRST), LATER, "routine").task
    assert again["restriction"] == {"recipient": [{"reference": "Practitioner/7"}]}


def test_a_writer_whose_clock_is_ahead_gives_nobody_more_time() -> None:
    task = drawn(begun("2031-01-01T00:00:00.000Z"), "2031-01-01T00:00:00.000Z", "stat").task
    assert waits_since(as_read(task, FIRST).task) == FIRST


def test_a_head_of_a_former_version_waits_since_it_was_begun() -> None:
    task = drawn(begun(), LATER, "stat").task
    del task["restriction"]
    assert waits_since(task) == FIRST


@pytest.mark.parametrize(
    "part",
    [
        {"valueAnnotation": {"text": "Seen", "time": LATER}},
        {"valueAnnotation": {"text": "Seen", "authorString": "somebody"}},
        {"valueAnnotation": "seen"},
        {"valueString": "seen"},
        {"valueAnnotation": {"text": "Seen", "authorReference": {"display": "Dr. Berg"}}},
    ],
)
def test_what_names_nobody_is_no_acknowledgement(part: Json) -> None:
    task = seen(drawn(begun(), FIRST, "stat"), LATER).task
    task["input"][-1] = {"type": task["input"][-1]["type"]} | part
    assert acknowledgement_of(task) is None


def test_one_without_a_time_still_names_who() -> None:
    task = seen(drawn(begun(), FIRST, "stat"), LATER).task
    task["input"][-1]["valueAnnotation"]["time"] = "this morning"
    assert acknowledgement_of(task) == Acknowledgement("Practitioner/1", "Dr. Berg", "")


@pytest.mark.parametrize("odd", [[], "soon", {"period": []}, {"period": {"start": 7}}])
def test_a_restriction_that_is_not_shaped_as_r4_says_is_no_time(odd: object) -> None:
    task = drawn(begun(), LATER, "stat").task | {"restriction": odd}
    assert waits_since(task) == FIRST


def test_it_is_valid_r4(hl7_errors: Validate) -> None:
    task = seen(drawn(begun(), FIRST, "stat"), LATER).task
    put = {"method": "PUT", "url": f"Task/{task['id']}"}
    entry = {"fullUrl": f"http://ehr.example/fhir/Task/{task['id']}", "resource": task}
    check_bundle(
        {"resourceType": "Bundle", "type": "transaction", "entry": [entry | {"request": put}]}
    )
    assert hl7_errors(collection([task])) == []
