"""Notices on merged records for a result's page (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.review.result.result import Result
from shared.fhir.person import linked_alike
from shared.references import is_a

INACTIVE: Final = (
    "The EHR marks this record as not in use (inactive), and names no other in its place: nothing "
    "can be signed here. Ask who keeps the patients' records which one is in use."
)
DOUBTED: Final = (
    "The EHR says that another record of this patient replaces this one; it is still active. New "
    "results are drafted here, and nothing of the other is read here. Ask who keeps the patients' "
    "records which one is in use. A signature here needs a tick."
)
DOUBT_NOT_SEEN: Final = (
    "The EHR says that another record replaces this one. Tick that you know it, or reject the "
    "result."
)
STILL_ACTIVE: Final = (
    "The EHR says that this record replaces {}, still active: nothing of that is read here."
)
IN_USE, OTHER = "The record in use", "The other record"


@dataclass(frozen=True)
class Notice:
    """One sentence on the records.

    Attributes:
        grave: the result can't be signed because of it, or not without a tick.
        record: `Patient/id` of the record to go on to; empty: none.
        leads: what that record is called.
    """

    text: str
    grave: bool = False
    record: str = ""
    leads: str = IN_USE


def notices(result: Result) -> list[Notice]:
    """Name the other places of the patient's results, and any doubt."""
    return list(_notices(result))


def _notices(result: Result) -> Iterator[Notice]:
    if result.unclear:
        yield Notice(
            f"{result.unclear} Nothing is drafted here, and nothing can be signed, until that is "
            "put right in the EHR.",
            grave=True,
        )
    person = result.person
    if person is None:
        return

    if result.is_nobodys:
        yield Notice(
            "The EHR has no record of this patient: nothing can be signed until it has.",
            grave=True,
        )
    elif result.is_replaced:
        yield _replaced(result, person.survivor)
    elif result.is_inactive:
        yield Notice(INACTIVE, grave=True)
    elif result.is_doubted:
        named = [other for other in person.successors if is_a(other, "Patient")]
        yield Notice(DOUBTED, grave=True, record="".join(named[:1]), leads=OTHER)
    if person.retired and not result.is_replaced:
        yield Notice(
            f"This record also holds what was recorded under {_others(person.retired)}, now "
            "replaced by this one."
        )
    if person.beyond:
        yield Notice(
            "This record also replaces one of another system, of which nothing is read here."
        )
    if person.unreadable:
        yield Notice(
            "This record also replaces one that its link does not name readably: nothing of it is "
            "read here."
        )
    if still := [other for other in person.doubtful if other not in person.successors]:
        yield Notice(STILL_ACTIVE.format(_others(still)))
    if alike := linked_alike(result.patient or {}):
        yield Notice(
            f"The EHR links this record with {_others(alike)}, and does not say that they were "
            "merged: nothing of that is read here."
        )


def unseen_doubt(result: Result, form: Mapping[str, str], kind: str) -> str:
    """Tell what a signer has to do first; empty: nothing.

    A record that says `active: true` is in use, and some EHRs leave that on what they merged: only
    a person can tell. A rejection needs no tick.
    """
    asks = kind != "rejected" and result.is_doubted
    return DOUBT_NOT_SEEN if asks and form.get("doubted") != "yes" else ""


def _replaced(result: Result, survivor: str) -> Notice:
    said = "This record was replaced by another of the same patient; new results are drafted there."
    if result.head.outcome == "requested":
        more = " This draft can't be signed here. As a rule it moves there within a minute."
        return Notice(said + more, grave=True, record=survivor)
    if result.head.closed:
        return Notice(f"{said} What was decided here stays here.", record=survivor)
    return Notice(said, record=survivor)


def _others(records: Sequence[str]) -> str:
    """Tell how many records; their ids stand in the technical details."""
    return "another record" if len(records) == 1 else f"{len(records)} other records"
