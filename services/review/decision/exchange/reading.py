"""Read what a result's new orders replace, and what they would stand beside."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.review.decision.exchange.beside import Besides, beside
from services.review.decision.exchange.exchange import Exchanges, exchanges
from services.review.decision.exchange.orders import Order, standing_orders
from services.review.result.drugs import substances
from services.review.result.result import Result
from shared.ehr.client import Ehr
from shared.fhir import lifecycle
from shared.json import Json
from shared.references import local_reference


@dataclass(frozen=True)
class Meeting:
    """Where new orders meet standing ones.

    Attributes:
        exchanges: the orders that end with the new ones.
        besides: those of the same drug that go on.
        unread: standing orders of a drug that careloop does not know: each may be of a drug that
            is proposed. None where the exchanges name them.
    """

    exchanges: Exchanges = field(default_factory=Exchanges)
    besides: Besides = field(default_factory=dict)
    unread: Sequence[Order] = ()


def meeting_of(ehr: Ehr, result: Result, *, read_only: bool) -> Meeting:
    """Compare proposed orders with standing ones; no request where none is proposed."""
    proposed = proposals(result.outputs)
    if not result.waits or not proposed:
        return Meeting()
    ehr = result.at(ehr)
    standing = _others(standing_orders(ehr, result.records, result.sources), result)
    ends = exchanges(result.outputs, standing, read_only=read_only)
    drugs = substances(ehr, list(proposed.values()))
    found = beside(dict(zip(proposed, drugs, strict=True)), standing, ends)
    named = {order.reference for each in found.values() for order in each.orders}
    unread = [o for o in standing if not o.substance.is_recognised and o.reference not in named]
    return Meeting(ends, found, () if ends.each else unread)


def proposals(outputs: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return the drafts of orders of drugs, by key."""
    drugs = {k: r for k, r in outputs.items() if r["resourceType"] == "MedicationRequest"}
    return {k: r for k, r in drugs.items() if lifecycle.is_draft(r)}


def _others(standing: Iterable[Order], result: Result) -> Sequence[Order]:
    """Leave out the orders of this very result."""
    own = {local_reference(r) for r in result.outputs.values()}
    return [order for order in standing if order.reference not in own]
