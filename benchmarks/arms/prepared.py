"""Events not analysed yet, with their notes at the EHR."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.words import note
from shared import instants
from shared.ehr.client import Ehr
from shared.events import encode
from shared.fhir import bundle
from shared.fhir.summary import event_of
from shared.json import Json
from shared.stream.base import Message

PER_TRANSACTION = 50


@dataclass(frozen=True)
class Prepared:
    """One event, and the reference of its note."""

    reference: str
    message: Message


def prepare(
    ehr: Ehr, patients: Sequence[str], first: int, count: int, model_ms: int
) -> list[Prepared]:
    """Write notes at the EHR, and the records of their events.

    They are numbered from `first`, in turn of the patients.
    """
    notes = [note(patients[n % len(patients)], n, model_ms) for n in range(first, first + count)]
    made: list[Prepared] = []
    for start in range(0, count, PER_TRANSACTION):
        some = notes[start : start + PER_TRANSACTION]
        references = write_new(ehr, some)
        for reference, resource in zip(references, some, strict=True):
            stored = resource | {
                "id": reference.split("/")[1],
                "meta": {"versionId": "1", "lastUpdated": instants.now()},
            }
            made.append(Prepared(reference, Message(*encode(event_of(stored, "create"), ehr.base))))
    return made


def write_new(ehr: Ehr, new: Sequence[Json]) -> list[str]:
    """Write resources of one type in one transaction; their references.

    (All are alike but for their content: any order will do.)
    """
    entries = [
        bundle.post(resource, f"urn:uuid:00000000-0000-4000-8000-{n:012d}")
        for n, resource in enumerate(new)
    ]
    written = ehr.transact({"resourceType": "Bundle", "type": "transaction", "entry": entries})
    return [
        "/".join(e["response"]["location"].split("/_history/")[0].split("/")[-2:]) for e in written
    ]
