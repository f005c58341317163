"""Read a patient's standing orders of drugs from the EHR."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.review.result.drugs import Substance, substances
from shared.ehr.ahead import Question, searching
from shared.ehr.client import Ehr
from shared.json import Json
from shared.references import (
    local_reference,
    moment_of,
    relative,
    subject_of,
    version_of,
)

STANDING: Final = frozenset({"active", "on-hold", "unknown"})
"""The drug is given, or may be given again; of an unknown status nobody knows better."""
ORDERS: Final = frozenset(
    {"order", "original-order", "reflex-order", "filler-order", "instance-order"}
)
PAGE: Final = "100"


@dataclass(frozen=True)
class Order:
    """One standing order.

    Attributes:
        dosage: in words, as far as the order says it.
        prescriber: (reference, name) of who asked for it; empty where it names nobody.
    """

    resource: Json
    substance: Substance
    dosage: str
    prescriber: tuple[str, str]

    @property
    def name(self) -> str:
        """What it calls its drug, for people."""
        return self.substance.name

    @property
    def reference(self) -> str:
        """`MedicationRequest/id`."""
        return local_reference(self.resource)

    @property
    def ordered(self) -> str:
        """When it was ordered, as the order says it; empty where it does not."""
        return str(self.resource.get("authoredOn", ""))

    @property
    def version(self) -> str:
        """The version that was read."""
        return version_of(self.resource)

    @property
    def moment(self) -> str:
        """When it was written: a number alone comes again after a restore."""
        return moment_of(self.resource)


def is_standing(resource: Mapping[str, Any]) -> bool:
    """Tell whether it is an order, and not ended."""
    return (
        resource.get("status") in STANDING
        and resource.get("intent") in ORDERS
        and not resource.get("doNotPerform")
    )


def standing_orders(ehr: Ehr, records: Sequence[str], known: Iterable[Json]) -> list[Order]:
    """Read them under each record of the patient.

    Args:
        known: resources that were read already: the index of a search may lag behind them.
    """
    found = {
        local_reference(r): r
        for record in records
        for r in ehr.search("MedicationRequest", _query(record), subject=record)
        if subject_of(r) == record
    }
    found |= {local_reference(r): r for r in known if r["resourceType"] == "MedicationRequest"}
    return orders_of(ehr, [found[ref] for ref in sorted(found) if is_standing(found[ref])])


def question(record: str) -> Question:
    """Return the first question of `standing_orders`, for one record."""
    return searching("MedicationRequest", _query(record))


def _query(record: str) -> Mapping[str, str]:
    return {"patient": record.split("/")[1], "_count": PAGE}


def orders_of(ehr: Ehr, resources: Sequence[Json]) -> list[Order]:
    """Read the orders as people and rules do; what is malformed says nothing."""
    return list(map(_order, resources, substances(ehr, resources)))


def _order(resource: Json, drug: Substance) -> Order:
    texts = (dosage.get("text") for dosage in _listed(resource.get("dosageInstruction")))
    who = next(iter(_listed(resource.get("requester"))), {})
    return Order(
        resource,
        drug,
        "; ".join(text for text in texts if isinstance(text, str)),
        (relative(str(who.get("reference", ""))), str(who.get("display", ""))),
    )


def _listed(value: Any) -> list[Json]:
    """List the elements of a list, or the one; what is no element is passed over."""
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]
