"""Refusal and failure: the head says why there is no result."""

from dataclasses import replace

from shared.answers import Basis, digest
from shared.errors import ConsentDenied, NoPatient, NotAnalysed
from shared.events import ResourceEvent
from shared.references import subject_of
from shared.runtime.line.case import Case, Settled, open_case
from shared.runtime.line.merged import stays_on_retired
from shared.runtime.line.no_result import write_reason
from shared.runtime.line.withdrawal import separate
from shared.runtime.line.workplace import Workplace


def refuse(at: Workplace, case: Case, refusal: NotAnalysed) -> Settled:
    """Write why it was not analysed, and reject an earlier input's draft result."""
    if isinstance(refusal, NoPatient):
        # An old event may name a former subject.
        case = replace(case, event=replace(case.event, subject=None))
    basis = str(Basis(digest("not analysed", refusal.reason)))
    patient = refusal.subject if isinstance(refusal, ConsentDenied) else None

    head = case.head
    if (
        head
        and head.outcome == "rejected"
        and head.basis == basis
        and patient in (None, subject_of(head.task))
        and not stays_on_retired(head, case.person)
    ):
        return "unchanged"

    if isinstance(refusal, ConsentDenied):
        separate(at, case, refusal.records)

    write_reason(
        at,
        case,
        "rejected",
        basis=basis,
        reason=refusal.reason,
        refusal=refusal,
        patient=patient,
    )
    return "not_analysed"


def refuse_late_input(at: Workplace, event: ResourceEvent) -> Settled:
    """Refuse a missing input after a long wait; keep an older result."""
    case = open_case(at, event)
    if case.head and case.head.outcome in ("requested", "completed"):
        return "unchanged"

    return refuse(at, case, NotAnalysed("What the event announced did not arrive in time."))


def write_failure(at: Workplace, event: ResourceEvent, reason: str) -> Settled:
    """Write the failure into the head.

    After a decision the next revision says so, and nobody mistakes the old result for a new one.
    """
    case = open_case(at, event)
    if not (case.head and case.head.outcome == "failed"):
        write_reason(at, case, "failed", basis="", reason=reason)

    return "failed"
