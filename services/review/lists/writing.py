"""Write a head of the list as it is to be, with its audit event."""

from typing import Final, cast

from flask import abort

from services.review.access.session import User, current
from services.review.decision.decide import entry_uuid
from services.review.disclosure import trail
from services.review.state import Review
from shared.answers import Head
from shared.ehr.guarded import transact
from shared.errors import Conflict
from shared.fhir import bundle
from shared.json import Json
from shared.references import subject_of

CHANGED: Final = (
    "Somebody changed this result meanwhile, so nothing was saved. Look at the list again."
)


def write(shared: Review, head: Head, task: Json) -> None:
    """Write it under the head's version; abort with 409 if it changed."""
    patient = subject_of(head.task) or ""
    event = trail.decision(shared, cast(User, current()), patient, [head.reference])
    audited = bundle.post(event, entry_uuid(head, "AuditEvent"))
    try:
        transact(shared.ehr, bundle.transaction(head, task, [audited]), before=[head.task])
    except Conflict:
        abort(409, CHANGED)
