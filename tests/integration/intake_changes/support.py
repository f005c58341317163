"""What the tests of intake changes share."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from services.intake.health import Health
from services.intake.publish import Publisher
from services.intake.state import State
from services.intake.sweep import Sweep
from shared.ehr.client import Ehr, Version
from shared.errors import FhirError
from shared.events import ResourceEvent, decode
from shared.instants import instant
from shared.settings import Settings
from shared.stream.base import EVENTS_TOPIC
from shared.stream.sqlite import SqliteLog

NOTE = "DocumentReference/1"


@dataclass
class Scripted:
    """An EHR whose histories are what a test says: a list of versions, or an error.

    What it told once stands there to be read, also where a test's next history leaves it out.
    """

    told: dict[str, list[Version] | Exception]
    base: str = "http://ehr.example/fhir"
    asked: list[str] = field(default_factory=list)
    stands: dict[str, Any] = field(default_factory=dict)

    def history(self, kind: str, since: str) -> Iterator[Version]:
        self.asked.append(since)
        told = self.told.get(kind, [])
        if isinstance(told, Exception):
            raise told
        self.stands |= {v.reference: v.resource for v in told if v.resource}
        yield from told

    def shows_deletes(self, kind: str) -> bool:
        return True

    def operation(self, path: str, params: dict[str, str]) -> Any:
        if path not in self.stands:
            raise FhirError(404, f"GET {path}")
        return self.stands[path]


@dataclass
class Intake:
    """Intake's parts around an event log that is a file."""

    folder: Path
    ehr: Any
    stop: threading.Event = field(default_factory=threading.Event)
    health: Health = field(default_factory=Health)

    def __post_init__(self) -> None:
        self.settings = Settings(
            fhir_url=self.ehr.base, state_dir=self.folder, intake_since="1970-01-01T00:00:00Z"
        )
        self.state = State(self.folder / "intake.sqlite")
        self.connect()

    def connect(self) -> None:
        self.log = SqliteLog(self.folder / "events.sqlite")
        self.log.create_topics(4, [])
        self.sink = self.log.sink()

    def close(self) -> None:
        self.sink.close()
        self.state.close()

    def publisher(self) -> Publisher:
        return Publisher(cast(Ehr, self.ehr), self.sink, self.state, threading.Lock(), self.health)

    def sweep(self) -> dict[str, str]:
        return dict(
            Sweep(
                self.publisher(),
                self.state,
                self.settings,
                threading.Event(),
                lambda: self.log.identity(EVENTS_TOPIC),
                self.stop,
            ).all()
        )

    def events(self) -> list[ResourceEvent]:
        return [
            decode(r.value, r.headers)
            for r in sorted(self.log.scan(EVENTS_TOPIC), key=lambda r: r.timestamp)
        ]

    def told(self) -> list[tuple[str, str, str | None]]:
        return [(e.focus, e.action, e.subject) for e in self.events()]


ACCEPTED: dict[str, dict[str, Any]] = {
    "DocumentReference": {
        "type": {"coding": [{"system": "http://loinc.org", "code": "34117-2"}]},
        "content": [{"attachment": {"contentType": "text/plain"}}],
    },
    "ImagingStudy": {
        "modality": [{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "DX"}]
    },
    "Observation": {
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2160-0"}]},
    },
    "MedicationRequest": {"intent": "order"},
}
"""What makes a service accept a resource of the type."""


def version(number: int, time: str, reference: str = NOTE, **elements: Any) -> Version:
    kind, logical_id = reference.split("/")
    resource = {
        "resourceType": kind,
        "id": logical_id,
        "meta": {"versionId": str(number), "lastUpdated": time},
        **ACCEPTED.get(kind, {}),
        **elements,
    }
    return Version(reference, str(number), time, False, resource)


def moment(ago: timedelta = timedelta()) -> str:
    return instant(datetime.now(UTC) - ago)


def change(ehr: Any, kind: str, patient: str) -> None:
    if kind == "Patient":
        current = ehr.read(patient)
        ehr.update(current | {"active": False}, current["meta"]["versionId"])
        return
    coding = {
        "system": "http://terminology.hl7.org/CodeSystem/consentscope",
        "code": "patient-privacy",
    }
    words = {
        "scope": {"coding": [coding]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "policyRule": {"text": "none"},
    }
    ehr.create(
        {
            "resourceType": "Consent",
            "status": "active",
            "patient": {"reference": patient},
            "provision": {"type": "deny"},
            **words,
        }
    )
