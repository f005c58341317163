"""The words by which a text may name a finding (pure).

Its own displays and texts, the synonyms in its coding, their endings, and the initials of a name of
several words. A word too many is a question too many; a word too few is a contradiction that nobody
asks about.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.review.decision.consistency.synonyms import TABLE, Also
from services.review.panels.findings import GENERIC, GENOMIC
from shared.fhir import codes

WORD: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
SHORT: Final = 4
ENDINGS: Final = {"sis": "[st]", "ism": "", "ity": "i", "ies": "(?:y|ie)"}
"""Endings that change: stenosis, stenotic; embolism, emboli; opacity, opacities."""
EXACT: Final = re.compile(r".*\d")
SPELLINGS: Final = (("\u2019", "'"), ("oe", "e"), ("ae", "e"), ("our", "or"))
GENERAL: Final = frozenset(
    WORD.findall(
        "a an and are as be been by has have is it its no non not that this was were model "
        "score threshold above below absent detected negative positive seen found "
        "at due for in nos of on or the to type unspecified with disease "
        "disorder finding syndrome structure condition history procedure therapy "
        "observation level present suspected possible probable primary secondary acute "
        "chronic mild moderate severe left right bilateral upper lower middle lobe lung "
        "lungs pulmonary pleural chest cardiac heart coronary renal kidney mg mcg ml oral "
        "tablet capsule "
    )
)
"""Words that many findings share: alone they name none."""
NAMING: Final = ("valueCodeableConcept", "medicationCodeableConcept", "code")


@dataclass(frozen=True)
class Terms:
    """How a text may name one finding.

    Attributes:
        words: in lower case.
        initials: in capitals, `COPD`.
        others: what else speaks of it (`synonyms.py`).
    """

    words: re.Pattern[str]
    initials: frozenset[str]
    others: Sequence[Also] = ()

    def name(self, word: str) -> bool:
        """Tell whether this word of a text names it."""
        return word in self.initials or self.words.fullmatch(normal(word)) is not None


def normal(text: str) -> str:
    """The text in one spelling: lower case, American."""
    lowered = text.casefold()
    for one, other in SPELLINGS:
        lowered = lowered.replace(one, other)
    return lowered


def terms_of(resource: Mapping[str, Any]) -> Terms | None:
    """How a text may name it; None where it has no name."""
    names = list(dict.fromkeys(_names(resource)))
    words = dict.fromkeys(word for name in names for word in _telling(name))
    patterns = [_pattern(word) for word in words]
    others = [also for also in TABLE if any(also.finding.search(name) for name in names)]
    return Terms(re.compile("|".join(patterns)), _initials(names), others) if patterns else None


def _names(resource: Mapping[str, Any]) -> Iterator[str]:
    """Displays and texts: of the value where the code only asks, else of the code."""
    asks = any(
        codes.has_code(resource.get("code"), system, code) for system, code in (*GENERIC, *GENOMIC)
    )
    for element in NAMING:
        if asks and element == "code":
            continue
        if element == "valueCodeableConcept" and not asks:
            continue
        concept = resource.get(element)
        if isinstance(concept, Mapping):
            spoken = [concept.get("text"), *(c.get("display") for c in codes.codings(concept))]
            yield from (s for s in spoken if isinstance(s, str))


def _telling(name: str) -> list[str]:
    words = [w for w in WORD.findall(normal(name)) if not w.isdigit() and len(w) > 1]
    return [w for w in words if w not in GENERAL] or words


def _pattern(word: str) -> str:
    """What a word looks like with other endings."""
    if EXACT.match(word):
        return re.escape(word)
    if len(word) <= SHORT:
        return f"{re.escape(word)}(?:s|es)?"
    for ending, others in ENDINGS.items():
        if word.endswith(ending):
            return f"{re.escape(word.removesuffix(ending))}{others}\\w{{0,7}}"
    return f"{re.escape(word[: -_ending(word)])}\\w{{0,7}}"


def _ending(word: str) -> int:
    return 3 if len(word) >= 10 else 2 if len(word) >= 7 else 1


def _initials(names: list[str]) -> frozenset[str]:
    split = (
        [w for w in WORD.findall(name) if w.casefold() not in ("of", "the", "and", "in", "to")]
        for name in names
    )
    found = ("".join(w[0] for w in words).upper() for words in split if len(words) > 1)
    return frozenset(i for i in found if i.isalpha())
