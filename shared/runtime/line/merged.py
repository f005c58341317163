"""Merged patients: one person's answers, under several records.

What is drafted, is drafted on the record in use. What was signed stays where it was signed, and a
merge alone has nothing drafted a second time. Nothing unsigned stays on a retired record.
"""

from dataclasses import replace
from typing import Any

from shared.answers import Answer, Basis, Head, digest
from shared.fhir import codes
from shared.fhir.heads import drawn_for, head_of
from shared.fhir.person import Person
from shared.privacy.person import find_person
from shared.references import has_identifier, is_a, subject_of
from shared.runtime.line.case import Case
from shared.runtime.line.no_result import write_reason
from shared.runtime.line.workplace import Workplace

REPLACED = "This record was replaced by another one of the same patient; the plan is drawn there."
SIGNED_BEFORE = "The same was signed under another record of this patient."


def in_use(at: Workplace, case: Case) -> Case:
    """Return the case about the record in use, for an answer about the patient.

    An answer about a resource keeps its input, whatever record that names. The case's answer is
    still that about the record of the event.

    Raises:
        NotAnalysed: the links between records contradict each other.
    """
    subject = case.event.subject
    if subject is None or not at.service.per_patient or not is_a(subject, "Patient"):
        return case

    person = find_person(at.ehr, subject)
    return replace(case, event=replace(case.event, subject=person.survivor), person=person)


def withdraw_replaced(at: Workplace, case: Case) -> None:
    """Take back unsigned results on a retired record of the patient."""
    head = case.head
    if head and not head.closed and head.outcome != "cancelled":
        patient = subject_of(head.task)
        write_reason(at, case, "cancelled", basis="", reason=REPLACED, patient=patient)


def stays_on_retired(head: Head, person: Person | None) -> bool:
    """Tell whether the head names a record no longer in use."""
    return person is not None and subject_of(head.task) in person.retired


def filed(inputs: Any, person: Person) -> Any:
    """Return the inputs as those of the record in use."""
    if inputs.subject == person.survivor:
        return inputs
    return replace(inputs, subject=person.survivor)


def is_answered(head: Head, person: Person, content: str, basis: Basis) -> bool:
    """Tell whether there is nothing to do, after a decision under any record.

    Args:
        content: digest of what is analysed, as the service gave it.
        basis: of the record in use.
    """
    if head.answers(basis):
        return True
    if not head.closed or subject_of(head.task) not in person.records:
        return False

    # the EHR may have rewritten the head's subject in a merge, and deleted the record of before
    former = drawn_for(head.task)
    records = (*person.records, *([former] if former else []))
    return any(head.answers(replace(basis, content=digest(record, content))) for record in records)


def signed_elsewhere(at: Workplace, case: Case, content: str, basis: Basis) -> bool:
    """Tell whether the same was signed under a record replaced since.

    Only an answer about the patient has one of its own there. The EHR may have deleted that record:
    so its head is looked for before a record's first plan, too.
    """
    person = case.person
    if not at.service.per_patient or person is None or (case.head and not person.retired):
        return False

    return any(
        is_answered(head, person, content, basis)
        for record in person.records
        for head in _signed_for(at, record, case.answer)
    )


def _signed_for(at: Workplace, record: str, own: Answer) -> list[Head]:
    """Find the newest signed head of each other answer about this record."""
    query = {"patient": record.split("/")[1], "identifier": f"{codes.SERVICE}|{own.service}"}
    tasks = at.ehr.search("Task", query, subject=record)
    others = (t for t in tasks if not has_identifier(t, codes.ANSWER, str(own.uuid)))
    signed = sorted((h for h in map(head_of, others) if h.signed), key=lambda h: h.revision)
    return list({_answer_of(head): head for head in signed}.values())


def _answer_of(head: Head) -> str:
    found = (i["value"] for i in head.task["identifier"] if i.get("system") == codes.ANSWER)
    return next(found, head.reference)
