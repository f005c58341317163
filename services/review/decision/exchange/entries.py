"""Build the entries that end orders, or ask their prescribers to (pure)."""

from collections.abc import Sequence
from typing import Final
from uuid import uuid5

from services.review.access.practitioner import Practitioner
from services.review.decision.exchange.exchange import Ending
from shared.answers import NAMESPACE, Head
from shared.fhir import bundle, codes
from shared.json import Json
from shared.references import is_elsewhere, subject_of, type_of

STOP: Final = f"{codes.NS}/stop"
"""Identifier of a Task to stop an order: the id of the head under which the order was replaced."""
SERVERS_OWN: Final = frozenset({"versionId", "lastUpdated"})
OWNERS: Final = frozenset(
    {"Practitioner", "PractitionerRole", "Organization", "CareTeam", "HealthcareService"}
)


def entries(
    ends: Sequence[Ending], head: Head, patient: str, signer: Practitioner, now: str
) -> list[Json]:
    """Build an entry for each order: its end, or a Task."""
    return [
        _stop(end) if end.how == "stop" else _task(end, head, patient, signer, now) for end in ends
    ]


def sentences(ends: Sequence[Ending]) -> list[str]:
    """Say what ended and what is left to the prescriber, a sentence each."""
    named = {
        "Stopped": [end.order.name for end in ends if end.how == "stop"],
        "To be stopped by the prescriber": [end.order.name for end in ends if end.how == "task"],
    }
    return [f"{words}: {'; '.join(names)}." for words, names in named.items() if names]


def _stop(end: Ending) -> Json:
    """End the order in the version that was read; everything else in it stays."""
    old = end.order.resource
    ended = old | {"status": "stopped", "statusReason": {"text": f"Replaced by {end.by}"}}
    entry = bundle.put(ended, end.order.version)
    meta = {k: v for k, v in old.get("meta", {}).items() if k not in SERVERS_OWN}
    if meta:
        entry["resource"]["meta"] = meta
    return entry


def _task(end: Ending, head: Head, patient: str, signer: Practitioner, now: str) -> Json:
    who = codes.reference(signer.reference, signer.name)
    task = {
        "resourceType": "Task",
        "identifier": [{"system": STOP, "value": head.reference.split("/")[1]}],
        "status": "requested",
        "intent": "order",
        "priority": "urgent",
        "code": codes.concept(codes.FHIR_TASK_CODE, "abort", text=f"Stop {end.order.name}"),
        "description": f"Replaced by {end.by}. Stop this order: {end.why}.",
        "basedOn": [codes.reference(end.new_order)],
        "focus": codes.reference(end.order.reference),
        "for": codes.reference(subject_of(end.order.resource) or patient),
        "authoredOn": now,
        "lastModified": now,
        "requester": who,
        **_owner(end),
    }
    named = f"{head.reference} {head.version} stop {end.order.reference}"
    return bundle.post(task, f"urn:uuid:{uuid5(NAMESPACE, named)}")


def _owner(end: Ending) -> Json:
    """The prescriber, where the order names one of a kind that may own a Task."""
    reference, name = end.order.prescriber
    if not reference or is_elsewhere(reference) or type_of(reference) not in OWNERS:
        return {}
    return {"owner": codes.reference(reference, name or None)}
