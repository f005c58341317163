"""The text that a page of HTML shows."""

import re
from array import array
from typing import Final

from shared.text.doors.markup.elements import Elements
from shared.text.doors.markup.styles import Styles
from shared.text.doors.markup.tokens import Token, tokens
from shared.text.doors.opened import Span
from shared.text.doors.sheet import Sheet

BLOCK_NAMES: Final = (
    "address article aside blockquote body caption center dd div dl dt fieldset figcaption figure"
    " footer form h1 h2 h3 h4 h5 h6 header hr html legend li main menu nav ol option p pre section"
    " summary table tbody tfoot thead ul"
)
BLOCKS: Final = frozenset(BLOCK_NAMES.split())
LAID_OUT: Final = re.compile(r"<(?:br|p|div|li|tr|h[1-6]|pre|dd|hr)(?=[\s/>])", re.IGNORECASE)
INVISIBLE: Final = re.compile("[\xad\u200b\u2060\ufeff]")
"""Places where a word may break; the word is one."""
TICKS: Final = frozenset({"checkbox", "radio"})
TYPED: Final = frozenset({"", "text", "number", "date", "search", "email", "tel", "time"})


def read_html(source: str) -> tuple[str, "array[int]", tuple[Span, ...]]:
    """Return the text, the place of each character, and what is struck out.

    A page without a tag that ends a line keeps the lines of its source.

    Raises:
        InvalidInput: see `tokens`.
    """
    page = _Page(keeps_lines=LAID_OUT.search(source) is None)
    for token in tokens(source):
        if not token.name:
            page.text(token)
        elif token.is_end:
            page.end(token)
        else:
            page.begin(token)
    return page.sheet.finish()


class _Page:
    """A page as far as it was read."""

    def __init__(self, *, keeps_lines: bool) -> None:
        self.sheet = Sheet()
        self.styles = Styles()
        self.elements = Elements(self.styles)
        self.keeps_lines = keeps_lines
        self.cells = [0]  # of the open row of each open table

    def text(self, token: Token) -> None:
        look = self.elements.look
        if look.hidden:
            return
        self.sheet.struck = look.struck
        if not token.spread:
            # a reference: a no-break space stands for itself
            self.sheet.add(INVISIBLE.sub("", token.text), token.start, kept=True, spread=False)
            return
        at = 0
        for gap in INVISIBLE.finditer(token.text):
            self._add(token.text[at : gap.start()], token.start + at)
            at = gap.end()
        self._add(token.text[at:], token.start + at)

    def _add(self, chars: str, place: int) -> None:
        self.sheet.add(chars, place, kept=self.keeps_lines or self.elements.look.kept)

    def begin(self, tag: Token) -> None:
        if tag.name == "style":
            self.styles.read(tag.inside)
        look = self.elements.begin(tag)
        if look.hidden:
            return
        self.sheet.struck = look.struck
        if tag.name == "br":
            self.sheet.line(tag.start)
        elif tag.name in ("td", "th", "tr", "table"):
            self._table(tag)
        elif tag.name in BLOCKS:
            self.sheet.block(tag.start)
        elif tag.name in ("input", "textarea"):
            self._field(tag)

    def end(self, tag: Token) -> None:
        if self.elements.end(tag.name).hidden:
            return
        if tag.name in ("tr", "table"):
            self._end_table(tag)
        elif tag.name in BLOCKS:
            self.sheet.block(tag.start)

    def _table(self, tag: Token) -> None:
        if tag.name == "table":
            self.sheet.block(tag.start)
            self.cells.append(0)
        elif tag.name == "tr":
            self._end_row(tag.start)
            self.sheet.block(tag.start)
        elif self.cells[-1]:
            self.sheet.cell(tag.start)
            self.cells[-1] += 1
        else:
            self.sheet.begin_row()
            self.cells[-1] = 1

    def _end_table(self, tag: Token) -> None:
        self._end_row(tag.start)
        self.sheet.block(tag.start)
        if tag.name == "table" and len(self.cells) > 1:
            self.cells.pop()

    def _end_row(self, place: int) -> None:
        if self.cells[-1]:
            self.sheet.end_row(place)
            self.cells[-1] = 0

    def _field(self, tag: Token) -> None:
        """Show what a form's field holds: an empty box is no finding."""
        if tag.name == "textarea":
            self.sheet.add(tag.inside, tag.end - len(tag.inside), kept=True, spread=False)
            return
        stated = tag.attributes
        kind = stated.get("type", "").lower()
        if kind in TICKS:
            self.sheet.add("[x] " if "checked" in stated else "[ ] ", tag.start, spread=False)
        elif kind in TYPED:
            self.sheet.add(stated.get("value", ""), tag.start, spread=False)
