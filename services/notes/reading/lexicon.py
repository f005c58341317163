"""Known names of problems and drugs in a text (pure).

`data/problems.toml` and `shared/terms/drugs.toml`, longest name first.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from services.notes.domain import Concept, Entity, Kind
from services.notes.reading.tables import table
from shared.fhir import codes
from shared.terms import drugs

TOKEN: Final = re.compile(r"[A-Za-z0-9]+|[^\sA-Za-z0-9]")

INSTITUTION: Final = re.compile(
    r"\s+(?:Center|Centre|Institute|Foundation|Society|Association|Clinic|Hospital|Unit|Ward)\b"
)


@dataclass(frozen=True)
class Term:
    """One name of the lists.

    Attributes:
        exact: an abbreviation, found in this very case only.
        typed: an abbreviation that people type in lower case as well: no other word.
    """

    tokens: tuple[str, ...]
    exact: bool
    kind: Kind
    name: str
    concept: Concept | None
    typed: tuple[str, ...] = ()


def find_terms(text: str) -> Iterator[Entity]:
    """Every listed name, left to right, without overlaps."""
    tokens = [(m.start(), m.end(), m[0]) for m in TOKEN.finditer(text)]
    at = 0
    while at < len(tokens):
        term = _longest([t for _, _, t in tokens[at : at + _reach()]])
        last = at + len(term.tokens) if term else at
        if term is None or not _meant(term, text, tokens[at][0], tokens[last - 1][1]):
            at += 1
            continue
        yield Entity(
            tokens[at][0],
            tokens[last - 1][1],
            term.kind,
            None,
            term.concept,
            term.name,
            listed=True,
        )
        at = last


def is_chronic(concept: Concept | None) -> bool:
    """What one had, one has."""
    return concept is not None and concept.code in _chronic()


def _longest(tokens: list[str]) -> Term | None:
    folded = [t.casefold() for t in tokens]
    for term in _terms().get(folded[0], ()):
        size = len(term.tokens)
        seen = tokens if term.exact else folded
        if tuple(seen[:size]) == term.tokens or (term.typed and tuple(folded[:size]) == term.typed):
            return term
    return None


def _meant(term: Term, text: str, start: int, end: int) -> bool:
    """Tell whether a name stands for its problem here: no house, nothing else."""
    if term.kind == "problem" and INSTITUTION.match(text, end):
        return False
    context = _contexts().get(term.tokens[0]) if term.exact else None
    if context is None:
        return True
    before, after = context
    line = text.rfind("\n", 0, start) + 1
    return not (before.search(text, line, start) or after.match(text, end))


@cache
def _contexts() -> Mapping[str, tuple[re.Pattern[str], re.Pattern[str]]]:
    """What before or after an abbreviation tells that it means something else."""
    never = "(?!)"
    return {
        name: (
            re.compile(f"(?:{entry.get('before', never)})$"),
            re.compile(entry.get("after", never), re.MULTILINE),
        )
        for name, entry in table("problems")["contexts"].items()
    }


@cache
def _terms() -> Mapping[str, list[Term]]:
    """Terms by their first token, folded.

    The longest first, an abbreviation before a word.
    """
    found: dict[str, list[Term]] = {}
    for term in (*_problems(), *_drugs()):
        found.setdefault(term.tokens[0].casefold(), []).append(term)
    for terms in found.values():
        terms.sort(key=lambda t: (-len(t.tokens), not t.exact))
    return found


@cache
def _reach() -> int:
    return max(len(t.tokens) for terms in _terms().values() for t in terms)


@cache
def _chronic() -> frozenset[str]:
    return frozenset(
        e["snomed"]
        for e in table("problems")["problems"].values()
        if e.get("chronic") and "snomed" in e
    )


def _problems() -> Iterator[Term]:
    for name, entry in table("problems")["problems"].items():
        concept = (
            Concept(codes.SNOMED, entry["snomed"], entry["display"]) if "snomed" in entry else None
        )
        for word in (name, *entry.get("names", ())):
            yield from _forms(word, name if concept else word, concept)
        for word in entry.get("abbreviations", ()):
            typed = () if word in table("problems")["words"] else _tokens(word.casefold())
            yield Term(_tokens(word), True, "problem", name, concept, typed)

    for word in table("problems")["plain"]:
        yield from _forms(word, word, None)


def _forms(word: str, name: str, concept: Concept | None) -> Iterator[Term]:
    """Yield one and several of a problem."""
    for form in (word, f"{word}s"):
        yield Term(_tokens(form.casefold()), False, "problem", name, concept)


def _drugs() -> Iterator[Term]:
    for drug in drugs():
        concept = Concept(codes.RXNORM, drug.rxnorm, drug.name) if drug.rxnorm else None
        for word in drug.names:
            yield Term(_tokens(word.casefold()), False, "drug", drug.name, concept)


def _tokens(word: str) -> tuple[str, ...]:
    return tuple(TOKEN.findall(word))
