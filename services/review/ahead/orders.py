"""What orders of drugs lead to: other orders, and Medications (pure)."""

from collections.abc import Iterator

from services.review.decision.exchange import left, orders
from services.review.decision.exchange.entries import STOP
from services.review.decision.exchange.reading import proposals
from services.review.panels import genes
from services.review.panels.declared import panel_of
from services.review.result import taken
from services.review.result.asking.needs import Found
from services.review.result.medications import medications
from shared.ehr.ahead import Question, reading
from shared.json import Json
from shared.references import has_identifier, is_a


def of_exchange(found: Found) -> Iterator[Question]:
    """List what is asked where orders of drugs are proposed; else nothing."""
    proposed = proposals(found.outputs)
    if found.head.outcome != "requested" or not proposed:
        return
    yield from map(orders.question, found.records)
    yield from (reading(ref) for order in proposed.values() for ref in medications(order))
    yield from _drugs(found)


def of_left(found: Found) -> Iterator[Question]:
    """List what is asked for replaced orders that may still stand after a signature."""
    orders_written = any(is_a(ref, "MedicationRequest") for ref in found.head.outputs.values())
    if not found.head.signed or not orders_written:
        return
    yield left.question(found.head)
    stops = (t for t in found.of_kind("Task") if has_identifier(t, STOP, _id(found)))
    yield from (reading(left.ordered(task)) for task in stops)
    yield from _drugs(found)


def of_advice(found: Found) -> Iterator[Question]:
    """List what is asked for the drugs taken, where genes advise on drugs."""
    declared = "advice" in panel_of(found.service).parts and found.head.outputs
    if not declared and not genes.drug_advice(found.outputs):
        return
    for record in found.records:
        yield from taken.questions(record)
    yield from _drugs(found)


def _drugs(found: Found) -> Iterator[Question]:
    standing = (r for r in found.of_kind(*taken.KINDS) if _counts(r))
    return (reading(ref) for order in standing for ref in medications(order))


def _counts(resource: Json) -> bool:
    return resource.get("status") == taken.ACTIVE or orders.is_standing(resource)


def _id(found: Found) -> str:
    return found.head.reference.split("/")[1]
