"""The drugs that a patient takes, by the record's active orders and statements."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from services.review import present
from services.review.result.read import read_all
from shared.ehr.ahead import Question, reading, searching
from shared.ehr.client import Ehr
from shared.errors import FhirError
from shared.fhir import codes
from shared.json import Json
from shared.terms import drugs_by_name, drugs_by_rxnorm

NAMELESS: Final = "a drug that the record does not name"
KINDS: Final = ("MedicationRequest", "MedicationStatement")
ACTIVE: Final = "active"
PROPOSED: Final = frozenset({"proposal", "plan", "option"})
"""Intents of a request that nobody ordered: our own drafts, among others."""


@dataclass(frozen=True)
class Order:
    """One active order or statement.

    Attributes:
        name: what it calls its drug, for people.
        ingredients: generic names of the ingredients that are known, lower case.
        rxnorm: its RxNorm codes.
        words: everything that it says of its drug.
    """

    name: str
    ingredients: frozenset[str]
    rxnorm: frozenset[str]
    words: str

    def is_of(self, drug: str, rxnorm: Sequence[str]) -> bool:
        """Tell whether it is of this ingredient: by name, brand or code."""
        named = bool(drug) and re.search(
            rf"(?<!\w){re.escape(drug)}(?!\w)", self.words, re.IGNORECASE
        )
        return drug.lower() in self.ingredients or bool(named) or bool(self.rxnorm & set(rxnorm))


@dataclass(frozen=True)
class Taken:
    """What the patient takes.

    Attributes:
        unread: the record could not tell.
    """

    orders: tuple[Order, ...] = ()
    unread: bool = False


def taken(ehr: Ehr, records: Sequence[str]) -> Taken:
    """Read the active orders and statements of all records of a patient, in one batch.

    Raises:
        Unavailable: the EHR does not answer.
    """
    ahead = ehr.ahead([q for record in records for q in questions(record)])
    answers = [_active(ahead, kind, record) for record in records for kind in KINDS]
    found = [order for orders in answers for order in orders or ()]

    pointed = list(dict.fromkeys(ref for order in found for ref in medications(order)))
    read = read_all(ehr.ahead([reading(ref) for ref in pointed]), pointed)
    concepts = (
        [*_own(order), *(c for ref in medications(order) for c in _inside(read.get(ref)))]
        for order in found
    )
    return Taken(tuple(map(_order, concepts)), unread=None in answers)


def questions(record: str) -> list[Question]:
    """List the first questions of `taken`, for one record."""
    return [searching(kind, _asked(record)) for kind in KINDS]


def _active(ehr: Ehr, kind: str, record: str) -> list[Json] | None:
    """Return what is active; None where the EHR refuses to tell."""
    try:
        return [
            r
            for r in ehr.search(kind, _asked(record), subject=record)
            if r.get("status") == ACTIVE and r.get("intent") not in PROPOSED
        ]
    except FhirError:  # an EHR that has no such type, or that gives us none of it
        return None


def _asked(record: str) -> Mapping[str, str]:
    return {"patient": record, "status": ACTIVE}


def medications(resource: Json) -> Iterator[str]:
    """Yield what an order or statement points at, as a rule `Medication/id`."""
    return present.references(resource.get("medicationReference"))


def _own(resource: Json) -> list[Json]:
    concept = resource.get("medicationCodeableConcept")
    return [concept] if isinstance(concept, dict) else []


def _inside(medication: Json | None) -> Iterator[Json]:
    """Yield what a Medication is, and what it is made of."""
    if medication is None:
        return
    held = [medication.get("code")]
    held += [i.get("itemCodeableConcept") for i in medication.get("ingredient", [])]
    yield from (concept for concept in held if isinstance(concept, dict))


def _order(concepts: Sequence[Mapping[str, Any]]) -> Order:
    """Read what the concepts of one order say of its drug."""
    coded = {
        str(c["code"])
        for concept in concepts
        for c in codes.codings(concept)
        if c.get("system") == codes.RXNORM and "code" in c
    }
    words = "; ".join(dict.fromkeys(text for c in concepts for text in _words(c) if text))
    known = {drug.name for code in coded if (drug := drugs_by_rxnorm().get(code))}
    name = next(filter(None, map(present.concept_text, concepts)), NAMELESS)
    return Order(name, frozenset({*known, *_named(words)}), frozenset(coded), words)


def _named(words: str) -> Iterator[str]:
    """Yield the ingredients named in a text."""
    for hit in _pattern().findall(words):
        yield drugs_by_name()[hit.lower()].name


@cache
def _pattern() -> re.Pattern[str]:
    names = sorted(drugs_by_name(), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)", re.IGNORECASE)


def _words(concept: Mapping[str, Any]) -> Iterator[str]:
    yield str(concept.get("text", ""))
    yield from (str(c.get("display", "")) for c in codes.codings(concept))
