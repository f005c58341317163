"""What the tests of critical results share."""

from typing import Any

from shared.answers import Answer, Basis, Head
from shared.fhir import heads
from shared.fhir.heads import head_of
from shared.json import Json

ANSWER = Answer("imaging", "ImagingStudy/1")
FIRST = "2026-05-01T08:00:00.000Z"


def begun(now: str = FIRST) -> Head:
    """The head before anything is known."""
    draft = heads.first_draft(ANSWER, 1, subject="Patient/1", device="Device/1", now=now)
    return heads.to_be_created(draft, ANSWER, 1)


def drawn(head: Head, now: str, priority: Any, basis: str = "x") -> Head:
    """The head as the service writes it with a result."""
    task = heads.requested(
        head,
        subject="Patient/1",
        basis=Basis(basis),
        focus="DiagnosticReport/1",
        device="Device/1",
        sources={"ImagingStudy/1": "1"},
        outputs={"report": "DiagnosticReport/1"},
        now=now,
        priority=priority,
    )
    return as_read(task, now)


def seen(
    head: Head, now: str = FIRST, person: str = "Practitioner/1", name: str = "Dr. Berg"
) -> Head:
    """The head, acknowledged."""
    return as_read(heads.acknowledged(head, person, name, now), now)


def as_read(task: Json, time: str, version: str = "2") -> Head:
    """The head as the EHR shows it."""
    return head_of(task | {"meta": {"versionId": version, "lastUpdated": time}})
