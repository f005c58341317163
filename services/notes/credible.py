"""Marks that are worth telling (pure).

The entity model learned from research abstracts. In notes it marks headings, people, parts of the
body and routes as well; what no list knows must be sure, and no such thing.
"""

import re
from functools import cache
from typing import Final

from services.notes.domain import Assertion, Entity
from services.notes.reading.sections import Section
from services.notes.reading.tables import table

SURE: Final = 0.8
"""Below it, what no list knows counts for nothing: in notes most such marks were wrong (card)."""
TITLE: Final = re.compile(
    r"\b(?:[Dd]r|DR|[Mm]rs?|MRS?|[Mm]s|[Mm]iss|[Pp]rof|nurse|doctor|Nurse|Doctor)\.?\s+(?:[A-Z][\w'.-]*\s+)*$"
)
SIGNED: Final = re.compile(
    r"\s*,?\s*(?:M\.?D\.?|D\.?O\.?|R\.?N\.?|N\.?P\.?|PA-?C?|Ph\.?D\.?|MBBS|FRCP)(?!\w)"
)
WORD: Final = re.compile(r"[^\W\d_]+")


def is_credible(entity: Entity, text: str, section: Section) -> bool:
    """Tell whether a mark is a problem or a drug at all."""
    if entity.listed:
        return True
    if entity.confidence is not None and entity.confidence < SURE:
        return False
    if _is_other(text[entity.start : entity.end]) or _is_person(text, entity.start, entity.end):
        return False
    is_heading = text[entity.end : entity.end + 1] == ":" and section.assertion is None
    return not is_heading


def is_told(entity: Entity, assertion: Assertion, section: Section) -> bool:
    """Tell whether a statement is worth telling.

    A chemical that no list knows may be a laboratory's: something must say that it is a drug.
    """
    return (
        entity.listed
        or entity.kind == "problem"
        or section.lists_drugs
        or section.assertion == "allergy"
        or assertion != "mentioned"
    )


def _is_other(quoted: str) -> bool:
    """Tell whether all its words are parts of the body, routes, headings and the like."""
    words = [w.casefold() for w in WORD.findall(quoted)]
    if not any(len(w) > 1 for w in words) or words[-1].endswith(_procedures()):
        return True
    return all(w in _others() for w in words)


@cache
def _others() -> frozenset[str]:
    return frozenset(table("problems")["others"])


@cache
def _procedures() -> tuple[str, ...]:
    return tuple(table("problems")["procedures"])


def _is_person(text: str, start: int, end: int) -> bool:
    line = text.rfind("\n", 0, start) + 1
    return TITLE.search(text, line, start) is not None or SIGNED.match(text, end) is not None
