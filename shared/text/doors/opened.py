"""What an opened attachment holds."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

Form = Literal["text", "html", "rtf", "pdf", "ccda"]
MAX_CHARACTERS: Final = 1_000_000
"""Of the text of one attachment."""
MAX_BYTES: Final = 8_000_000
"""Of one attachment, as it is stored: pictures, fonts and markup stand in it, too."""


class Span(NamedTuple):
    """A stretch of a text, in code points, end excluded."""

    start: int
    end: int


@dataclass(frozen=True)
class Opened:
    """The text of one attachment, and where each of its characters comes from.

    Attributes:
        text: what is read and shown. A table's row is one line, its cells apart by a tab; the pages
            of a PDF are apart by a form feed.
        places: for each character of `text` its place in the source, in code points of the decoded
            bytes; they only grow. The source of RTF is decoded as Latin-1, so its places are bytes.
            A PDF's source is `text` itself, that of an unstructured C-CDA document the file in it.
        form: what the content is, whatever its label says.
        unread: what could not be read, a sentence each.
        doubts: what was read by a guess, a sentence each.
        struck: stretches of `text` that the document shows struck out.
    """

    text: str
    places: Sequence[int]
    form: Form
    unread: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    struck: tuple[Span, ...] = ()

    def source(self, start: int, end: int) -> Span:
        """Return the stretch of the source behind `text[start:end]`."""
        if start >= end:
            return Span(0, 0)
        return Span(self.places[start], self.places[end - 1] + 1)

    def shown(self, start: int, end: int) -> Span:
        """Return the stretch of the text that a stretch of the source became."""
        return Span(bisect_left(self.places, start), bisect_left(self.places, end))
