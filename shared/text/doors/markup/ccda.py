"""The narrative of a C-CDA document: each section's title and text.

What a clinician reads is the narrative (CDA R2, 4.3.5: the attested content); entries are data
behind it. A title stands on a line of its own and ends with a colon. XML that declares entities or
a document type is refused: neither belongs into a clinical document.
"""

import re
from array import array
from dataclasses import dataclass, field
from typing import Final

from shared.errors import InvalidInput
from shared.text.doors.markup.elements import Elements
from shared.text.doors.markup.styles import Styles
from shared.text.doors.markup.tokens import Token, tokens
from shared.text.doors.opened import Span
from shared.text.doors.sheet import Sheet

DECLARED: Final = re.compile(r"<!(?:DOCTYPE|ENTITY|ELEMENT|ATTLIST)", re.IGNORECASE)
BLOCK_NAMES: Final = "paragraph list item caption table thead tbody tfoot footnote"
BLOCKS: Final = frozenset(BLOCK_NAMES.split())
CELLS: Final = frozenset({"td", "th"})


@dataclass(frozen=True)
class Embedded:
    """A file in a document without a structured body.

    Attributes:
        data: as it stands there, base64 where `is_base64`.
    """

    content_type: str
    data: str
    is_base64: bool


def embedded(source: str) -> Embedded | None:
    """Return the file that an unstructured document holds; None where it has sections.

    Raises:
        InvalidInput: see `read_ccda`.
    """
    _refuse_declarations(source)
    body, text = False, None
    for token in tokens(source, is_xml=True):
        if token.name == "nonxmlbody" and not token.is_end:
            body = True
        elif body and token.name == "text" and not token.is_end:
            text = token
        elif text and not token.name:
            stated = text.attributes
            is_base64 = stated.get("representation", "").upper() == "B64"
            kind = stated.get("mediatype", "text/plain")
            return Embedded(kind, token.text, is_base64)
    return None


def read_ccda(source: str) -> tuple[str, "array[int]", tuple[Span, ...]]:
    """Return the narrative, the place of each character, and what is struck out.

    Raises:
        InvalidInput: it declares entities, or ends within a tag or a comment.
    """
    _refuse_declarations(source)
    narrative = _Narrative()
    for token in tokens(source, is_xml=True):
        if not token.name:
            narrative.text(token)
        elif token.is_end:
            narrative.end(token)
        else:
            narrative.begin(token)
    return narrative.sheet.finish()


def _refuse_declarations(source: str) -> None:
    if DECLARED.search(source):
        raise InvalidInput("The document declares entities or a document type: it is not read.")


@dataclass
class _Narrative:
    """A document as far as it was read.

    Attributes:
        sections, entries: how many are open.
        part: the `title` or `text` of a section that is open.
        depth: of the elements within that part.
    """

    sheet: Sheet = field(default_factory=Sheet)
    elements: Elements = field(default_factory=lambda: Elements(Styles()))
    sections: int = 0
    entries: int = 0
    part: str = ""
    depth: int = 0
    cells: list[int] = field(default_factory=lambda: [0])
    ends_with_colon: bool = False

    def text(self, token: Token) -> None:
        if not self.part or self.elements.look.hidden:
            return
        self.sheet.struck = self.elements.look.struck
        self.sheet.add(token.text, token.start, spread=token.spread)
        if token.text.strip():
            self.ends_with_colon = token.text.rstrip().endswith(":")

    def begin(self, tag: Token) -> None:
        if not self.part:
            self._outside(tag)
            return
        if not tag.is_empty:
            self.depth += 1
        self.elements.begin(tag._replace(name=f"x-{tag.name}"), is_xml=True)
        if tag.name == "br":
            self.sheet.line(tag.start)
        elif tag.name == "table":
            self.cells.append(0)
            self.sheet.block(tag.start)
        elif tag.name in CELLS:
            self._cell(tag)
        elif tag.name == "tr" or tag.name in BLOCKS:
            self.sheet.block(tag.start)

    def end(self, tag: Token) -> None:
        if not self.part:
            self.sections -= tag.name == "section" and self.sections > 0
            self.entries -= tag.name == "entry" and self.entries > 0
            return
        if self.depth == 0:
            self._end_part(tag)
            return
        self.depth -= 1
        self.elements.end(f"x-{tag.name}")
        if tag.name == "tr" or (tag.name == "table" and len(self.cells) > 1):
            if self.cells[-1]:
                self.sheet.end_row(tag.start)
            self.cells[-1] = 0
            if tag.name == "table":
                self.cells.pop()
        if tag.name in BLOCKS:
            self.sheet.block(tag.start)

    def _outside(self, tag: Token) -> None:
        if tag.is_empty:
            return
        if tag.name == "section":
            self.sections += 1
        elif tag.name == "entry":
            self.entries += 1
        elif self.sections and not self.entries and tag.name in ("title", "text"):
            self.part, self.depth = tag.name, 0
            self.ends_with_colon = True  # of an empty title
            self.sheet.block(tag.start)

    def _end_part(self, tag: Token) -> None:
        if self.part == "title" and not self.ends_with_colon:
            self.sheet.add(":", tag.start, spread=False)
        self.sheet.block(tag.start)
        self.part = ""

    def _cell(self, tag: Token) -> None:
        if self.cells[-1]:
            self.sheet.cell(tag.start)
        else:
            self.sheet.begin_row()
        self.cells[-1] += 1
