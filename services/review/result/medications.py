"""Read what an order or a statement says of its drug: CodeableConcepts.

Its own, those of the Medication that it names, contained or on its own, and those of what that is
made of. What is malformed says nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from services.review.result.read import PARALLEL_READS
from shared.ehr.ahead import reading
from shared.ehr.client import Ehr
from shared.errors import FhirError
from shared.json import Json
from shared.references import is_a, relative


@dataclass(frozen=True)
class Said:
    """What an order says of its drug.

    Attributes:
        whole: concepts of the drug.
        active: concepts of each active ingredient.
        others: concepts of the other ingredients.
    """

    whole: Sequence[Json]
    active: Sequence[Sequence[Json]]
    others: Sequence[Json]

    @property
    def concepts(self) -> list[Json]:
        """All of them, those of the whole first."""
        return [*self.whole, *(c for part in self.active for c in part), *self.others]


def medications(order: Mapping[str, Any]) -> Iterator[str]:
    """Yield the Medications that an order points at, `Medication/id` each."""
    for pointer in _listed(order.get("medicationReference")):
        target = relative(str(pointer.get("reference", "")))
        if is_a(target, "Medication"):
            yield target


def read_medications(ehr: Ehr, orders: Sequence[Json]) -> Mapping[str, Json | None]:
    """Read the Medications of the orders, in one batch; None: not to be had.

    Raises:
        Unavailable: the EHR does not answer.
    """
    pointed = list(dict.fromkeys(ref for order in orders for ref in medications(order)))
    ahead = ehr.ahead([reading(ref) for ref in pointed])
    with ThreadPoolExecutor(PARALLEL_READS) as pool:
        return dict(zip(pointed, pool.map(partial(_read, ahead), pointed), strict=True))


def said_by(order: Mapping[str, Any], read: Mapping[str, Json | None]) -> Said:
    """Collect what an order says of its drug.

    Args:
        read: the Medications that it points at.
    """
    pointers = list(_listed(order.get("medicationReference")))
    held = [c for pointer in pointers for c in _inside(pointer, order)]
    held += [medication for ref in medications(order) if (medication := read.get(ref))]
    whole = [
        *_listed(order.get("medicationCodeableConcept")),
        *(code for medication in held for code in _listed(medication.get("code"))),
        *map(_displayed, pointers),
    ]
    parts = [(m, part) for m in held for part in _listed(m.get("ingredient"))]
    active = [_of_part(part, m, order) for m, part in parts if _is_active(part)]
    rest = [c for m, part in parts if not _is_active(part) for c in _of_part(part, m, order)]
    return Said(whole, active, rest)


def _read(ehr: Ehr, reference: str) -> Json | None:
    """Read a Medication; None where the EHR has it no more, or refuses to give it."""
    try:
        return ehr.read(reference)
    except FhirError:
        return None


def _is_active(part: Json) -> bool:
    return part.get("isActive") is not False


def _of_part(part: Json, *holders: Mapping[str, Any]) -> list[Json]:
    """List the concepts of an ingredient, also of a contained one."""
    pointers = list(_listed(part.get("itemReference")))
    inside = (c for pointer in pointers for c in _inside(pointer, *holders))
    return [
        *_listed(part.get("itemCodeableConcept")),
        *(code for c in inside for code in _listed(c.get("code"))),
        *map(_displayed, pointers),
    ]


def _inside(pointer: Json, *holders: Mapping[str, Any]) -> Iterator[Json]:
    """Yield the contained resource that a reference names."""
    contained = (c for holder in holders for c in _listed(holder.get("contained")))
    yield from (c for c in contained if pointer.get("reference") == f"#{c.get('id')}")


def _displayed(pointer: Json) -> Json:
    """Return the name that a reference gives, as a concept."""
    name = pointer.get("display")
    return {"text": name} if isinstance(name, str) else {}


def _listed(value: Any) -> Iterator[Json]:
    """Yield the elements of a list, or the one; what is no element is passed over."""
    items = value if isinstance(value, list) else [value]
    yield from (item for item in items if isinstance(item, dict))
