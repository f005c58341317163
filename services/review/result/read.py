"""Read one result from the EHR: the head, and everything that belongs to it.

Whatever names somebody else than the head's patient is left out and reported as foreign: a page
never shows another patient's data, and a result with a foreign part can't be decided on. What was
taken back since is shown, and the result can't be signed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from services.review import present
from services.review.result.asking.named import (
    device_references,
    focus_of,
    resting,
    source_references,
)
from services.review.result.asking.needs import (
    PageNeeds,
    answer_query,
    nothing_more,
    of_result,
    provenance_query,
)
from services.review.result.asking.rounds import ask_ahead
from services.review.result.result import NoResult, Result
from shared import instants
from shared.answers import Head, newest
from shared.ehr.client import Ehr
from shared.errors import NotAnalysed
from shared.fhir.heads import head_of
from shared.fhir.person import Person
from shared.fhir.summary import answer_of
from shared.json import Json
from shared.privacy.person import find_person
from shared.references import PATIENT_ELEMENTS, is_a, subject_of

PARALLEL_READS: Final = 6


def head_by_id(ehr: Ehr, task_id: str) -> Head:
    """The head of this Task.

    Raises:
        NoResult: no such Task, or one that careloop did not write.
    """
    task = ehr.read(f"Task/{task_id}")
    try:
        return head_of(task or {})
    except (ValueError, KeyError):
        raise NoResult(f"Task/{task_id} is no result of careloop") from None


def newest_head(ehr: Ehr, answer: str) -> Head | None:
    """The newest head of the answer with this uuid; None where there is none."""
    try:
        query = answer_query(answer)
    except ValueError:
        return None
    return newest(head_of(task) for task in ehr.search("Task", query))


def gather(ehr: Ehr, task_id: str, needs: PageNeeds = nothing_more) -> Result:
    """Read the result.

    Args:
        needs: what is asked ahead beside it, for the page.

    Raises:
        NoResult: see `head_by_id`.
        Unavailable: the EHR does not answer.
    """
    ehr = ehr.remembering()
    head = head_by_id(ehr, task_id)
    ask_ahead(ehr, of_result(head, needs))
    subject = subject_of(head.task) or ""
    drawn_from = source_references(head.task)

    read = _read_parts(ehr, head, subject, drawn_from)
    rests_on = _rests_on(head, read)
    read |= read_all(ehr, [reference for reference in rests_on if reference not in read])

    person, unclear = _person(ehr, subject, read.get(subject))
    records = person.records if person else (subject,)
    ours = {ref: r for ref, r in read.items() if r is not None and _concerns(r, records)}
    outputs = {key: ours[ref] for key, ref in head.outputs.items() if ref in ours}
    sources = dict.fromkeys([*drawn_from, *rests_on])
    return Result(
        head=head,
        service=service_of(head.task),
        subject=subject,
        patient=ours.get(subject),
        outputs=outputs,
        sources=tuple(ours[ref] for ref in sources if ref in ours),
        missing=tuple(ref for ref, r in read.items() if r is None),
        foreign=tuple(ref for ref, r in read.items() if r is not None and ref not in ours),
        provenance=_provenance(ehr, focus_of(head)) if outputs else (),
        devices=_devices(ehr, outputs.values()),
        person=person,
        unclear=unclear,
        ehr=ehr,
    )


def _person(ehr: Ehr, subject: str, patient: Json | None) -> tuple[Person | None, str]:
    """Return the patient with all her records, or the reason of a doubt."""
    if not is_a(subject, "Patient"):
        return None, ""
    try:
        return find_person(ehr, subject, patient), ""
    except NotAnalysed as error:
        return None, error.reason


def _read_parts(
    ehr: Ehr, head: Head, subject: str, drawn_from: Sequence[str]
) -> dict[str, Json | None]:
    """Read the patient, what was written and what it was drawn from.

    A Group's or nobody's input was not analysed: the reason is all there is to show.
    """
    if not is_a(subject, "Patient"):
        return {}
    return read_all(ehr, [subject, *head.outputs.values(), *drawn_from])


def _rests_on(head: Head, read: Mapping[str, Json | None]) -> list[str]:
    """Return what a plan rests on.

    Other results rest on what they were drawn from alone.
    """
    if not is_a(focus_of(head), "CarePlan"):
        return []
    return resting([r for ref in head.outputs.values() if (r := read.get(ref))])


def _devices(ehr: Ehr, outputs: Iterable[Json]) -> tuple[Json, ...]:
    found = read_all(ehr, device_references(outputs)).values()
    return tuple(device for device in found if device is not None)


def read_all(ehr: Ehr, wanted: Iterable[str]) -> dict[str, Json | None]:
    """Each reference's current resource (None: gone), read a few at a time."""
    unique = list(dict.fromkeys(wanted))
    read: Callable[[str], Json | None] = ehr.read
    with ThreadPoolExecutor(PARALLEL_READS) as pool:
        return dict(zip(unique, pool.map(read, unique), strict=True))


def _concerns(resource: Json, records: Sequence[str]) -> bool:
    """Tell whether it is about this patient, or about nobody by its kind.

    Each of her records counts.

    One that names its patient in a way that can't be compared is somebody else's.
    """
    named = subject_of(resource)
    return named in records or (
        named is None and not any(resource.get(element) for element in PATIENT_ELEMENTS)
    )


def service_of(task: Json) -> str:
    """The service whose head this is."""
    return answer_of(task) or ""


def _provenance(ehr: Ehr, focus: str) -> tuple[Json, ...]:
    """Who wrote and who verified the focus, oldest first.

    Each hit must name it: a server may ignore the parameter.
    """
    hits = ehr.search("Provenance", provenance_query(focus))
    return tuple(
        sorted(
            (p for p in hits if focus in present.references(p.get("target"))),
            key=lambda p: instants.start(p.get("recorded", "")),
        )
    )
