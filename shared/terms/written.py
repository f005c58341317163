"""Find the drugs in what people wrote (pure)."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from shared.terms import Drug, drugs_by_name

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
HYPHENS: Final = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2212", "-") | {"\xad": ""})
"""Those of print, as programs for text write them; a soft one is none."""


def tidy(text: str) -> str:
    """Write one kind of hyphen and of space."""
    return " ".join(text.translate(HYPHENS).split())


def named(text: str) -> Iterator[Drug]:
    """Yield each drug, or class of drugs, that a tidy text names."""
    known = drugs_by_name()
    yield from (known[found[0].lower()] for found in _names().finditer(text))


def is_several(text: str) -> bool:
    """Tell whether a tidy text names several drugs; `25 mcg/hour` names one."""
    after = (WORD.search(text, found.end()) for found in SEVERAL.finditer(text))
    return any(word and word[0].casefold() not in FORMS for word in after)


def bare(text: str) -> str:
    """Return the words that are left without strengths, forms and times."""
    return " ".join(w for w in WORD.findall(text.casefold()) if w not in FORMS)


@cache
def _names() -> re.Pattern[str]:
    """Match the longest name first: `amoxicillin/clavulanate` before `amoxicillin`."""
    listed = sorted(drugs_by_name(), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, listed))})(?!\w)", re.IGNORECASE)
