"""The words of a sentence (pure)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

TOKEN: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d+(?:[.,]\d+)*|[^\s]")
OPENS, CLOSES = "([{", ")]}"


@dataclass(frozen=True)
class Token:
    """One word, number or mark.

    Attributes:
        start, end: where it stands in its text.
        word: in lower case.
        group: which pair of brackets it stands in, 0 outside; a bracket belongs to its own pair.
    """

    start: int
    end: int
    word: str
    group: int


def tokens_of(text: str, start: int, end: int) -> list[Token]:
    """Cut a sentence into its words; brackets that never close enclose nothing."""
    found = list(TOKEN.finditer(text, start, end))
    groups = _groups([m[0] for m in found])
    return [
        Token(m.start(), m.end(), m[0].lower(), group)
        for m, group in zip(found, groups, strict=True)
    ]


def _groups(words: Sequence[str]) -> list[int]:
    """Number the pairs of brackets, innermost first where they are nested."""
    groups = [0] * len(words)
    for number, (first, last) in enumerate(_pairs(words), 1):
        for at in range(first, last + 1):
            groups[at] = groups[at] or number
    return groups


def _pairs(words: Sequence[str]) -> Iterator[tuple[int, int]]:
    opened: list[int] = []
    for at, word in enumerate(words):
        if word in OPENS:
            opened.append(at)
        elif word in CLOSES and opened:
            yield opened.pop(), at
