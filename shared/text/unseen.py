"""Find the characters of a text that nobody can see (pure).

Such a character may hide a word, turn the order of the others round, or make an empty text look
like one. Joiners are seen where scripts need them: from `OTHER_SCRIPTS` on, and in emoji.
"""

import unicodedata
from typing import Final

UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""General categories: controls, formats, surrogates, private use, unassigned, separators."""
LAYOUT: Final = frozenset("\n\t")
FILLERS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that are drawn as nothing."""
JOINERS: Final = frozenset("\u200c\u200d")
OTHER_SCRIPTS: Final = "\u0590"
"""From here on scripts need joiners (Arabic, Indic scripts), and so do emoji."""
NO_NAME: Final = "control character"


def is_unseen(text: str, at: int) -> bool:
    """Tell whether nobody can see this character of a text."""
    char = text[at]
    if char in JOINERS:
        return not (0 < at < len(text) - 1 and min(text[at - 1], text[at + 1]) >= OTHER_SCRIPTS)
    return char not in LAYOUT and (char in FILLERS or unicodedata.category(char) in UNSEEN)


def has_unseen(text: str) -> bool:
    """Tell whether a text holds a character that nobody can see."""
    is_plain = text.isascii() and text.isprintable()
    return not is_plain and any(is_unseen(text, at) for at in range(len(text)))


def name_of(char: str) -> str:
    """Name a character: `right-to-left override (U+202E)`."""
    return f"{unicodedata.name(char, NO_NAME).lower()} ({code_of(char)})"


def code_of(char: str) -> str:
    """Write the code point of a character: `U+202E`."""
    return f"U+{ord(char):04X}"


def visible(text: str) -> str:
    """Return the text with `[U+202E]` in place of each character that nobody can see.

    Line ends stay, those of Windows too; a form feed between two pages of a note is one.
    """
    if not has_unseen(text := text.replace("\r\n", "\n").replace("\f", "\n")):
        return text
    return "".join(f"[{code_of(c)}]" if is_unseen(text, at) else c for at, c in enumerate(text))
