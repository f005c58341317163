"""Tell which drug an order or a statement is of.

By codes, by the ingredients that it names (RxNorm's code, a name or a brand: `shared.terms`), and
by words where no drug is known.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.review import present
from services.review.result.medications import Said, read_medications, said_by
from shared.ehr.client import Ehr
from shared.fhir import codes
from shared.json import Json
from shared.terms import Drug, drugs_by_rxnorm, written

ATC: Final = "http://www.whocc.no/atc"
ATC_SUBSTANCE: Final = 7
"""A shorter ATC code names a class of drugs."""
NAMELESS: Final = "a drug that the record does not name"
NOTHING_READ: Final[Mapping[str, Json | None]] = {}


@dataclass(frozen=True)
class Substance:
    """What an order is of.

    Attributes:
        name: what the order calls it, for people.
        ingredients: generic names of the drugs, and classes of drugs, that are known; lower case.
        rxnorm: its RxNorm codes.
        words: everything that the order says of it.
        keys: marks of it, of which one in common is enough; none: it can't be read.
        is_combination: it holds other drugs, too, as far as can be read.
        is_recognised: careloop knows the drug, and all drugs of a combination, as far as can be
            read. The words of an unknown one may be a name of any drug.
    """

    name: str
    ingredients: frozenset[str]
    rxnorm: frozenset[str]
    words: str
    keys: frozenset[str]
    is_combination: bool
    is_recognised: bool

    def is_same(self, other: "Substance") -> bool:
        """Tell whether both hold one drug."""
        return bool(self.keys & other.keys)

    def is_of(self, drug: str, rxnorm: Iterable[str]) -> bool:
        """Tell whether it holds this ingredient: by name, brand or code."""
        if drug.lower() in self.ingredients or self.rxnorm & set(rxnorm):
            return True
        named = rf"(?<!\w){re.escape(drug)}(?!\w)"
        return bool(drug) and bool(re.search(named, self.words, re.IGNORECASE))


def substances(ehr: Ehr, orders: Sequence[Json]) -> list[Substance]:
    """Read what each order is of.

    Raises:
        Unavailable: the EHR does not answer.
    """
    read = read_medications(ehr, orders)
    return [substance(order, read) for order in orders]


def substance(
    order: Mapping[str, Any], read: Mapping[str, Json | None] = NOTHING_READ
) -> Substance:
    """Tell what an order is of.

    Args:
        read: the Medications that it points at.
    """
    said = said_by(order, read)
    known, texts = _drugs(said.concepts), list(_texts(said.concepts))
    drugs = {drug.name for drug in known if drug.rxnorm}
    coded = list(codes.codings(said.concepts))
    rxnorm = (_code(c) for c in coded if c.get("system") == codes.RXNORM)
    count = max(len(drugs), _active(said), 2 if _is_several(texts, known) else 1)
    return Substance(
        name=next(filter(None, map(present.concept_text, said.concepts)), NAMELESS),
        ingredients=frozenset(drug.name for drug in known),
        rxnorm=frozenset(filter(None, rxnorm)),
        words="; ".join(dict.fromkeys(texts)),
        keys=frozenset(filter(None, _keys(drugs, texts, coded))),
        is_combination=count > 1,
        is_recognised=len(drugs) == count,
    )


def _texts(concepts: Iterable[Json]) -> Iterator[str]:
    for concept in concepts:
        found = (concept.get("text"), *(c.get("display") for c in codes.codings(concept)))
        yield from (written.tidy(text) for text in found if isinstance(text, str))


def _drugs(concepts: Sequence[Json]) -> set[Drug]:
    """Find the drugs by code and name.

    A name without a code of its own may mean a class of drugs (insulin).
    """
    coded = (_code(c) for c in codes.codings(concepts) if c.get("system") == codes.RXNORM)
    by_code = (drug for code in coded if (drug := drugs_by_rxnorm().get(code)))
    return {*by_code, *(drug for text in _texts(concepts) for drug in written.named(text))}


def _active(said: Said) -> int:
    """Count the active ingredients: the drugs that are known, and each unknown one."""
    each = [{drug.name for drug in _drugs(part) if drug.rxnorm} for part in said.active]
    return len({name for names in each for name in names}) + each.count(set())


def _is_several(texts: Iterable[str], known: Iterable[Drug]) -> bool:
    """Tell a combination by its words, or by the name of its entry: `Augmentin`."""
    return any(map(written.is_several, (*texts, *(drug.name for drug in known))))


def _keys(drugs: Iterable[str], texts: Iterable[str], coded: Iterable[Json]) -> Iterator[str]:
    yield from (f"drug {name}" for name in drugs)
    yield from map(_key, coded)
    if not drugs:
        yield from (f"words {words}" for text in texts if (words := written.bare(text)))


def _key(coding: Mapping[str, Any]) -> str:
    system, code = coding.get("system"), _code(coding)
    is_class = system == ATC and len(code) < ATC_SUBSTANCE
    return f"{system}|{code}" if system and code and not is_class else ""


def _code(coding: Mapping[str, Any]) -> str:
    return str(coding.get("code", ""))
