"""Client: Bundles whose parts are null, empty or of another type."""

from typing import Any

import pytest

from shared.errors import Unavailable
from shared.json import Json
from tests.served import json_response
from tests.unit.client.support import TASK, Answering

NAMED: Json = {**TASK, "id": "1"}
SINCE = "2026-01-01T00:00:00Z"
NO_BUNDLES: list[Any] = [
    {"entry": [None]},
    {"entry": None},
    {"entry": {}},
    {"entry": "none"},
    {"entry": [{}]},
    {"entry": [[]]},
    {"entry": [{"resource": None}]},
    {"entry": [{"resource": []}]},
    {"entry": [{"resource": NAMED, "search": None}]},
    {"entry": [{"resource": NAMED, "search": "match"}]},
    {"entry": [{"resource": NAMED, "fullUrl": None}]},
    {"entry": [{"resource": NAMED, "request": None}]},
    {"entry": [{"resource": NAMED, "response": {"etag": 1}}]},
    {"entry": [{"resource": {**NAMED, "meta": "1"}}]},
    {"entry": [{"resource": {**NAMED, "id": 1}}]},
    {"entry": [{"resource": {"resourceType": None, "id": "1"}}]},
    {"link": None},
    {"link": [None]},
    {"link": {}},
    {"link": [{"relation": "next", "url": None}]},
    {"link": [{"relation": None, "url": "x"}]},
    {"resourceType": "Task", "id": "1"},
    {"resourceType": None},
]


@pytest.mark.parametrize("wrong", NO_BUNDLES, ids=str)
def test_what_is_no_bundle_is_no_answer(answering: Answering, wrong: Json) -> None:
    ehr = answering(lambda _: json_response({"resourceType": "Bundle", **wrong}))
    for ask in (lambda: list(ehr.search("Task", {})), lambda: list(ehr.history("Task", SINCE))):
        with pytest.raises(Unavailable, match="no Bundle"):
            ask()


@pytest.mark.parametrize(
    "entry",
    [{"search": {"mode": "match"}}, {"resource": {**TASK}}, {"resource": {**NAMED, "id": ""}}],
)
def test_a_match_that_is_none_is_no_answer(answering: Answering, entry: Json) -> None:
    ehr = answering(lambda _: json_response({"resourceType": "Bundle", "entry": [entry]}))
    with pytest.raises(Unavailable, match="no Bundle"):
        list(ehr.search("Task", {}))


def test_a_second_page_is_looked_at_as_the_first(answering: Answering) -> None:
    link = {"relation": "next", "url": "Task?page=2"}
    first = {"resourceType": "Bundle", "entry": [{"resource": NAMED}], "link": [link]}
    second = {"resourceType": "Bundle", "entry": [None]}
    ehr = answering(lambda asked: json_response(second if "page=2" in asked.target else first))
    with pytest.raises(Unavailable, match="no Bundle"):
        list(ehr.search("Task", {}))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"entry": []},
        {"entry": [], "link": []},
        {"link": [{"relation": "self", "url": "x"}]},
        {"link": [{"relation": "next"}]},
    ],
)
def test_nothing_found_is_an_answer(answering: Answering, body: Json) -> None:
    ehr = answering(lambda _: json_response({"resourceType": "Bundle", **body}))
    assert list(ehr.search("Task", {})) == []
    assert list(ehr.history("Task", SINCE)) == []
