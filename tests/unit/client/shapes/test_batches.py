"""Client: batches that are refused, and answers to another question."""

import logging
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from shared.ehr.ahead import reading, searching
from shared.ehr.client import Ehr
from shared.ehr.guard.abilities import Abilities
from shared.ehr.wire.response import Response
from shared.errors import Unavailable
from shared.json import Json
from tests.served import Asked, json_response
from tests.unit.client.support import Answering

PATIENTS: dict[str, Json] = {
    f"Patient/{n}": {"resourceType": "Patient", "id": str(n)} for n in (1, 2)
}
QUESTIONS = [
    reading("Patient/1"),
    reading("Patient/2"),
    reading("Patient/none"),
    searching("Consent", {"patient": "1"}),
]
CONSENT: Json = {"resourceType": "Consent", "id": "c", "status": "active"}
Entries = list[Json]


def bundle(*resources: Json) -> Json:
    return {"resourceType": "Bundle", "entry": [{"resource": r} for r in resources]}


def alone(url: str) -> Response:
    """What the server says to one question."""
    place = url.removeprefix("/fhir/").split("?")[0]
    if place == "Consent":
        return json_response(bundle(CONSENT))
    return json_response(PATIENTS[place]) if place in PATIENTS else Response(404)


def entry(url: str) -> Json:
    answer = alone(url)
    body = {"resource": orjson.loads(answer.content)} if answer.content else {}
    return {**body, "response": {"status": str(answer.status)}}


Server = Callable[[Callable[[Entries], Any]], Ehr]


@pytest.fixture
def server(answering: Answering) -> Server:
    """An EHR that answers a batch with what the function makes of the right entries."""

    def made(change: Callable[[Entries], Any]) -> Ehr:
        def respond(asked: Asked) -> Response:
            if asked.method != "POST":
                return alone(asked.target)
            wanted = orjson.loads(asked.content)["entry"]
            changed = change([entry(e["request"]["url"]) for e in wanted])
            if isinstance(changed, Response):
                return changed
            return json_response({"resourceType": "Bundle", "entry": changed})

        return answering(respond).able(Abilities(batches=True))

    return made


def swapped(i: int, j: int) -> Callable[[Entries], Entries]:
    def change(entries: Entries) -> Entries:
        entries[i], entries[j] = entries[j], entries[i]
        return entries

    return change


def put(i: int, **parts: Any) -> Callable[[Entries], Entries]:
    return lambda entries: [*entries[:i], parts, *entries[i + 1 :]]


OK = {"status": "200 OK"}
ODD: dict[str, Callable[[Entries], Any]] = {
    "backwards": lambda entries: entries[::-1],
    "two reads": swapped(0, 1),
    "a read and nothing": swapped(1, 2),
    "a read and a search": swapped(0, 3),
    "nothing and a search": swapped(2, 3),
    "one is missing": lambda entries: entries[1:],
    "one too many": lambda entries: [*entries, entries[0]],
    "no status": put(0, resource=PATIENTS["Patient/1"]),
    "no resource": put(0, response=OK),
    "no id": put(0, resource={"resourceType": "Patient"}, response=OK),
    "no Bundle": put(3, resource=PATIENTS["Patient/1"], response=OK),
    "hits of another type": put(3, resource=bundle(PATIENTS["Patient/1"]), response=OK),
    "a Bundle of null": put(3, resource={"resourceType": "Bundle", "entry": None}, response=OK),
    "an error under 200": put(
        0,
        resource={
            "resourceType": "OperationOutcome",
            "issue": [{"severity": "error", "code": "not-supported"}],
        },
        response=OK,
    ),
    "no Bundle at all": lambda _: json_response({"resourceType": "Patient"}),
    **{
        str(status): lambda _, s=status: Response(s)
        for status in (400, 403, 405, 409, 413, 500, 501)
    },
    "refused one by one": lambda entries: [{"response": {"status": "403"}} for _ in entries],
}


@pytest.mark.parametrize("change", ODD.values(), ids=ODD)
def test_each_question_has_its_own_answer_whatever_the_batch_says(
    server: Server, change: Callable[[Entries], Any]
) -> None:
    ehr = server(change).ahead(QUESTIONS)
    assert [ehr.read(q.place) for q in QUESTIONS[:3]] == [*PATIENTS.values(), None]
    assert list(ehr.search("Consent", {"patient": "1"})) == [CONSENT]


def test_the_log_tells_a_refusal_once(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    ehr = server(lambda _: Response(413))
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            ehr.ahead(QUESTIONS)
    assert [r.getMessage().split(":")[0] for r in caplog.records] == [
        "a batch is refused, so its questions go one by one"
    ]


@pytest.mark.parametrize("status", [401, 429, 502, 503])
def test_an_ehr_that_is_away_is_not_asked_one_by_one(server: Server, status: int) -> None:
    ehr = server(lambda _: Response(status))
    with pytest.raises(Unavailable):
        ehr.ahead(QUESTIONS)
