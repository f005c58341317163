"""Whether a result is a signed one, by whom, and whether it still stands (pure)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.review.decision.decide import DECIDED_ELSEWHERE
from services.review.person.names import SOMEBODY
from services.review.present import concept_text
from services.review.result.result import Result
from shared.answers import Head
from shared.fhir import codes, lifecycle
from shared.instants import start
from shared.json import Json
from shared.references import moment_of, version_of

SIGNED: Final = {"signed": "Signed", "amended": "Amended and signed"}
STANDS: Final = {
    "DiagnosticReport": ("final", "amended", "corrected", "appended"),
    "CarePlan": ("active", "on-hold", "completed"),
}
WITHDRAWN: Final = ("cancelled", "entered-in-error", "revoked")
AFTER: Final = timedelta(minutes=1)
"""What was written so long after the signature was no part of it."""
UNSIGNED: Final = "Nobody has signed this result yet: there is no report to print."
REJECTED: Final = "This result was rejected: there is no signed report of it."
NOTHING: Final = "This result was never signed: there is no report to print."
GONE: Final = "The report is no longer in the record, so it can't be printed."
FOREIGN: Final = "Parts of this result belong to another patient, so it can't be printed."
LATER: Final = {
    "requested": "waits for a signature",
    "draft": "is being analysed",
    "rejected": "was not analysed",
    "failed": "could not be analysed",
    "cancelled": "was withdrawn",
}


@dataclass(frozen=True)
class Signature:
    """Who signed, in which way.

    Attributes:
        words: `Signed`, `Amended and signed`, or that it was decided elsewhere.
        who: a name, or `SOMEBODY`.
        when: an instant.
    """

    words: str
    who: str
    when: str


def why_not(result: Result) -> str:
    """Say why there is no signed report to print; empty: there is one."""
    decision = codes.first_code(result.head.task.get("businessStatus"), codes.DECISION)
    if result.foreign:
        return FOREIGN
    if result.head.outcome == "requested":
        return UNSIGNED
    if not result.head.closed or decision not in (*SIGNED, "rejected"):
        return NOTHING
    if decision == "rejected":
        return REJECTED
    return "" if result.focus else GONE


def signature_of(result: Result) -> Signature:
    """Read the signature of a result that was signed or amended."""
    task = result.head.task
    owner = task.get("owner") or {}
    who = str(owner.get("display") or SOMEBODY)
    when = str(task.get("lastModified", ""))
    if concept_text(task.get("statusReason")) == DECIDED_ELSEWHERE:
        return Signature("Decided in another system; taken off the worklist", who, when)
    decision = codes.first_code(task.get("businessStatus"), codes.DECISION) or ""
    return Signature(SIGNED[decision], who, when)


def status_of(focus: Json) -> str:
    """Return the status of the report or plan as it is in the record now."""
    return lifecycle.status_of(focus) or "not recorded"


def void_of(focus: Json) -> str:
    """Say in a word why it does not stand as a signed one any more; empty: it does."""
    status = status_of(focus)
    if status in STANDS.get(focus["resourceType"], ()):
        return ""
    return "WITHDRAWN" if status in WITHDRAWN else "NOT FINAL"


def warnings_of(result: Result, focus: Json, newest: Head | None) -> list[str]:
    """Say what a reader must know before all else.

    Args:
        newest: the newest revision of the same answer.
    """
    return [
        *_withdrawn(focus),
        *_later(result.head, newest),
        *_changed(result, focus),
        *_missing(result),
    ]


def _withdrawn(focus: Json) -> list[str]:
    if not void_of(focus):
        return []
    status = status_of(focus)
    after = "was withdrawn" if status in WITHDRAWN else "is no longer final"
    return [f"This result {after} after it was signed: its status in the record is {status}."]


def _later(head: Head, newest: Head | None) -> list[str]:
    if newest is None or newest.revision <= head.revision:
        return []
    words = LATER.get(newest.outcome, "was decided on")
    return [f"There is a newer revision of this result, number {newest.revision}: it {words}."]


def _changed(result: Result, focus: Json) -> list[str]:
    """Compare the EHR's own times: a signature writes head and report at once."""
    written, signed = moment_of(focus), moment_of(result.head.task)
    if not written or not signed or start(written) - start(signed) <= AFTER:
        return []
    return [
        f"The record's text was written again after the signature (version {version_of(focus)}): "
        "it may say something else than what was signed."
    ]


def _missing(result: Result) -> list[str]:
    gone = [ref for ref in result.missing if ref in result.head.outputs.values()]
    return [f"{len(gone)} part(s) of this result are no longer in the record."] if gone else []
