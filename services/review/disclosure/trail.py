"""Who read what, in the EHR's audit trail: written before it is shown.

Where the event can't be written, nothing is shown.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from flask import request

from services.review.access.session import User, kept_token
from services.review.access.sessions.cookie import is_by_a_person
from services.review.result.result import Result
from services.review.state import Review
from services.review.worklist.listing import Row
from shared import instants
from shared.errors import FhirError
from shared.json import Json
from shared.privacy import audit
from shared.references import is_a, local_reference

NO_REFERENCE: Final = (400, 404, 409, 410, 412, 422)
"""What servers answer to a reference to nothing: it was deleted since it was read."""
REFUSED: Final = "not for this role or login"
LIST: Final = "worklist"
SEARCH: Final = "worklist, searched by patient (the words are not kept)"


def read_result(shared: Review, user: User, result: Result, *, in_emergency: bool) -> None:
    """Record that the page of a result was opened: all that it shows and names."""
    shown = [*result.outputs.values(), *result.sources]
    references = [result.head.reference, *(local_reference(resource) for resource in shown)]
    read_part(shared, user, result.patient_reference, references, in_emergency=in_emergency)


def read_film(shared: Review, user: User, result: Result, *, in_emergency: bool) -> None:
    """Record that the film of a result was opened, and nothing else of it."""
    studies = [local_reference(r) for r in result.sources if r["resourceType"] == "ImagingStudy"]
    references = [result.head.reference, *studies]
    read_part(shared, user, result.patient_reference, references, in_emergency=in_emergency)


def read_part(
    shared: Review,
    user: User,
    patient: str | None,
    references: Iterable[str],
    *,
    in_emergency: bool,
) -> None:
    """Record that these resources of a patient were opened."""
    event = audit.access(
        "R",
        device=shared.observer(),
        ehr=shared.ehr.base,
        patient=patient if is_a(patient, "Patient") else None,
        data=dict.fromkeys(references),
        now=instants.now(),
        person=requestor(user, in_emergency=in_emergency),
    )
    _write(shared, event)


def refuse(shared: Review, user: User, patient: str | None, reference: str) -> None:
    """Record that somebody asked for a result that she may not read."""
    event = audit.access(
        "R",
        device=shared.observer(),
        ehr=shared.ehr.base,
        patient=patient,
        data=[reference],
        now=instants.now(),
        person=requestor(user, in_emergency=False),
    )
    _write(shared, event | {"outcome": "4", "outcomeDesc": REFUSED})


def read_list(
    shared: Review, user: User, rows: Sequence[Row], *, searched: bool, in_emergency: bool
) -> None:
    """Record a page of the worklist: in one event every patient on it, or a search.

    A list that shows nobody, and for which nobody was searched, needs none. Nor does one that
    refreshed itself and shows nothing that was not recorded for this session; what an emergency
    access shows of a result is more than was shown before.
    """
    patients = [row.subject for row in rows if is_a(row.subject, "Patient")]
    results = [f"Task/{row.task_id}" for row in rows]
    if not patients and not searched:
        return
    shown = [f"{result} in emergency" for result in results] if in_emergency else results
    if not is_by_a_person(request) and shared.shown.has_all(kept_token(), shown):
        return
    event = audit.listing(
        device=shared.observer(),
        ehr=shared.ehr.base,
        patients=patients,
        data=results,
        query=SEARCH if searched else LIST,
        now=instants.now(),
        person=requestor(user, in_emergency=in_emergency),
    )
    _write(shared, event)
    shared.shown.add(kept_token(), shown)


def begin_emergency(shared: Review, user: User, patient: str, reason: str, until: str) -> None:
    """Record an emergency access, and why."""
    event = audit.emergency(
        device=shared.observer(),
        ehr=shared.ehr.base,
        patient=patient,
        reason=reason,
        until=until,
        now=instants.now(),
        person=requestor(user, in_emergency=True),
    )
    _write(shared, event)


def decision(shared: Review, user: User, patient: str, changed: Iterable[str]) -> Json:
    """Build the event that travels in the transaction of a decision."""
    return audit.access(
        "U",
        device=shared.observer(),
        ehr=shared.ehr.base,
        patient=patient,
        data=changed,
        now=instants.now(),
        person=requestor(user, in_emergency=False),
    )


def requestor(user: User, *, in_emergency: bool) -> audit.Requestor:
    """Name the person of this request, and her address."""
    return audit.Requestor(
        user.practitioner, user.name, user.login, request.remote_addr or "", in_emergency
    )


def _write(shared: Review, event: Json) -> None:
    try:
        shared.ehr.create(event)
    except FhirError as error:
        if error.status not in NO_REFERENCE:
            raise
        # HAPI FHIR refuses a reference to what was deleted.
        shared.ehr.create(audit.by_identifier(event))
