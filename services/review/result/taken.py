"""The drugs that a patient takes, by the record's active orders and statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.review.result.drugs import Substance, substances
from shared.ehr.ahead import Question, searching
from shared.ehr.client import Ehr
from shared.errors import FhirError
from shared.json import Json

KINDS: Final = ("MedicationRequest", "MedicationStatement")
ACTIVE: Final = "active"
PROPOSED: Final = frozenset({"proposal", "plan", "option"})
"""Intents of a request that nobody ordered: our own drafts, among others."""


@dataclass(frozen=True)
class Taken:
    """What the patient takes.

    Attributes:
        unread: the record could not tell.
    """

    orders: tuple[Substance, ...] = ()
    unread: bool = False


def taken(ehr: Ehr, records: Sequence[str]) -> Taken:
    """Read the active orders and statements of all records of a patient, in one batch.

    Raises:
        Unavailable: the EHR does not answer.
    """
    ahead = ehr.ahead([q for record in records for q in questions(record)])
    answers = [_active(ahead, kind, record) for record in records for kind in KINDS]
    found = [order for orders in answers for order in orders or ()]
    return Taken(tuple(substances(ehr, found)), unread=None in answers)


def questions(record: str) -> list[Question]:
    """List the first questions of `taken`, for one record."""
    return [searching(kind, _asked(record)) for kind in KINDS]


def _active(ehr: Ehr, kind: str, record: str) -> list[Json] | None:
    """Return what is active; None where the EHR refuses to tell."""
    try:
        return [
            r
            for r in ehr.search(kind, _asked(record), subject=record)
            if r.get("status") == ACTIVE and r.get("intent") not in PROPOSED
        ]
    except FhirError:  # an EHR that has no such type, or that gives us none of it
        return None


def _asked(record: str) -> Mapping[str, str]:
    return {"patient": record, "status": ACTIVE}
