"""The text of a note in one spelling, with the way back (pure).

Word processors, phones and scanners write the same thing in many characters. Every rule that
follows reads one of them: straight quotes, one hyphen, one blank, boxes as `[ ]` and `[x]`.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

QUOTES: Final = dict.fromkeys("‘’‚‛ʼ′`´＇", "'") | dict.fromkeys("“”„‟″«»＂", '"')
DASHES: Final = dict.fromkeys("‐‑‒–—―−﹣－", "-")
BLANKS: Final = dict.fromkeys(
    "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
    "\u2008\u2009\u200a\u202f\u205f\u3000",
    " ",
)
LINES: Final = dict.fromkeys("\u2028\u2029\x0b\x0c\x85", "\n")
BOXES: Final = dict.fromkeys("☐□▢◻◯○❏❑❒", "[ ]") | dict.fromkeys("☑☒✓✔✗✘■◼●🗹🗷✅", "[x]")
BULLETS: Final = dict.fromkeys("·‣⁃∙◦▪▫➢➤►", "•")
SPELLINGS: Final = QUOTES | DASHES | BLANKS | LINES | BOXES | BULLETS | {"…": "..."}
UNSEEN: Final = frozenset({"Cf", "Cc", "Mn", "Me", "Co", "Cs"})
"""Categories of what nobody sees: zero widths, directions, variation selectors."""
SEEN: Final = frozenset("\t\n\r")
ORDINARY: Final = re.compile(r"[\t\n\r -_a-~]*+")


@dataclass(frozen=True)
class Normal:
    """A text as the rules read it.

    Attributes:
        text: one spelling of everything.
        places: where each character of `text` stands in the source, and at last the source's end.
    """

    text: str
    places: Sequence[int]

    def source(self, start: int, end: int) -> tuple[int, int]:
        """Return where a span of `text` stands in the source."""
        return self.places[start], self.places[end - 1] + 1 if end > start else self.places[start]


def normalise(source: str) -> Normal:
    """Return the text in one spelling; each character knows where it came from."""
    if ORDINARY.fullmatch(source):
        return Normal(source, range(len(source) + 1))

    text: list[str] = []
    places: list[int] = []
    for place, character in enumerate(source):
        spelled = _spelled(character)
        text.append(spelled)
        places.extend([place] * len(spelled))
    places.append(len(source))
    return Normal("".join(text), places)


def _spelled(character: str) -> str:
    if character in SPELLINGS:
        return SPELLINGS[character]
    if character.isascii() and (character.isprintable() or character in SEEN):
        return character
    if unicodedata.category(character) in UNSEEN:
        return ""
    plain = unicodedata.normalize("NFKC", character)
    if not plain.isascii():  # a letter with an accent stays one letter
        return plain if len(plain) == 1 else character
    return plain
