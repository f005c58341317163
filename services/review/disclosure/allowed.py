"""What of results and of the worklist a user may read."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from services.review.access.reading import Reading
from services.review.access.roles import PLAN, categories_of
from services.review.access.session import User
from services.review.panels.declared import panel_of
from services.review.result.read import service_of
from services.review.result.result import Result
from services.review.state import Review
from services.review.worklist.listing import Row
from services.review.worklist.summary import Summary
from shared.answers import Head
from shared.ehr.client import Ehr
from shared.errors import NotAnalysed
from shared.json import Json
from shared.privacy.person import find_person
from shared.references import is_a, local_reference, relative, subject_of

READ_AT_ONCE: Final = 40


def reading_of(shared: Review, user: User, result: Result) -> Reading:
    """Return what holds for a result.

    Raises:
        MayNotRead: this user may not read it.
    """
    categories = categories_under(result.service, result.focus)
    return Reading(user, shared.roles, categories, _patients(result.records)).checked()


def reading_of_head(shared: Review, user: User, head: Head) -> Reading:
    """Return what holds for one part of a result, of which only the head was read.

    The report and merged records are asked for only where they matter.

    Raises:
        MayNotRead: this user may not read it.
    """
    focus = relative(head.task.get("focus", {}).get("reference", ""))
    report = focus in head.outputs.values() and shared.roles.are_set
    categories = categories_under(service_of(head.task), shared.ehr.read(focus) if report else None)
    subject = subject_of(head.task) or ""
    is_limited = is_a(subject, "Patient") and (user.patient or user.emergency)
    records = records_of(shared.ehr, subject) if is_limited else (subject,)
    return Reading(user, shared.roles, categories, _patients(records)).checked()


def categories_under(service: str, focus: Json | None) -> frozenset[str]:
    """Return the categories of a report or plan.

    Of a head without one, those that its service declares.
    """
    return categories_of(focus) if focus else panel_of(service).categories


def records_of(ehr: Ehr, patient: str) -> tuple[str, ...]:
    """Return all records of the patient; the one alone where nobody can tell."""
    try:
        return tuple(find_person(ehr, patient).records)
    except NotAnalysed:
        return (patient,)


def limited(shared: Review, user: User, patients: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Leave of the patients asked for (None: all) those whom the login may see.

    The patient of an emergency access is one of them.
    """
    if user.patient is None:
        return patients
    own = [user.patient, *([user.emergency.patient] if user.emergency else [])]
    records = dict.fromkeys(record for one in own for record in records_of(shared.ehr, one))
    return tuple(record for record in records if patients is None or record in patients)


def rows(shared: Review, user: User, listed: Sequence[Row]) -> list[Row]:
    """Take the content out of the rows that the user may not read.

    The row stays, with the patient and the kind of the result: an empty list would say that there
    is nothing, and an emergency access begins here. Whom the login is limited to is `limited`'s.
    """
    if not shared.roles.are_set:
        return list(listed)
    anybody = replace(user, patient=None)
    reports = _reports(shared.ehr, listed)
    return [row if _may_read(shared, anybody, row, reports) else _withheld(row) for row in listed]


def _may_read(shared: Review, user: User, row: Row, reports: Mapping[str, Json]) -> bool:
    focus = {"resourceType": PLAN} if is_a(row.focus, PLAN) else reports.get(row.focus)
    records = _patients((row.subject, row.replaced_by))
    categories = categories_under(row.service, focus)
    return not Reading(user, shared.roles, categories, records).refusal()


def _withheld(row: Row) -> Row:
    return replace(row, summary=Summary(), reason="", decision=None, by="", withheld=True)


def _reports(ehr: Ehr, listed: Sequence[Row]) -> dict[str, Json]:
    ids = [row.focus.split("/")[1] for row in listed if is_a(row.focus, "DiagnosticReport")]
    found: dict[str, Json] = {}
    for at in range(0, len(ids), READ_AT_ONCE):
        some = ids[at : at + READ_AT_ONCE]
        hits = ehr.search("DiagnosticReport", {"_id": ",".join(some), "_count": str(len(some))})
        found |= {local_reference(hit): hit for hit in hits if hit["id"] in some}
    return found


def _patients(records: Sequence[str]) -> tuple[str, ...]:
    return tuple(record for record in records if is_a(record, "Patient"))
