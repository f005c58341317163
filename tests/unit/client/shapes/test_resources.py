"""Client: reads, hits and refusals whose parts are null or of another type."""

from typing import Any

import pytest

from shared.answers import Answer
from shared.errors import FhirError, Unavailable
from shared.fhir import codes
from shared.fhir.summary import answer_of
from shared.json import Json
from shared.privacy.person import find_person
from shared.references import has_identifier
from tests.served import json_response
from tests.unit.client.support import TASK, Answering

NOTE = Answer("toy", "DocumentReference/1")
OURS: Json = {"system": codes.ANSWER, "value": str(NOTE.uuid)}
ODD: list[Any] = [None, "x", 5, {}, [], ["x"], [None], [["x"]], [{"system": None}], {"value": "x"}]


@pytest.mark.parametrize("identifier", ODD, ids=str)
def test_a_hit_whose_identifier_is_none_is_no_match(answering: Answering, identifier: Any) -> None:
    hit = {**TASK, "id": "1", "identifier": identifier}
    ehr = answering(
        lambda _: json_response({"resourceType": "Bundle", "entry": [{"resource": hit}]})
    )
    assert list(ehr.search("Task", {"identifier": f"{codes.ANSWER}|x"})) == []
    assert ehr.heads(NOTE) == []
    assert answer_of(hit) is None


@pytest.mark.parametrize("beside", ["x", None, [], 1])
def test_what_stands_beside_our_identifier_does_not_hide_it(beside: Any) -> None:
    task: Json = {**TASK, "id": "1", "identifier": [beside, OURS]}
    assert has_identifier(task, OURS["system"], OURS["value"])
    assert has_identifier({"identifier": OURS}, OURS["system"], OURS["value"])


@pytest.mark.parametrize(
    "issue",
    [
        None,
        "x",
        {},
        [None],
        ["x"],
        [{"expression": 5}],
        [{"expression": "Task"}],
        [{"location": None}],
        [{"expression": [None, {}]}],
        [{"code": []}],
        [{"severity": []}],
        [{"severity": {}, "code": {}}],
    ],
    ids=str,
)
@pytest.mark.parametrize("status", [404, 422, 200])
def test_a_refusal_is_read_whatever_its_issues_are(
    answering: Answering, issue: Any, status: int
) -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": issue}
    ehr = answering(lambda _: json_response(outcome, status))
    if status == 404:
        assert ehr.read("Task/1") is None
    else:
        with pytest.raises(FhirError if status == 422 else Unavailable):
            ehr.read("Task/1")


PATIENT: Json = {"resourceType": "Patient", "id": "1"}
NOT_IT: list[Json] = [
    {},
    {"resourceType": "Patient"},
    {"id": "1"},
    {**PATIENT, "id": "9"},
    {**PATIENT, "id": 1},
    {**PATIENT, "id": None},
    {**PATIENT, "resourceType": "Person"},
    {**PATIENT, "resourceType": None},
    {**PATIENT, "meta": "1"},
    {**PATIENT, "meta": {"lastUpdated": 5}},
    {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": PATIENT}]},
    {"resourceType": "OperationOutcome", "issue": [{"severity": "information", "code": "x"}]},
]


@pytest.mark.parametrize("body", NOT_IT, ids=str)
def test_a_read_answered_with_something_else_is_no_answer(answering: Answering, body: Json) -> None:
    ehr = answering(lambda _: json_response(body))
    for ask in (
        lambda: ehr.read("Patient/1"),
        lambda: ehr.look_up("Patient/1"),
        lambda: find_person(ehr, "Patient/1"),
    ):
        with pytest.raises(Unavailable) as refused:
            ask()
        assert refused.value.cause == "shape" and refused.value.suspect


def test_elements_of_another_resource_are_not_those_that_were_asked_for(
    answering: Answering,
) -> None:
    """A server may leave out the id where elements are chosen."""
    bodies: list[Json] = [{**PATIENT, "id": "9"}, {"resourceType": "Group", "id": "1"}, {}]
    ehr = answering(lambda _: json_response(bodies.pop()))
    while bodies:
        with pytest.raises(Unavailable, match="something else"):
            ehr.operation("Patient/1", {"_elements": "link"})
    bodies = [PATIENT, {"resourceType": "Patient"}]
    while bodies:
        assert ehr.operation("Patient/1", {"_elements": "link"})["resourceType"] == "Patient"


@pytest.mark.parametrize("meta", ["1", [1], {"lastUpdated": 5}, {"lastUpdated": None}], ids=str)
def test_a_bundle_whose_meta_is_none_is_no_answer(answering: Answering, meta: Any) -> None:
    ehr = answering(lambda _: json_response({"resourceType": "Bundle", "meta": meta}))
    with pytest.raises(Unavailable, match="no Bundle"):
        list(ehr.history("Task", "2026-01-01T00:00:00Z"))


def test_a_bundle_without_meta_is_one(answering: Answering) -> None:
    ehr = answering(lambda _: json_response({"resourceType": "Bundle", "meta": None}))
    assert list(ehr.history("Task", "2026-01-01T00:00:00Z")) == []
