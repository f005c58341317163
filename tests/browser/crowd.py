"""A thousand waiting results of a hundred patients, written in few transactions."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

from shared.answers import Answer, Basis
from shared.ehr.client import Ehr
from shared.fhir import codes, heads
from shared.fhir.urgency.priority import PRIORITIES, Priority
from shared.instants import instant
from shared.json import Json

PATIENTS: Final = 101
COUNT: Final = 10 * PATIENTS
STEP: Final = timedelta(minutes=10)
CATEGORIES: Final = {"imaging": "RAD", "genomics": "GE", "notes": "OTH"}
ZONES: Final = ("upper", "middle", "lower", "apical", "basal")
EVERY: Final[dict[Priority, int]] = {"stat": 101, "asap": 41, "urgent": 7, "routine": 1}
"""Every so many results has this priority, the most urgent first."""


@dataclass(frozen=True)
class Waiting:
    """One waiting result.

    Attributes:
        task: the id of its head.
        number: of its patient.
        created: since when it waits, an instant in UTC.
        zone: what its conclusion speaks of.
    """

    service: str
    number: int
    priority: Priority
    created: str
    zone: str
    task: str = ""

    @property
    def family(self) -> str:
        """The name of the patient."""
        return family(self.number)

    @property
    def place(self) -> tuple[int, str, str]:
        """Where it stands in the list: by urgency, then by age."""
        return PRIORITIES.index(self.priority), self.created, self.task


def family(number: int) -> str:
    return f"Crowd{number:03}"


def crowd(ehr: Ehr) -> Sequence[Waiting]:
    """Write them; what waits then, in the order of the list."""
    now, patients = datetime.now(UTC), _patients(ehr)
    found: list[Waiting] = []
    for first in range(0, COUNT, PATIENTS):
        made = [_waiting(number, now) for number in range(first, first + PATIENTS)]
        tasks = _posted(ehr, "Task", (e for w in made for e in _entries(w, patients[w.number])))
        found += [replace(w, task=task) for w, task in zip(made, tasks, strict=True)]
    return sorted(found, key=lambda waiting: waiting.place)


def _waiting(number: int, now: datetime) -> Waiting:
    """One of them; they are not written in the order of their age."""
    age = number * 37 % COUNT
    return Waiting(
        service=tuple(CATEGORIES)[number % len(CATEGORIES)],
        number=number % PATIENTS,
        priority=next(p for p, each in EVERY.items() if number % each == 0),
        created=instant(now - age * STEP - STEP / 2),
        zone=ZONES[number % len(ZONES)],
    )


def _patients(ehr: Ehr) -> Sequence[str]:
    named = (
        {
            "resourceType": "Patient",
            "name": [{"family": family(number), "given": ["Carla"]}],
            "birthDate": "1950-01-01",
        }
        for number in range(PATIENTS)
    )
    return [f"Patient/{id}" for id in _posted(ehr, "Patient", map(_post, named))]


def _entries(waiting: Waiting, patient: str) -> Iterator[Json]:
    """The report, and the head that asks for a clinician."""
    draft = {
        "resourceType": "DiagnosticReport",
        "meta": {"security": [codes.AI_LABEL]},
        "status": "preliminary",
        "category": [codes.concept(codes.V2_0074, CATEGORIES[waiting.service])],
        "code": codes.concept(codes.LOINC, "18748-4", "Diagnostic report"),
        "subject": codes.reference(patient),
        "conclusion": f"Opacity in the {waiting.zone} zone.",
    }
    report = _post(draft)
    answer, device = Answer(waiting.service, f"Binary/{uuid4()}"), "Device/none"
    first = heads.first_draft(answer, 1, subject=patient, device=device, now=waiting.created)
    task = heads.requested(
        heads.to_be_created(first, answer, 1),
        subject=patient,
        basis=Basis("0"),
        focus=report["fullUrl"],
        device=device,
        sources={},
        outputs={"report": report["fullUrl"]},
        now=waiting.created,
        priority=waiting.priority,
    )
    yield report
    yield _post({k: v for k, v in task.items() if k != "id"})


def _post(resource: Json) -> Json:
    request = {"method": "POST", "url": resource["resourceType"]}
    return {"fullUrl": f"urn:uuid:{uuid4()}", "resource": resource, "request": request}


def _posted(ehr: Ehr, kind: str, entries: Iterable[Json]) -> list[str]:
    """Write them at once; the ids of those of this type, in their order."""
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}
    places = [answer["response"]["location"].split("/") for answer in ehr.transact(bundle)]
    return [place[place.index(kind) + 1] for place in places if kind in place]
