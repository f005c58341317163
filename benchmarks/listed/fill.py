"""Fills an EHR with results: heads, their reports, their alerts."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

from shared.answers import Answer, Basis, Head
from shared.ehr.client import Ehr
from shared.fhir import codes, heads
from shared.fhir.heads import head_of
from shared.fhir.urgency.priority import priority_of
from shared.instants import instant
from shared.json import Json
from shared.references import own_place

AT_ONCE: Final = 50
"""Results in one transaction."""
DAYS: Final = 30
"""The oldest has waited so long."""
CLOSED_SHARE: Final = 20
"""One result is decided on or withdrawn for so many that wait."""
ENDS: Final = ("completed", "cancelled")
CATEGORIES: Final = {"imaging": "RAD", "genomics": "GE", "notes": "OTH"}
GIVEN: Final = ("Erika", "Otto", "Ilse", "Karl", "Zoë", "Jürgen", "Anna", "Max", "Eva", "Paul")
FAMILY: Final = ("Mustermann", "Sommer", "Groß", "Weber", "Fischer", "Krüger", "Lange", "Wolf")
SAID: Final = (
    "Opacity in the left lower zone, in keeping with pneumonia.",
    "No opacity found; the model looks for pneumonia alone.",
    "CYP2C19 intermediate metaboliser: clopidogrel may protect less.",
    "One problem, one drug and one omission found in the note.",
    "Three candidate problems: hypertension, atrial fibrillation, asthma.",
)
SEVERITIES: Final = ("high", "moderate", "low")


@dataclass(frozen=True)
class Filled:
    """What was written.

    Attributes:
        practitioner: who may log in.
        patients: `Patient/id` each.
        tasks: the ids of the heads that wait.
        closed: the ids of those that were decided on or withdrawn.
    """

    practitioner: str
    patients: Sequence[str]
    tasks: Sequence[str]
    closed: Sequence[str]


def fill(ehr: Ehr, results: int, patients: int, told: Callable[[int], None]) -> Filled:
    """Write so many open results of so many patients, and some that are closed.

    They are the same each time.

    Args:
        told: called with the number of results written so far.
    """
    rng = random.Random(1)  # noqa: S311  # nothing is secret
    named = {"resourceType": "Practitioner", "active": True, "name": [{"text": "Dr. Ada Berg"}]}
    practitioner = ehr.create(named).reference
    device = ehr.create({"resourceType": "Device", "status": "active"}).reference
    people = _written(ehr, [_post(_patient(number, rng)) for number in range(patients)])
    closed = max(2, results // CLOSED_SHARE)
    tasks: list[str] = []
    for start in range(0, closed + results, AT_ONCE):
        entries: list[Json] = []
        for number in range(start, min(start + AT_ONCE, closed + results)):
            subject = people[number % patients]
            outcome = ENDS[number % len(ENDS)] if number < closed else "requested"
            entries += _result(number, subject, device, rng, outcome)
        written = _written(ehr, entries)
        tasks += [ref.split("/")[1] for ref in written if ref.startswith("Task/")]
        told(len(tasks))
    return Filled(practitioner, people, tasks[closed:], tasks[:closed])


def _patient(number: int, rng: random.Random) -> Json:
    name = {"family": f"{rng.choice(FAMILY)}{number}", "given": [rng.choice(GIVEN)]}
    return {
        "resourceType": "Patient",
        "active": True,
        "identifier": [{"system": "https://hospital.example/mrn", "value": f"MRN-{number:05}"}],
        "name": [{"use": "official", **name}],
        "birthDate": f"19{rng.randrange(30, 99)}-0{rng.randrange(1, 9)}-1{rng.randrange(9)}",
    }


def _result(
    number: int, subject: str, device: str, rng: random.Random, outcome: str
) -> Iterator[Json]:
    """Yield the entries of one result."""
    service = rng.choice(list(CATEGORIES))
    since = datetime.now(UTC) - timedelta(seconds=rng.randrange(DAYS * 86_400))
    report = _post(_report(service, subject, rng))
    alerts = [_post(_alert(subject, rng)) for _ in range(rng.choice((0, 0, 0, 1, 2)))]
    made = {"report": report} | {f"alert-{n}": alert for n, alert in enumerate(alerts)}

    answer = Answer(service, f"DocumentReference/benchmark-{number}")
    first = heads.first_draft(answer, 1, subject=subject, device=device, now=instant(since))
    task = heads.requested(
        head_of(first | {"id": "new"}),
        subject=subject,
        basis=Basis("0" * 64),
        focus=report["fullUrl"],
        device=device,
        sources={},
        outputs={key: entry["fullUrl"] for key, entry in made.items()},
        now=instant(since),
        priority=priority_of(entry["resource"] for entry in made.values()),
    )
    task = _closed(head_of(task), outcome, subject, instant(datetime.now(UTC)))
    yield from made.values()
    yield _post({k: v for k, v in task.items() if k != "id"})


def _closed(head: Head, outcome: str, subject: str, now: str) -> Json:
    """Return the head as it stands in this outcome."""
    if outcome == "completed":
        return heads.decided(head, "signed", owner=None, reason=None, now=now)
    if outcome == "cancelled":
        return heads.without_result(
            head,
            outcome,
            subject=subject,
            basis="",
            reason="The input was entered in error.",
            focus=head.task["focus"],
            outputs={},
            now=now,
        )
    return head.task


def _report(service: str, subject: str, rng: random.Random) -> Json:
    suspected = rng.choice(("233604007", "233604007", "36118008")) if rng.random() < 0.1 else ""
    codings = [codes.concept(codes.SNOMED, suspected)] if suspected else None
    made: Json = {
        "resourceType": "DiagnosticReport",
        "status": "preliminary",
        "category": [codes.concept(codes.V2_0074, CATEGORIES[service])],
        "code": {"text": "Report"},
        "subject": codes.reference(subject),
        "conclusion": f"{rng.choice(SAID)} Model score 0.{rng.randrange(50, 99)}.",
        "conclusionCode": codings,
    }
    return {k: v for k, v in made.items() if v is not None}


def _alert(subject: str, rng: random.Random) -> Json:
    return {
        "resourceType": "DetectedIssue",
        "status": "preliminary",
        "severity": rng.choice(SEVERITIES),
        "patient": codes.reference(subject),
    }


def _post(resource: Json) -> Json:
    request = {"method": "POST", "url": resource["resourceType"]}
    return {"fullUrl": f"urn:uuid:{uuid4()}", "resource": resource, "request": request}


def _written(ehr: Ehr, entries: Sequence[Json]) -> list[str]:
    """Write the entries in one transaction; return their references."""
    answers = ehr.transact({"resourceType": "Bundle", "type": "transaction", "entry": entries})
    return [own_place(answer["response"]["location"]) for answer in answers]
