"""Fold names and texts, so that a search finds them however they are typed (pure)."""

import re
import unicodedata
from typing import Final

LETTERS: Final = str.maketrans(
    {
        "æ": "ae",
        "đ": "d",
        "ð": "d",
        "ə": "e",
        "ħ": "h",
        "ı": "i",
        "ł": "l",
        "ŋ": "n",
        "œ": "oe",
        "ø": "o",
        "þ": "th",
        "ŧ": "t",
    }
)
"""Letters that Unicode does not take apart (NFKD), as people type them without their keys; `ß`
becomes `ss` by case folding.
"""
MARKS: Final = str.maketrans(
    dict.fromkeys("‐‑‒–—−", "-") | dict.fromkeys("’‘ʼʻʹ`´", "'") | dict.fromkeys("·・‧", "·")
)
"""Hyphens, apostrophes and dots within names, each as one of its kind."""
BETWEEN: Final = re.compile(r"[-'·]")
INVISIBLE: Final = "Cf"
"""The general category of what nobody sees: joiners, soft hyphens, overrides of the direction."""


def folded(text: str) -> str:
    """Return the text without capitals, accents and what nobody sees, to search in."""
    plain = unicodedata.normalize("NFKD", text.translate(MARKS).casefold()).translate(LETTERS)
    kept = (c for c in plain if not unicodedata.combining(c))
    return " ".join("".join(c for c in kept if unicodedata.category(c) != INVISIBLE).split())


def forms(name: str) -> list[str]:
    """List what a name is found by: its words, their parts, each without marks.

    `O'Brien` is `o'brien`, `o`, `brien` and `obrien`.
    """
    found: list[str] = []
    for word in folded(name).split():
        parts = [part for part in BETWEEN.split(word) if part]
        found += [word, *parts, "".join(parts)]
    return list(dict.fromkeys(found))
