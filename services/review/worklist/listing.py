"""The worklist: the heads of one outcome, a page at a time.

What waits by the gravest alert, then newest first; everything else newest first.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

from services.review import present
from services.review.panels.declared import panel_of
from services.review.result.read import service_of
from services.review.worklist.summary import Summary, summaries
from shared.answers import Head
from shared.ehr.client import Ehr
from shared.errors import NotAnalysed
from shared.fhir import codes
from shared.fhir.heads import head_of
from shared.fhir.person import linked_records, replaced_by
from shared.json import Json
from shared.privacy.person import find_person
from shared.references import is_a, local_reference, relative, subject_of

PAGE_SIZE: Final = 25
COUNT_LIMIT: Final = (
    100  # a tab shows `100+`: nobody needs the exact number, and the EHR is not asked for it
)
# of what waits, this many of the newest are sorted by urgency; a longer list goes on by time
SORTED: Final = 100
PATIENTS_AT_ONCE: Final = 40
OUTCOMES: Final = {  # the head's status -> its tab, in the order of urgency
    "requested": "Waiting for review",
    "failed": "Failed",
    "rejected": "Not analysed",
    "draft": "Being analysed",
    "completed": "Decided",
    "cancelled": "Withdrawn",
}
OUTCOME_HELP: Final = {
    "requested": "AI drafts that no clinician has decided on yet, those with grave alerts first.",
    "failed": "The analysis broke off. The technical team sees these as dead letters and can "
    "replay them.",
    "rejected": "The input was understood and was not analysed; the reason is in the row.",
    "draft": "A service is working on these now.",
    "completed": "Signed, amended or rejected by a clinician.",
    "cancelled": "The input was deleted, entered in error or replaced.",
}


@dataclass(frozen=True)
class Row:
    """One line of the worklist.

    Attributes:
        title: what it is about; reason: why it was not analysed, failed or was rejected.
        decision: signed, amended, rejected; None where nobody decided.
        by: who decided.
        summary: what it says and how urgent it is.
        replaced_by: `Patient/id` of the record in use, where the subject's is replaced; else empty.
        focus: the report or plan; of what has none, its input.
        withheld: this user may not read its content, which is left out.
    """

    task_id: str
    service: str
    title: str
    subject: str
    patient: Json | None
    revision: int
    time: str
    reason: str
    decision: str | None
    by: str
    summary: Summary
    replaced_by: str
    focus: str = ""
    withheld: bool = False


@dataclass(frozen=True)
class Filter:
    """What of the worklist is asked for.

    Attributes:
        patients: `Patient/id`s; None: everybody's, empty: a search for a patient found nobody.
    """

    outcome: str = "requested"
    service: str | None = None
    patients: tuple[str, ...] | None = None
    page: int = 1


@dataclass(frozen=True)
class Worklist:
    """One page of it; `more`: there is a next one."""

    rows: Sequence[Row]
    more: bool


def worklist(ehr: Ehr, wanted: Filter) -> Worklist:
    """The page that the filter asks for, each row with its patient."""
    start = (wanted.page - 1) * PAGE_SIZE
    found = list(islice(_in_order(ehr, wanted), start, start + PAGE_SIZE + 1))
    shown = found[:PAGE_SIZE]
    patients = read_patients(ehr, [s for h in shown if (s := subject_of(h.task))])
    texts = summaries(ehr, shown, words=True) if wanted.outcome == "requested" else {}
    return Worklist(
        [row(head, patients, texts.get(head.reference, Summary())) for head in shown],
        len(found) > PAGE_SIZE,
    )


def _in_order(ehr: Ehr, wanted: Filter) -> Iterator[Head]:
    found = heads(ehr, wanted)
    if wanted.outcome != "requested":
        return found
    first = list(islice(found, SORTED))
    urgency = summaries(ehr, first, words=False)
    return chain(sorted(first, key=lambda head: urgency[head.reference].rank), found)


def heads(ehr: Ehr, wanted: Filter) -> Iterator[Head]:
    """Our heads of this outcome, newest first.

    Each hit is checked: a server may ignore a parameter, and other systems' Tasks are not ours.
    """
    if wanted.patients == ():
        return
    identifier = f"{codes.SERVICE}|{wanted.service}" if wanted.service else f"{codes.REVISION}|"
    params: dict[str, str | list[str]] = {
        "status": wanted.outcome,
        "identifier": [identifier],
        "_sort": "-_lastUpdated",
        "_count": str(PAGE_SIZE + 1),
    }
    if wanted.patients:
        params["patient"] = ",".join(wanted.patients)
    for task in ehr.search("Task", params):
        try:
            head = head_of(task)
        except (ValueError, KeyError):
            continue
        if _fits(head, wanted):
            yield head


def _fits(head: Head, wanted: Filter) -> bool:
    right_service = wanted.service in (None, service_of(head.task))
    right_patient = wanted.patients is None or subject_of(head.task) in wanted.patients
    return head.outcome == wanted.outcome and right_service and right_patient


def count(ehr: Ehr, wanted: Filter) -> int:
    """How many there are, at most `COUNT_LIMIT` + 1."""
    return sum(1 for _ in islice(heads(ehr, wanted), COUNT_LIMIT + 1))


def find_patients(ehr: Ehr, words: str) -> tuple[str, ...]:
    """Find patients by the beginning of a name, an id or an identifier.

    With the records that they were merged with: a signed result stays where it was signed.
    """
    by_name = islice(ehr.search("Patient", {"name": words, "_count": "20"}), 20)
    by_identifier = islice(ehr.search("Patient", {"identifier": words, "_count": "20"}), 20)
    named = [p for p in [*by_name, *by_identifier] if _matches(p, words)]
    others = (record for p in named for record in (local_reference(p), *linked_records(p)))
    return tuple(dict.fromkeys([*_by_id(ehr, words), *others]))


def _by_id(ehr: Ehr, words: str) -> Sequence[str]:
    """Return the patient of this id, with all records merged with hers."""
    if not words.replace("-", "").replace(".", "").isalnum() or len(words) > 64:
        return ()

    reference = f"Patient/{words}"
    patient = ehr.read(reference)
    if patient is None:
        return ()
    try:
        return (reference, *find_person(ehr, reference, patient).records)
    except NotAnalysed:  # nobody can tell: as its own links say
        return (reference, *linked_records(patient))


def _matches(patient: Json, words: str) -> bool:
    """The server did look: one that ignores a parameter returns everybody."""
    full_name = " ".join(
        part
        for name in patient.get("name", [])
        for part in [name.get("text", ""), *name.get("given", []), name.get("family", "")]
    )
    values = {i.get("value", "").casefold() for i in patient.get("identifier", [])}
    asked = words.casefold()
    return asked in values or all(
        any(part.startswith(word) for part in full_name.casefold().split())
        for word in asked.split()
    )


def read_patients(ehr: Ehr, references: Iterable[str]) -> Mapping[str, Json]:
    """The Patients, read many at a time."""
    ids = list(dict.fromkeys(r.split("/", 1)[1] for r in references if is_a(r, "Patient")))
    found: dict[str, Json] = {}
    for at in range(0, len(ids), PATIENTS_AT_ONCE):
        some = ids[at : at + PATIENTS_AT_ONCE]
        found |= {
            local_reference(p): p
            for p in ehr.search("Patient", {"_id": ",".join(some), "_count": str(len(some))})
            if p["id"] in some
        }
    return found


def row(head: Head, patients: Mapping[str, Json], summary: Summary) -> Row:
    """The head as a line."""
    task = head.task
    subject = subject_of(task) or ""
    return Row(
        task_id=head.reference.split("/", 1)[1],
        service=service_of(task),
        title=title(task),
        subject=subject,
        patient=patients.get(subject),
        revision=head.revision,
        time=task.get("lastModified") or task.get("meta", {}).get("lastUpdated", ""),
        reason=present.concept_text(task.get("statusReason")),
        decision=codes.first_code(task.get("businessStatus"), codes.DECISION),
        by=task.get("owner", {}).get("display", ""),
        summary=summary,
        replaced_by=replaced_by(patients.get(subject, {})) or "",
        focus=relative(task.get("focus", {}).get("reference", "")),
    )


def title(task: Json) -> str:
    """Return what the result is called, from its service alone.

    A row must not need the report.
    """
    return task.get("description") or panel_of(service_of(task)).title
