"""Tell which orders end with a new one, and how (pure).

These are all orders of the drug that it replaces. An order that can't be ended safely by careloop
is left to its prescriber, by a Task.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from services.review import present
from services.review.decision.exchange.orders import Order
from shared.answers import digest
from shared.errors import InvalidResource
from shared.fhir import lifecycle
from shared.fhir.check import check
from shared.json import Json
from shared.references import local_reference

COMBINATION: Final = "it holds other drugs, too, which would end with it"
READ_ONLY: Final = "the record system does not let careloop change orders"
OTHER: Final = "the plan names it as the same drug, and its own words don't"
UNCHECKED: Final = "its entry in the record breaks a rule of the standard"


@dataclass(frozen=True)
class Ending:
    """An order that ends, or must be ended.

    Attributes:
        by: the name of the new drug.
        new_order: `MedicationRequest/id`.
        why: the reason for a Task; empty: the signature ends the order.
    """

    order: Order
    by: str
    new_order: str
    why: str = ""

    @property
    def how(self) -> Literal["stop", "task"]:
        """Who ends it: the signature, or the prescriber by a Task."""
        return "task" if self.why else "stop"


@dataclass(frozen=True)
class Exchange:
    """What becomes of the old orders with one new order.

    Attributes:
        key: of the new order among the outputs.
        name: of its drug.
    """

    key: str
    name: str
    endings: tuple[Ending, ...]


@dataclass(frozen=True)
class Exchanges:
    """All exchanges of a result.

    Attributes:
        unrecognised: other standing orders, of a drug that careloop does not know: each may be of
            the drug that ends.
    """

    each: tuple[Exchange, ...] = ()
    unrecognised: tuple[Order, ...] = ()

    @property
    def stamp(self) -> str:
        """What the page said of them; empty where nothing is replaced.

        It changes with every version.
        """
        said = {
            f"{e.key} {end.order.reference}": f"{end.how} {end.order.version} {end.order.moment}"
            for e in self.each
            for end in e.endings
        }
        unknown = [f"{o.reference} {o.name} {o.version} {o.moment}" for o in self.unrecognised]
        return digest(said, unknown)[-16:] if self.each else ""

    @property
    def grouped(self) -> list[tuple[list[str], tuple[Ending, ...]]]:
        """The new drugs and what ends with them, those together that end the same."""
        found: dict[tuple[tuple[str, str], ...], tuple[list[str], tuple[Ending, ...]]] = {}
        for e in self.each:
            same = tuple((end.order.reference, end.why) for end in e.endings)
            found.setdefault(same, ([], e.endings))[0].append(e.name)
        return list(found.values())

    def ends(self, gone: Collection[str]) -> list[Ending]:
        """List what ends, each order once, without the new orders that are not accepted."""
        ends = (end for e in self.each if e.key not in gone for end in e.endings)
        return list({end.order.reference: end for end in ends}.values())


def exchanges(
    outputs: Mapping[str, Json], standing: Sequence[Order], *, read_only: bool
) -> Exchanges:
    """Find the orders that each proposed one replaces.

    Args:
        standing: all standing orders of the patient.
        read_only: the hospital says that orders can't be changed through FHIR.
    """
    found = []
    for key, resource in outputs.items():
        prior = next(present.references(resource.get("priorPrescription")), "")
        if resource["resourceType"] != "MedicationRequest" or not prior:
            continue
        if lifecycle.is_draft(resource):
            name = present.concept_text(resource.get("medicationCodeableConcept")) or "a new order"
            ends = tuple(_endings(name, resource, standing, read_only=read_only))
            found.append(Exchange(key, name, ends))
    ended = {end.order.reference for e in found for end in e.endings}
    others = (o for o in standing if o.reference not in ended)
    unrecognised = tuple(o for o in others if not o.substance.is_recognised)
    return Exchanges(tuple(found), unrecognised if found else ())


def all_by_task(ends: Iterable[Ending]) -> list[Ending]:
    """The same endings where the EHR has refused to change an order."""
    return [end if end.why else replace(end, why=READ_ONLY) for end in ends]


def _endings(
    name: str, new: Json, standing: Sequence[Order], *, read_only: bool
) -> Iterable[Ending]:
    [prior] = present.references(new["priorPrescription"])
    others = set(present.references(new.get("supportingInformation")))
    old = next((o for o in standing if o.reference == prior), None)
    for order in standing:
        if old and (order is old or order.substance.is_same(old.substance)):
            why = _why_not(order, read_only=read_only)
            yield Ending(order, name, local_reference(new), why)
        elif order.reference in others:
            yield Ending(order, name, local_reference(new), OTHER)


def _why_not(order: Order, *, read_only: bool) -> str:
    """Why the signature can't end it; empty: it can."""
    if order.substance.is_combination:
        return COMBINATION
    if read_only:
        return READ_ONLY
    try:
        check(order.resource)
    except InvalidResource:
        return UNCHECKED
    return ""
