"""How urgent a head at the EHR is."""

from services.review.result.read import read_all
from shared.answers import Head
from shared.ehr.client import Ehr
from shared.fhir.urgency.priority import Priority, stated, urgency_of


def read_urgency(ehr: Ehr, head: Head) -> Priority:
    """Read how urgent a head is; its parts are read where it does not state it."""
    silent = stated(head.task) is None and head.outcome == "requested"
    parts = read_all(ehr, head.outputs.values() if silent else ())
    return urgency_of(head.task, [part for part in parts.values() if part is not None])
