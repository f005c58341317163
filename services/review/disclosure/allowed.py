"""What of results and of the worklist a user may read."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from services.review.access.reading import Reading
from services.review.access.roles import categories_of
from services.review.access.session import User
from services.review.panels.declared import panel_of
from services.review.result.asking.named import focus_of
from services.review.result.read import service_of
from services.review.result.result import Result
from services.review.state import Review
from services.review.worklist.kept.query import Allowed
from services.review.worklist.listing import Row
from shared.answers import Head
from shared.ehr.ahead import Question, reading
from shared.ehr.client import Ehr
from shared.errors import NotAnalysed
from shared.json import Json
from shared.privacy.person import find_person, linked_questions
from shared.references import is_a, subject_of


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
    report = _report(shared, head)
    categories = categories_under(
        service_of(head.task), shared.ehr.read(report) if report else None
    )
    subject = subject_of(head.task) or ""
    records = records_of(shared.ehr, subject) if _is_limited(user, subject) else (subject,)
    return Reading(user, shared.roles, categories, _patients(records)).checked()


def questions_of_head(shared: Review, user: User, head: Head) -> list[Question]:
    """List what `reading_of_head` asks first."""
    report, subject = _report(shared, head), subject_of(head.task) or ""
    asked = [reading(report)] if report else []
    return asked + (linked_questions(subject) if _is_limited(user, subject) else [])


def _report(shared: Review, head: Head) -> str:
    """Return the report whose categories decide; empty: its service's do."""
    focus = focus_of(head)
    return focus if focus in head.outputs.values() and shared.roles.are_set else ""


def _is_limited(user: User, subject: str) -> bool:
    return is_a(subject, "Patient") and (user.patient is not None or user.emergency is not None)


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


def list_of(shared: Review, user: User) -> Allowed:
    """Return what of the worklist the user may see.

    A login that names a patient sees hers alone, and the one of an emergency access. What a role
    may not read is not searched by its words; its row is listed, see `rows`.
    """
    patients = None
    if user.patient is not None:
        own = [user.patient, *([user.emergency.patient] if user.emergency else [])]
        ehr = _asked_ahead(shared, own)
        patients = frozenset(record for one in own for record in records_of(ehr, one))
    return Allowed(partial(_may_search, shared, user) if shared.roles.are_set else None, patients)


def _asked_ahead(shared: Review, patients: Sequence[str]) -> Ehr:
    """Ask in one request for the records that the index knows to be linked with these."""
    known = (record for one in patients for record in shared.feed.index.records(one))
    return shared.ehr.ahead([q for record in known for q in linked_questions(record)])


def _may_search(shared: Review, user: User, service: str, categories: frozenset[str]) -> bool:
    return shared.roles.may_read(user.roles, categories or panel_of(service).categories)


def rows(shared: Review, user: User, listed: Sequence[Row]) -> list[Row]:
    """Take the content out of the rows that the user may not read.

    The row stays, with the patient and the kind of the result: an empty list would say that there
    is nothing, and an emergency access begins here. Whom the login is limited to is `list_of`'s.
    """
    anybody = replace(user, patient=None)
    return [row if _may_read(shared, anybody, row) else _withheld(row) for row in listed]


def are_in_emergency(shared: Review, user: User, listed: Sequence[Row]) -> bool:
    """Tell whether an emergency access alone shows one of these rows, or its content."""
    return any(_reading(shared, user, row).in_emergency for row in listed)


def _may_read(shared: Review, user: User, row: Row) -> bool:
    return not _reading(shared, user, row).refusal()


def _reading(shared: Review, user: User, row: Row) -> Reading:
    """Return what holds for a row.

    Other records of the patient matter in an emergency, or where the login is limited to one.
    """
    is_limited = _is_limited(user, row.subject)
    records = shared.feed.index.records(row.subject) if is_limited else [row.subject]
    return Reading(user, shared.roles, row.categories, _patients([*records, row.replaced_by]))


def _withheld(row: Row) -> Row:
    return replace(row, severity="", alerts=0, text="", reason="", decision="", withheld=True)


def _patients(records: Sequence[str]) -> tuple[str, ...]:
    return tuple(record for record in records if is_a(record, "Patient"))
