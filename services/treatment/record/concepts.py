"""What a CodeableConcept says: its codes and its words (pure)."""

import re
from collections.abc import Iterator, Mapping, Sequence

from shared.fhir import codes
from shared.json import Json


def tokens(element: object) -> tuple[str, ...]:
    """List `system|code` of every coding, sorted."""
    coded = (c for c in codes.codings(element) if "code" in c)
    return tuple(sorted({f"{c.get('system', '')}|{c['code']}" for c in coded}))


def code_values(*elements: object) -> frozenset[str]:
    """List the codes of every coding, whatever their system.

    R4 lets a coding have a display alone.
    """
    return frozenset(
        str(c["code"]) for element in elements for c in codes.codings(element) if "code" in c
    )


def words(element: object) -> str:
    """Join every text and display of a CodeableConcept."""
    concept = element if isinstance(element, Mapping) else {}
    texts = (concept.get("text"), *(c.get("display") for c in codes.codings(element)))

    return "; ".join(dict.fromkeys(str(text) for text in texts if text))


def joined_words(*elements: object) -> str:
    """Join the words of several CodeableConcepts."""
    return "; ".join(text for element in elements if (text := words(element)))


def has_term(text: str, terms: Sequence[str]) -> bool:
    """Tell whether a text has one of these terms, as a word of its own."""
    return any(re.search(rf"\b{re.escape(term)}\b", text, re.IGNORECASE) for term in terms)


def components(observation: Json, system: str, code: str) -> Iterator[Json]:
    """Find the components of an Observation with this code."""
    return (
        part
        for part in observation.get("component", [])
        if codes.has_code(part.get("code"), system, code)
    )
