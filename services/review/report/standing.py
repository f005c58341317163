"""Whether a result is a signed one, by whom, and whether it still stands (pure)."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.review.decision.decide import DECIDED_ELSEWHERE, ON_UNSIGNED
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
ENDED: Final = "Stopped|To be stopped by the prescriber"
RESTS: Final = re.compile(rf"{ON_UNSIGNED}: .*?\.(?= (?:{ENDED}): |$)", re.DOTALL)
"""The sentence in the head's note, up to those on orders."""
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
        reason: what the clinician gave as the reason; empty: nothing.
        is_elsewhere: another system decided; who took it off the worklist.
    """

    words: str
    who: str
    when: str
    reason: str = ""
    is_elsewhere: bool = False

    @property
    def drafted(self) -> str:
        """Say that the AI drafted it, and who decided."""
        who = self.who
        if self.is_elsewhere:
            return (
                f"Drafted by AI; decided in another system. {who[0].upper()}{who[1:]} took it off "
                "the worklist."
            )
        return f"Drafted by AI; decided by {who}."


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
    reason = concept_text(task.get("statusReason"))
    if reason == DECIDED_ELSEWHERE:
        words = "Decided in another system; taken off the worklist"
        return Signature(words, who, when, is_elsewhere=True)
    decision = codes.first_code(task.get("businessStatus"), codes.DECISION) or ""
    return Signature(SIGNED[decision], who, when, reason)


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
        *_unsigned(result),
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


def _unsigned(result: Result) -> list[str]:
    notes = (str(note.get("text", "")) for note in result.head.task.get("note", []))
    return [found[0] for note in notes if (found := RESTS.search(note))]
