"""Tell whether two orders are of the same drug (pure).

By a code that both carry, by an ingredient that both name (RxNorm's code, its name or a brand:
`shared.terms`), or by the same words where the drug is not known.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from shared import terms
from shared.fhir import codes

ATC: Final = "http://www.whocc.no/atc"
ATC_SUBSTANCE: Final = 7
"""A shorter ATC code names a class of drugs."""
SEVERAL: Final = re.compile(r"\s[/+]\s|[a-z]/(?=[a-z]{4,})", re.IGNORECASE)
"""`ezetimibe 10 MG / simvastatin 40 MG`, `amoxicillin/clavulanate`; not `mg/ml`."""
WORD: Final = re.compile(r"[^\W\d_]+")
FORMS: Final = frozenset(
    WORD.findall(
        "mg mcg g ml ug iu unit units hr hour tablet tablets capsule capsules oral solution "
        "suspension injection injectable extended delayed release coated film pill product pack "
        "patch dose daily once twice a day per by mouth each every night morning evening minute "
        "minutes hours days week weeks month"
    )
)


@dataclass(frozen=True)
class Substance:
    """What an order is of.

    Attributes:
        keys: names of it, of which one in common is enough; none: it can't be read.
        is_combination: it holds other drugs, too, as far as can be read.
        is_recognised: careloop knows the drug, and all drugs of a combination, as far as can be
            read. The words of an unknown one may be a name of any drug.
    """

    keys: frozenset[str]
    is_combination: bool
    is_recognised: bool

    def is_same(self, other: "Substance") -> bool:
        """Tell whether both hold one drug."""
        return bool(self.keys & other.keys)


def substance(concepts: Iterable[Mapping[str, Any]]) -> Substance:
    """Read the CodeableConcepts of an order's medication and of its ingredients."""
    listed = list(concepts)
    coded = [c for concept in listed for c in codes.codings(concept)]
    spoken = [text for concept in listed for text in _spoken(concept)]
    drugs = {drug for text in spoken for drug in _named(text)} | set(_by_code(coded))
    keys = {f"drug {name}" for name in drugs} | {k for c in coded if (k := _key(c))}
    if not drugs:
        keys |= {f"words {words}" for text in spoken if (words := _bare(text))}
    parts = max(len(drugs), 2 if any(map(_is_several, spoken)) else 1)
    return Substance(frozenset(keys), parts > 1, is_recognised=len(drugs) == parts)


def _spoken(concept: Mapping[str, Any]) -> Iterator[str]:
    texts = (concept.get("text"), *(c.get("display") for c in codes.codings(concept)))
    yield from (text for text in texts if isinstance(text, str))


def _is_several(text: str) -> bool:
    """Tell whether a text names several drugs; `25 mcg/hour` names one."""
    after = (WORD.search(text, found.end()) for found in SEVERAL.finditer(text))
    return any(word and word[0].casefold() not in FORMS for word in after)


def _named(text: str) -> Iterator[str]:
    """Find the drugs in a text.

    A name without a code of its own may mean a class of drugs (insulin): it is none.
    """
    known = terms.drugs_by_name()
    found = (known[match[0].lower()] for match in _names().finditer(text))
    yield from (drug.name for drug in found if drug.rxnorm)


@cache
def _names() -> re.Pattern[str]:
    """Match the longest name first: `amoxicillin/clavulanate` before `amoxicillin`."""
    listed = sorted(terms.drugs_by_name(), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, listed))})(?!\w)", re.IGNORECASE)


def _by_code(coded: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    known = terms.drugs_by_rxnorm()
    for each in coded:
        if each.get("system") == codes.RXNORM and (drug := known.get(str(each.get("code")))):
            yield drug.name


def _key(coding: Mapping[str, Any]) -> str:
    system, code = coding.get("system"), str(coding.get("code", ""))
    is_class = system == ATC and len(code) < ATC_SUBSTANCE
    return f"{system}|{code}" if system and code and not is_class else ""


def _bare(text: str) -> str:
    """Return the words that are left without strengths, forms and times."""
    return " ".join(w for w in WORD.findall(text.casefold()) if w not in FORMS)
