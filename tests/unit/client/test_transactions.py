"""Client: a success of HTTP that is none of the transaction, or of the write."""

from typing import Any

import pytest

from shared.ehr.wire.answered import Accepted, PartlyWritten
from shared.ehr.wire.response import Response
from shared.errors import CareloopError, Conflict, FhirError, Unavailable
from shared.json import Json
from tests.served import json_response
from tests.unit.client.support import TASK, Answering

PUT: Json = {
    "fullUrl": "Task/1",
    "resource": {**TASK, "id": "1"},
    "request": {"method": "PUT", "url": "Task/1", "ifMatch": 'W/"1"'},
}
POST: Json = {
    "fullUrl": "urn:uuid:1",
    "resource": {"resourceType": "Observation"},
    "request": {"method": "POST", "url": "Observation"},
}
SENT: Json = {"resourceType": "Bundle", "type": "transaction", "entry": [PUT, POST]}
DONE: Json = {"response": {"status": "200 OK", "etag": '"2"'}}
MADE: Json = {"response": {"status": "201 Created", "location": "Observation/7/_history/1"}}


def bundle(*entries: Any) -> Json:
    return {"resourceType": "Bundle", "type": "transaction-response", "entry": list(entries)}


def outcome(code: str, severity: str = "error") -> Json:
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": severity, "code": code, "diagnostics": "Jane Doe"}],
    }


def refused(status: str, **more: Any) -> Json:
    return {"response": {"status": status, **more}}


@pytest.mark.parametrize(
    "body",
    [
        bundle(DONE, MADE),
        bundle(refused("200"), MADE),
        bundle(refused("200", outcome=outcome("informational", "information")), MADE),
    ],
)
def test_what_was_done_counts(answering: Answering, body: Json) -> None:
    assert len(answering(lambda _: json_response(body)).transact(SENT)) == 2


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (bundle(DONE, refused("429 Too Many Requests")), Unavailable),
        (bundle(DONE, refused("422")), FhirError),
        (bundle(DONE, refused("409 Conflict")), Conflict),
        (bundle(refused("412"), MADE), Conflict),
        (bundle(refused("301"), MADE), FhirError),
        (bundle(DONE, refused("202 Accepted")), Unavailable),
        (bundle(DONE, refused("200 OK", outcome=outcome("invalid"))), FhirError),
        (bundle(DONE, refused("201", outcome=outcome("throttled", "fatal"))), Unavailable),
        (bundle(DONE, refused("OK")), Unavailable),
        (bundle(DONE, refused("2000")), Unavailable),
        (bundle(DONE, {"response": {}}), Unavailable),
        (bundle(DONE, {"resource": TASK}), Unavailable),
        (bundle(DONE, {}), Unavailable),
        (bundle(DONE, None), Unavailable),
        (bundle(DONE, {"response": None}), Unavailable),
        (bundle(DONE, {"response": {"status": None}}), Unavailable),
        (bundle(DONE, {"response": {"status": 201}}), Unavailable),
        (bundle(DONE), Unavailable),
        (bundle(), Unavailable),
        ({"resourceType": "Bundle", "entry": None}, Unavailable),
        ({"resourceType": "Bundle"}, Unavailable),
        (TASK, Unavailable),
        ({}, Unavailable),
        (outcome("invalid"), FhirError),
        (outcome("conflict"), Conflict),
        (outcome("timeout"), Unavailable),
        (outcome("informational", "information"), Unavailable),
    ],
)
def test_what_was_not_done_does_not_count(
    answering: Answering, body: Json, expected: type[CareloopError]
) -> None:
    with pytest.raises(expected) as error:
        answering(lambda _: json_response(body)).transact(SENT)
    assert "Jane" not in str(error.value)


def test_the_accepted_half_is_named(answering: Answering) -> None:
    body = bundle(DONE, refused("422"))
    with pytest.raises(FhirError, match="422 to POST Observation") as error:
        answering(lambda _: json_response(body)).transact(SENT)
    half = error.value.__cause__
    assert isinstance(half, PartlyWritten)
    assert half.accepted == (Accepted("Task/1", "2", created=False),)
    with pytest.raises(Conflict) as other:
        answering(lambda _: json_response(bundle(refused("412"), MADE))).transact(SENT)
    half = other.value.__cause__
    assert isinstance(half, PartlyWritten)
    assert half.accepted == (Accepted("Observation/7", "1", created=True),)


def test_the_longest_wait_is_the_one_that_the_server_asked_for(answering: Answering) -> None:
    body = bundle(DONE, refused("429"))
    headers = {"Retry-After": "7"}
    answer = json_response(body)
    with pytest.raises(Unavailable) as error:
        answering(lambda _: Response(200, headers, answer.content)).transact(SENT)
    assert error.value.retry_after_sec == 7


def test_two_creates_under_one_token_may_share_an_answer(answering: Answering) -> None:
    twin = {**POST, "request": {**POST["request"], "ifNoneExist": "identifier=a|b"}}
    sent = {**SENT, "entry": [twin, twin]}
    assert len(answering(lambda _: json_response(bundle(MADE))).transact(sent)) == 1
    other = {**POST, "request": {**POST["request"], "ifNoneExist": "identifier=a|c"}}
    with pytest.raises(Unavailable):
        answering(lambda _: json_response(bundle(MADE))).transact({**SENT, "entry": [twin, other]})


@pytest.mark.parametrize("status", [202, 203, 206])
def test_a_status_that_promises_nothing_is_no_write(answering: Answering, status: int) -> None:
    ehr = answering(lambda _: json_response(bundle(DONE, MADE), status))
    with pytest.raises(Unavailable):
        ehr.transact(SENT)
    with pytest.raises(Unavailable):
        ehr.create(TASK)
    with pytest.raises(Unavailable):
        ehr.update({**TASK, "id": "1"}, "1")


@pytest.mark.parametrize(
    ("code", "expected"),
    [("invalid", FhirError), ("conflict", Conflict), ("throttled", Unavailable)],
)
def test_an_outcome_with_an_error_is_no_success(
    answering: Answering, code: str, expected: type[CareloopError]
) -> None:
    def respond(_: object) -> Response:
        answer = json_response(outcome(code), 201)
        return Response(201, {"Location": "Task/1/_history/1"}, answer.content)

    ehr = answering(respond)
    for ask in (
        lambda: ehr.create(TASK),
        lambda: ehr.update({**TASK, "id": "1"}, "1"),
        lambda: ehr.read("Task/1"),
        lambda: list(ehr.search("Task", {})),
        ehr.capabilities,
    ):
        with pytest.raises(expected):
            ask()
