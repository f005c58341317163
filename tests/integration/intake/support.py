"""What the tests of intake share."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry

from services.intake.notifications.marked import Marked
from services.intake.notifications.registered import Registered
from services.intake.notifications.subscriptions import SECRET_HEADER, Keeper
from services.intake.notifications.topics import R5
from services.intake.notifications.webhook import Doorway, paths, webhook
from services.intake.publish import Publisher
from services.intake.state import State
from services.intake.sweep import Sweep
from services.intake.watched import installed
from shared.ehr.client import Ehr
from shared.errors import Unavailable
from shared.events import ResourceEvent, decode
from shared.settings import Settings
from shared.stream.base import EVENTS_TOPIC, Message, Sink
from shared.stream.memory import MemoryLog
from shared.web.app import Probes, create_app
from tests.toy import note

SECRET = "knock-knock"


STEPS = (
    "Patient/..",
    "Patient/.",
    "patient/1",
    "DocumentReference/a b",
    "DocumentReference/%2e%2e",
    "DocumentReference",
    "urn:uuid:1",
)


def notification(kind: str, events: list[tuple[int, str]]) -> dict[str, Any]:
    counted = [
        {
            "name": "notification-event",
            "part": [
                {"name": "event-number", "valueString": str(number)},
                {
                    "name": "focus",
                    "valueReference": {
                        "reference": focus
                        if focus in STEPS
                        else f"https://elsewhere.example/fhir/{focus}"
                    },
                },
            ],
        }
        for number, focus in events
    ]
    head = [
        {
            "name": "subscription",
            "valueReference": {"reference": "https://elsewhere.example/fhir/Subscription/s"},
        },
        {"name": "type", "valueCode": kind},
    ]
    return {
        "resourceType": "Bundle",
        "type": "history",
        "entry": [{"resource": {"resourceType": "Parameters", "parameter": head + counted}}],
    }


def handshake(since_start: int | None) -> dict[str, Any]:
    body = notification("handshake", [])
    if since_start is not None:  # 64-bit integers are strings in R4 Backport
        body["entry"][0]["resource"]["parameter"].append(
            {"name": "events-since-subscription-start", "valueString": str(since_start)}
        )
    return body


@dataclass
class Intake:
    """Intake's parts around one log, without its threads."""

    ehr: Ehr
    log: MemoryLog
    sink: Sink
    settings: Settings
    state: State

    def close(self) -> None:
        self.ehr.close()
        self.sink.close()
        self.state.close()

    @property
    def publisher(self) -> Publisher:
        return Publisher(self.ehr, self.sink, self.state, threading.Lock())

    @property
    def sweep(self) -> Sweep:
        return Sweep(self.publisher, self.state, self.settings, threading.Event())

    @property
    def keeper(self) -> Keeper:
        return Keeper(self.ehr, self.settings, threading.Event(), Registered(self.state))

    def app(self) -> Flask:
        app = create_app(
            "intake",
            Probes(list, CollectorRegistry()),
            title="t",
            max_body_bytes=2000,
            paths=paths(installed()),
        )
        app.register_blueprint(webhook(Doorway(self.ehr, Marked(self.sweep), self.state), SECRET))
        return app

    def door(self) -> FlaskClient:
        return self.app().test_client()

    def events(self) -> list[ResourceEvent]:
        return [decode(r.value, r.headers) for r in self.log.scan(EVENTS_TOPIC)]

    def restarted(self) -> "Intake":
        path = self.settings.state_dir / "intake.sqlite"
        self.state.close()
        return Intake(self.ehr, self.log, self.sink, self.settings, State(path))


FAKES = ["fake-sekmet", "fake-hapi"]


everywhere = pytest.mark.parametrize("base", [*FAKES, "sekmet"], indirect=True)


def settle(condition: Callable[[], bool], seconds: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def first_told(intake: Intake, patient: str) -> str | None:
    """Write notes until the EHR tells of one. sekmet calls a Subscription active a moment before it
    heeds it; what is written then is the sweep's.
    """
    for _ in range(10):
        reference = intake.ehr.create(note(patient, "told by the EHR")).reference
        # called within this turn
        if settle(lambda: reference in [e.focus for e in intake.events()], 6.0):  # noqa: B023
            return reference
    return None


class FailingSink:
    """A log that is away."""

    def send(self, topic: str, messages: list[Message], timeout_sec: float = 5.0) -> None:
        raise Unavailable("broker")

    def close(self) -> None: ...


def post(intake: Intake, body: dict[str, Any]) -> Any:
    return intake.door().post(
        "/notify/DocumentReference", json=body, headers={SECRET_HEADER: SECRET}
    )


TOPIC = "https://hospital.example/SubscriptionTopic/any"


def topic(kind: str, fhirpath: str) -> dict[str, Any]:
    trigger = [
        {"url": "resource", "valueUri": f"http://hl7.org/fhir/StructureDefinition/{kind}"},
        {"url": "supportedInteraction", "valueCode": "create"},
        {"url": "supportedInteraction", "valueCode": "update"},
        {"url": "fhirPathCriteria", "valueString": fhirpath},
    ]
    return {
        "resourceType": "Basic",
        "extension": [
            {"url": f"{R5}.url", "valueUri": TOPIC},
            {"url": f"{R5}.resourceTrigger", "extension": trigger},
        ],
        "code": {
            "coding": [{"system": "http://hl7.org/fhir/fhir-types", "code": "SubscriptionTopic"}]
        },
    }
