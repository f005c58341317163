"""How EHRs notify: the same tests on the real sekmet and on the fakes."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from benchmarks.fake_ehr.habits import SEKMET_TOPIC
from shared.ehr.capabilities import subscription_topics
from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.errors import FhirError
from shared.fhir import codes
from shared.json import Json
from shared.settings import load_settings
from tests.fakes import HAPI, SEKMET, FakeEhr, Habits
from tests.hooks import Listener
from tests.peers import sekmet

PROFILE = f"{codes.BACKPORT}/backport-subscription"


SERVERS = [
    "real sekmet",
    "fake sekmet",
    "fake hapi",
    pytest.param("real hapi", marks=pytest.mark.hapi),
]


@pytest.fixture(scope="module", params=SERVERS)
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Habits]]:
    """The base of a running EHR, and its habits."""
    if request.param == "real sekmet":
        with sekmet(tmp_path_factory.mktemp("sekmet")) as peer:
            yield peer.base, SEKMET
    elif request.param == "real hapi":
        yield request.getfixturevalue("real_hapi").base, HAPI
    else:
        habits = replace(
            SEKMET if request.param == "fake sekmet" else HAPI,
            delivery_waits_sec=(0.05, 0.05, 0.05),
        )
        with FakeEhr(habits) as fake:
            yield fake.base, habits


@pytest.fixture
def habits(place: tuple[str, Habits]) -> Habits:
    return place[1]


@pytest.fixture
def ehr(place: tuple[str, Habits]) -> Iterator[Ehr]:
    client = open_ehr(load_settings(fhir_url=place[0], fhir_timeout_sec=20))
    yield client
    client.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as started:
        yield started


def subscription(
    criteria: str, endpoint: str, *, payload: str | None = "application/fhir+json", **elements: Any
) -> Json:
    channel = {
        "type": "rest-hook",
        "endpoint": endpoint,
        "header": ["X-Careloop-Secret: s3cret"],
    } | ({"payload": payload} if payload else {})
    return {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "test",
        "criteria": criteria,
        "channel": channel,
    } | elements


def backport(topic: str, endpoint: str, content: str = "id-only") -> Json:
    filtered = {
        "extension": [
            {"url": f"{codes.BACKPORT}/backport-filter-criteria", "valueString": "Patient?"}
        ]
    }
    made = subscription(topic, endpoint, meta={"profile": [PROFILE]}, _criteria=filtered)
    made["channel"]["_payload"] = {
        "extension": [{"url": f"{codes.BACKPORT}/backport-payload-content", "valueCode": content}]
    }
    return made


def until(ehr: Ehr, reference: str, status: str, timeout_sec: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_sec
    while (found := (ehr.read(reference) or {}).get("status")) != status:
        assert time.monotonic() < deadline, f"{reference} is {found}, not {status}"
        time.sleep(0.02)


def parameters(body: Json | None) -> Json:
    listed = (body or {})["entry"][0]["resource"]["parameter"]
    return {
        p["name"]: next((v for k, v in p.items() if k.startswith("value")), p.get("part"))
        for p in listed
    }


def is_about(reference: str) -> Callable[[list[Any]], bool]:
    return lambda received: any(reference in r.path for r in received)


def test_classic_with_payload_puts_the_resource_below_the_endpoint(
    ehr: Ehr, listener: Listener
) -> None:
    made = ehr.create(subscription("Task?status=requested", f"{listener.url}/hook")).reference
    until(ehr, made, "active")
    ehr.create({"resourceType": "Task", "status": "draft", "intent": "order"})
    written = ehr.create(
        {"resourceType": "Task", "status": "requested", "intent": "order"}
    ).reference
    got = listener.wait_for(is_about(written))[-1]
    assert (got.method, got.path) == ("PUT", f"/hook/{written}")
    assert got.headers["x-careloop-secret"] == "s3cret"
    assert (got.body or {})["status"] == "requested"
    assert len(listener.received) == 1, "a resource that does not fit the criteria was sent"


def test_classic_without_payload_is_an_empty_post(
    ehr: Ehr, habits: Habits, listener: Listener
) -> None:
    made = ehr.create(subscription("Device?", f"{listener.url}/hook", payload=None)).reference
    until(ehr, made, "active")
    for _ in range(3):
        ehr.create({"resourceType": "Device"})
    got = listener.wait_for(lambda received: len(received) >= (1 if habits.coalesces_empty else 3))
    assert {(r.method, r.path, r.body) for r in got} == {("POST", "/hook", None)}


def test_a_topic_without_filter_criteria(ehr: Ehr, habits: Habits, listener: Listener) -> None:
    bare = {
        k: v for k, v in backport(SEKMET_TOPIC, f"{listener.url}/hook").items() if k != "_criteria"
    }
    if not habits.needs_backport_profile:
        until(ehr, ehr.create(bare).reference, "active")
        return
    with pytest.raises(FhirError) as refused:
        ehr.create(bare)
    assert refused.value.status == 422


def test_a_topic_that_is_listed(ehr: Ehr, habits: Habits, listener: Listener) -> None:
    assert (SEKMET_TOPIC in subscription_topics(ehr.capabilities())) == bool(habits.topics)
    made = ehr.create(backport(SEKMET_TOPIC, f"{listener.url}/hook")).reference
    until(ehr, made, "active")
    patient = ehr.create({"resourceType": "Patient"}).reference
    if not habits.handshakes:
        time.sleep(0.3)
        assert listener.received == [], "active without a handshake, and silent"
        return
    handshake, event = listener.wait_for(lambda received: len(received) >= 2)
    assert (parameters(handshake.body)["type"], parameters(handshake.body)["status"]) == (
        "handshake",
        "requested",
    )
    told = parameters(event.body)
    assert (told["type"], told["topic"], told["events-since-subscription-start"]) == (
        "event-notification",
        SEKMET_TOPIC,
        "1",
    )
    parts = {p["name"]: p for p in told["notification-event"]}
    assert parts["event-number"]["valueString"] == "1"
    assert parts["focus"]["valueReference"]["reference"].endswith(patient)


def test_a_topic_that_nobody_knows(ehr: Ehr, habits: Habits, listener: Listener) -> None:
    made = ehr.create(
        backport(f"http://example.org/topic/{uuid4()}", f"{listener.url}/hook")
    ).reference
    until(ehr, made, "error" if habits.handshakes else "active")
    assert listener.received == []


def test_after_three_failures_one_gives_up_and_the_other_does_not(
    ehr: Ehr, habits: Habits, listener: Listener
) -> None:
    listener.status = 500
    made = ehr.create(subscription("Endpoint?status=active", f"{listener.url}/hook")).reference
    until(ehr, made, "active")
    kind = codes.coding(codes.ENDPOINT_CONNECTION, "dicom-wado-rs")
    ehr.create(
        {
            "resourceType": "Endpoint",
            "status": "active",
            "connectionType": kind,
            "payloadType": [{"text": "x"}],
            "address": "http://x.invalid",
        }
    )
    listener.wait_for(lambda received: len(received) >= 3)
    if habits.retries_for_ever:
        listener.wait_for(lambda received: len(received) > 3)
        listener.status = 200
    else:
        until(ehr, made, "error")
        assert len(listener.received) == 3
