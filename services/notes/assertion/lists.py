"""The lists of a sentence: what its commas part (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from typing import Final

from services.notes.reading.tables import table

JOINTS: Final = frozenset({"and", "or", "nor", "any", "&", "/", ",", "the", "a", "an"})
ALTERNATIVES: Final = frozenset({"or", "nor"})
ENDS: Final = frozenset({",", ";", "."})
LONGEST: Final = 80
"""Words of an item."""


@dataclass(frozen=True)
class Lists:
    """The commas of a sentence, as places of words.

    Attributes:
        commas: all of them.
        asserting: before an item that asserts something: `no rash, severe pain`.
        unbare: before an item that is more than a name: `without sputum, fever to 39`.
        alternatives: the places of `or` and `nor`: a list that goes on.
    """

    commas: Sequence[int]
    asserting: frozenset[int]
    unbare: frozenset[int]
    alternatives: Sequence[int]


def lists_of(words: Sequence[str], named: Sequence[bool]) -> Lists:
    """Find the lists of a sentence; `named`: the words that name a problem or a drug."""
    commas = [i for i, word in enumerate(words) if word == ","]
    items = {i: _item(words, i + 1) for i in commas}
    return Lists(
        commas,
        frozenset(i for i, item in items.items() if _asserts([words[at] for at in item])),
        frozenset(
            i for i, item in items.items() if not all(named[a] or words[a] in JOINTS for a in item)
        ),
        [i for i, word in enumerate(words) if word in ALTERNATIVES],
    )


def _item(words: Sequence[str], start: int) -> list[int]:
    most = range(start, min(start + LONGEST, len(words)))
    return list(takewhile(lambda at: words[at] not in ENDS, most))


def _asserts(item: Sequence[str]) -> bool:
    first = next((word for word in item if word not in JOINTS), "")
    return first in _asserting() or any(word[0].isdigit() for word in item)


@cache
def _asserting() -> frozenset[str]:
    return frozenset(table("cues")["asserting"])
