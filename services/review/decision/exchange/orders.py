"""Read a patient's standing orders of drugs from the EHR."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.review import present
from services.review.decision.exchange.drugs import Substance, substance
from shared.ehr.ahead import Question, searching
from shared.ehr.client import Ehr
from shared.errors import FhirError
from shared.json import Json
from shared.references import (
    is_a,
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
UNNAMED: Final = "a drug that the record does not name"


@dataclass(frozen=True)
class Order:
    """One standing order.

    Attributes:
        name: of the drug, for people.
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
    return [order_of(ehr, found[ref]) for ref in sorted(found) if is_standing(found[ref])]


def question(record: str) -> Question:
    """Return the first question of `standing_orders`, for one record."""
    return searching("MedicationRequest", _query(record))


def medications(order: Mapping[str, Any]) -> Iterator[str]:
    """Yield the Medications that an order points at, `Medication/id` each."""
    for pointer in _listed(order.get("medicationReference")):
        target = relative(str(pointer.get("reference", "")))
        if is_a(target, "Medication"):
            yield target


def _query(record: str) -> Mapping[str, str]:
    return {"patient": record.split("/")[1], "_count": PAGE}


def order_of(ehr: Ehr, resource: Json) -> Order:
    """The order as people and rules read it; what is malformed says nothing."""
    concepts = list(_concepts(ehr, resource))
    name = next(filter(None, map(present.concept_text, concepts)), UNNAMED)
    texts = (dosage.get("text") for dosage in _listed(resource.get("dosageInstruction")))
    who = next(_listed(resource.get("requester")), {})
    return Order(
        resource,
        substance(concepts),
        name,
        "; ".join(text for text in texts if isinstance(text, str)),
        (relative(str(who.get("reference", ""))), str(who.get("display", ""))),
    )


def _listed(value: Any) -> Iterator[Json]:
    """The elements of a list, or the one; what is no element is passed over."""
    items = value if isinstance(value, list) else [value]
    yield from (item for item in items if isinstance(item, dict))


def _concepts(ehr: Ehr, resource: Json) -> Iterator[Json]:
    yield from _listed(resource.get("medicationCodeableConcept"))
    for medication in _medications(ehr, resource):
        yield from _listed(medication.get("code"))
        for part in _listed(medication.get("ingredient")):
            yield from _listed(part.get("itemCodeableConcept"))


def _medications(ehr: Ehr, resource: Json) -> Iterator[Json]:
    """Read the Medication, contained or on its own, and its name in the order."""
    for pointer in _listed(resource.get("medicationReference")):
        target = str(pointer.get("reference", ""))
        contained = _listed(resource.get("contained"))
        yield from (c for c in contained if target == f"#{c.get('id')}")
        if is_a(relative(target), "Medication") and (read := _read(ehr, relative(target))):
            yield read
        if isinstance(pointer.get("display"), str):
            yield {"code": {"text": pointer["display"]}}


def _read(ehr: Ehr, reference: str) -> Json | None:
    """Read a Medication; None where the EHR has it no more, or refuses to give it."""
    try:
        return ehr.read(reference)
    except FhirError:
        return None
