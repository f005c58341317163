"""Characters that no text holds."""

import unicodedata
from array import array
from collections.abc import Sequence
from typing import Final

from shared.errors import InvalidInput

USUAL: Final = frozenset("\t\n\r\f\v\x85")
IN_TEXT: Final = 200
"""A text has one control character in so many at most, and one in any case."""


def without_controls(text: str) -> tuple[str, Sequence[int]]:
    """Return the text without its control characters, and the places of the rest.

    Raises:
        InvalidInput: it holds many of them: it is not a text.
    """
    strange = {c for c in set(text) if unicodedata.category(c) == "Cc" and c not in USUAL}
    if not strange:
        return text, range(len(text))
    if sum(map(text.count, strange)) > 1 + len(text) // IN_TEXT:
        raise InvalidInput("The attachment holds control characters: it is not a text.")
    places = array("L", (i for i, c in enumerate(text) if c not in strange))
    return "".join(c for c in text if c not in strange), places
