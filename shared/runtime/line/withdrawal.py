"""Withdrawal of an answer: its input is gone, moved or no longer ours."""

from collections.abc import Sequence
from dataclasses import replace

from shared.answers import Basis
from shared.errors import Conflict
from shared.references import subject_of
from shared.runtime.line.case import Case, Settled
from shared.runtime.line.merged import SIGNED_BEFORE
from shared.runtime.line.no_result import write_reason
from shared.runtime.line.revision import MOVED, is_separated
from shared.runtime.line.workplace import Workplace
from shared.service import Inputs


def retract(at: Workplace, case: Case) -> Settled:
    """Cancel the answer of a deleted input.

    Drafts are rejected. A signed result stays, and the next revision says that its input is gone.
    """
    head, gone = case.head, case.person is not None and case.person.gone
    if head and (head.outcome == "cancelled" or (head.closed and not head.signed)):
        return "unchanged"
    if head is None and gone:
        # A merge may delete the record: a head can't name it, and there is nothing to take back.
        return "unchanged"

    reason = "The input was withdrawn."
    if head and head.closed:
        reason = "The input was withdrawn after the result was signed."

    # The head names whomever the EHR rewrote it to, where the patient's own record is gone.
    patient = subject_of(head.task) if head and gone else None
    write_reason(at, case, "cancelled", basis="", reason=reason, patient=patient)
    return "withdrawn"


def withdraw_not_ours(at: Workplace, case: Case) -> Settled:
    """Cancel the drafts of an input no longer meant for this service."""
    if case.head is None or case.head.closed or case.head.outcome == "cancelled":
        return "not_ours"

    reason = "The input is no longer one for this service."
    write_reason(at, case, "cancelled", basis="", reason=reason)
    return "withdrawn"


def return_to_signed(at: Workplace, case: Case, inputs: Inputs, basis: Basis) -> Settled:
    """Cancel the open revision: the input is again the signed one.

    The signed result counts again.
    """
    reason = "The input is again the one whose result was signed."
    write_reason(at, replace(case, inputs=inputs), "cancelled", basis=str(basis), reason=reason)
    return "withdrawn"


def end_signed_elsewhere(at: Workplace, case: Case, inputs: Inputs, basis: Basis) -> Settled:
    """Cancel an open revision: the same was signed under another record."""
    if case.head is None or case.head.closed:
        return "unchanged"

    case = replace(case, inputs=inputs)
    write_reason(at, case, "cancelled", basis=str(basis), reason=SIGNED_BEFORE)
    return "withdrawn"


def separate(at: Workplace, case: Case, records: Sequence[str]) -> None:
    """Cancel the former patient's open revision of a signed, moved input.

    A signed result stays with its patient. Before anything is written about the other patient, a
    revision of the former patient says once that the input has moved. From then on the two records
    have nothing to do with each other.

    Args:
        records: all of the patient's; between these nothing is separated.

    Raises:
        Conflict: it was written just now; start again from the head.
    """
    signed = case.head if case.head and case.head.signed else case.signed
    former = subject_of(signed.task) if signed else None

    if (
        case.head is None
        or former in (None, *records)
        or subject_of(case.head.task) != former
        or is_separated(case.head)
    ):
        return

    write_reason(at, case, "cancelled", basis="", reason=MOVED, patient=former)
    raise Conflict("a signed result had to be separated from another patient's input first")
