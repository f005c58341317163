"""Read a patient's standing orders of drugs from the EHR."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.review import present
from services.review.decision.exchange.drugs import Substance, substance
from shared.ehr.client import Ehr
from shared.json import Json
from shared.references import is_a, local_reference, relative, subject_of, version_of

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
        name: of the drug, for people; the reference where it can't be read.
        dosage: in words, as far as the order says it.
        prescriber: (reference, name) of who asked for it; empty where it names nobody.
    """

    resource: Json
    substance: Substance
    name: str
    dosage: str
    prescriber: tuple[str, str]

    @property
    def reference(self) -> str:
        """`MedicationRequest/id`."""
        return local_reference(self.resource)

    @property
    def version(self) -> str:
        """The version that was read."""
        return version_of(self.resource)


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
        for r in ehr.search(
            "MedicationRequest", {"patient": record.split("/")[1], "_count": PAGE}, subject=record
        )
        if subject_of(r) == record
    }
    found |= {local_reference(r): r for r in known if r["resourceType"] == "MedicationRequest"}
    return [order_of(ehr, found[ref]) for ref in sorted(found) if is_standing(found[ref])]


def order_of(ehr: Ehr, resource: Json) -> Order:
    """The order as people and rules read it."""
    concepts = list(_concepts(ehr, resource))
    name = next(filter(None, map(present.concept_text, concepts)), local_reference(resource))
    who = resource.get("requester", {})
    return Order(
        resource,
        substance(concepts),
        name,
        "; ".join(d["text"] for d in resource.get("dosageInstruction", []) if d.get("text")),
        (relative(who.get("reference", "")), str(who.get("display", ""))),
    )


def _concepts(ehr: Ehr, resource: Json) -> Iterator[Json]:
    if concept := resource.get("medicationCodeableConcept"):
        yield concept
    if medication := _medication(ehr, resource):
        yield medication.get("code", {})
        for part in medication.get("ingredient", []):
            yield part.get("itemCodeableConcept", {})


def _medication(ehr: Ehr, resource: Json) -> Json | None:
    """Read the Medication, contained or a resource of its own."""
    target = resource.get("medicationReference", {}).get("reference", "")
    if target.startswith("#"):
        contained = (c for c in resource.get("contained", []) if c.get("id") == target[1:])
        return next(contained, None)
    reference = relative(target)
    return ehr.read(reference) if is_a(reference, "Medication") else None
