"""Read what a result's new orders replace."""

from collections.abc import Iterable

from services.review.decision.exchange.exchange import Exchanges, exchanges
from services.review.decision.exchange.orders import standing_orders
from services.review.result.result import Result
from shared.ehr.client import Ehr
from shared.json import Json
from shared.references import local_reference


def exchanges_of(ehr: Ehr, result: Result, *, read_only: bool) -> Exchanges:
    """Find the orders that end with this result's; no request where it replaces none."""
    if not result.waits or not replaces(result.outputs.values()):
        return Exchanges()
    own = {local_reference(r) for r in result.outputs.values()}
    standing = standing_orders(result.at(ehr), result.records, result.sources)
    return exchanges(
        result.outputs, [o for o in standing if o.reference not in own], read_only=read_only
    )


def replaces(outputs: Iterable[Json]) -> bool:
    """Tell whether one of the new orders replaces an old one."""
    return any(
        r["resourceType"] == "MedicationRequest" and "priorPrescription" in r for r in outputs
    )
